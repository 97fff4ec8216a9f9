"""What is typed while something computes is kept as it is, and not shown."""

from __future__ import annotations

import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def silent_typing() -> Iterator[None]:
    """Within the block, have the terminal not show what is typed ahead.

    It would get between the lines of the progress view; the next prompt shows it.
    Nor does the terminal make lines of it: it would swallow Ctrl-D, and what is longer
    than 4096 characters.  Without a terminal nothing is changed.
    """
    try:
        before = termios.tcgetattr(sys.stdin.fileno())
    except (termios.error, OSError, ValueError):
        yield
        return
    local = before[3] & ~(termios.ECHO | termios.ICANON)
    silent = [*before[:3], local, *before[4:]]
    termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, silent)
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal has gone
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, before)
