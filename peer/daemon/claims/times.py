"""How long claims took, from claim to what ended it."""

from __future__ import annotations

import threading
from typing import Literal, TypeAlias

Until: TypeAlias = Literal["answer", "arrival", "grant", "begin"]
"""``answer``: from the claim to the first answer; the others from the first ``Held``
to the result, to a grant, and to a start without one."""


class ClaimTimes:
    """Numbers and sums of seconds, for status and metrics.  Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._sums: dict[str, float] = {}

    def add(self, until: Until, seconds: float) -> None:
        """Take note of one."""
        with self._lock:
            self._counts[until] = self._counts.get(until, 0) + 1
            self._sums[until] = self._sums.get(until, 0.0) + seconds

    def snapshot(self) -> dict[str, tuple[int, float]]:
        """Return how many there were, and their seconds together, by their end."""
        with self._lock:
            return {
                name: (self._counts[name], self._sums[name])
                for name in sorted(self._counts)
            }
