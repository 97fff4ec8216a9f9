"""Nodes that are ready, and which of them comes next."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from .plan import Ref

LOOK_AT = 100
"""Nodes among which the one that frees most memory is looked for."""


class ReadyNodes:
    """A queue in the order in which nodes were made, or by the memory they free.

    Args:
        frees: how many bytes a node's end lets go of, or helps to let go of, as things
            are when it is called.
    """

    def __init__(self, frees: Callable[[Ref], float]) -> None:
        self._frees = frees
        # Apart, so that few are looked at however many files are still to be read.
        self._freeing: list[Ref] = []
        self._others: list[Ref] = []

    def __len__(self) -> int:
        """Return how many nodes there are; some may be wanted no longer."""
        return len(self._freeing) + len(self._others)

    def add(self, ref: Ref) -> None:
        """Take a node whose arguments are there."""
        heapq.heappush(self._freeing if self._frees(ref) else self._others, ref)

    def pop(self) -> Ref:
        """Take out the node that was made first."""
        queues = [queue for queue in (self._freeing, self._others) if queue]
        return heapq.heappop(min(queues, key=lambda queue: queue[0]))

    def pop_freeing(self) -> Ref:
        """Take out a node that frees much, or without any the one made first.

        Of all that free something, those made first are looked at.
        """
        if not self._freeing:
            return self.pop()
        count = min(LOOK_AT, len(self._freeing))
        some = [heapq.heappop(self._freeing) for _ in range(count)]
        chosen = max(some, key=self._frees)  # the first one of equals
        some.remove(chosen)
        for ref in some:
            heapq.heappush(self._freeing, ref)
        return chosen
