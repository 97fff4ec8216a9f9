"""A process that takes only time that nobody else wants, and ends with its parent."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

LOWEST_NICENESS = 19
GRACE_S = 10.0
"""For a process whose parent has ended; then it is ended, whatever it is at."""


def take_idle_priority() -> None:
    """Take only time that no other process of the machine wants, where that can be.

    If memory runs out, this process is the first to go.
    """
    with suppress(OSError):
        os.nice(LOWEST_NICENESS)
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def end_with_input(stop: Callable[[], None]) -> None:
    """Call ``stop`` when standard input ends, and end the process soon after.

    Whoever starts a process with a pipe for its input lets it end so even when killed.
    """
    threading.Thread(target=_watch, args=(stop,), name="watch", daemon=True).start()


def _watch(stop: Callable[[], None]) -> None:
    with suppress(OSError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    stop()
    time.sleep(GRACE_S)
    os._exit(1)  # a kernel that does not listen; the store can bear it
