"""When something is due, for many things at once."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from .messages import Key

SLACK = 64
"""Entries of the heap that may be out of date before they are cleared away."""


class Deadlines:
    """One time for each node; setting and finding cost O(log n)."""

    def __init__(self) -> None:
        """Begin with nothing due."""
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []

    def __len__(self) -> int:
        return len(self._due)

    def set(self, key: Key, due: float) -> None:
        """Let ``key`` be due then, and at no other time."""
        if self._due.get(key) == due:
            return
        self._due[key] = due
        heappush(self._heap, (due, key))
        if len(self._heap) > SLACK + 2 * len(self._due):
            self._heap = [(when, key) for key, when in self._due.items()]
            heapify(self._heap)

    def drop(self, key: Key) -> None:
        """Let ``key`` not be due at all."""
        self._due.pop(key, None)

    def next(self) -> float | None:
        """Return the earliest time."""
        heap = self._heap
        while heap:
            due, key = heap[0]
            if self._due.get(key) == due:
                return due
            heappop(heap)
        return None

    def pop_due(self, now: float) -> Iterator[Key]:
        """Yield what is due, once, the earliest first."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            due, key = heappop(heap)
            if self._due.get(key) == due:
                del self._due[key]
                yield key
