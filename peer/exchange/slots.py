"""How many calls of one kind are served at a time, in all and for each member."""

from __future__ import annotations

import threading
from collections import Counter


class Slots:
    """Places that calls take; whoever finds none is told to come again."""

    def __init__(self, total: int, per_member: int) -> None:
        self._lock = threading.Lock()
        self._total = total
        self._per_member = per_member
        self._taken: Counter[str] = Counter()

    def take(self, member: str) -> bool:
        """Take a place if there is one."""
        with self._lock:
            full = self._taken.total() >= self._total
            if full or self._taken[member] >= self._per_member:
                return False
            self._taken[member] += 1
            return True

    def free(self, member: str) -> None:
        """Give a place back."""
        with self._lock:
            self._taken[member] -= 1
            if not self._taken[member]:
                del self._taken[member]
