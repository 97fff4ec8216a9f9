"""Which signals came while something else handled them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def noted_signals() -> Iterator[set[int]]:
    """Yield a set that holds the signals that came within the block, after its end.

    A run stops at Ctrl-C and at a request to end alike; the session that asked for it
    goes on after the one, and not after the other.  Call it on the main thread.
    """
    came: set[int] = set()
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield came
    finally:
        signal.set_wakeup_fd(before)
        with suppress(BlockingIOError):  # none came
            came.update(os.read(reader, 4096))
        os.close(reader)
        os.close(writer)
