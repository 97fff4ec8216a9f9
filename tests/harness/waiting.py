"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_S = 0.1


def wait_until(condition: Callable[[], T], what: str, *, limit_s: float) -> T:
    """Return what ``condition`` returns as soon as it is true.

    Args:
        condition: asked again and again.
        what: the condition in words, for the message.
        limit_s: seconds until waiting is given up.

    Raises:
        AssertionError: the time is up.
    """
    ends = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < ends, f"not so after {limit_s:.0f} s: {what}"
        time.sleep(PAUSE_S)
    return found
