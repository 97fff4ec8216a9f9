"""The order in which ready nodes are claimed.

Machines that want the same nodes meet late when each begins with those that it comes
first for.  That is asked once for each node, in batches; short nodes, which are not
worth it, come in the order of the program.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from .neighbours import Claim, Neighbours
from .plan import Ref

ORDERED_S = 0.05
"""From this estimate on nodes are ordered by whom they come first for."""


@dataclass(frozen=True, slots=True, order=True)
class Ranked:
    """A node with its place in the order: by rank, then by reference."""

    rank: int
    ref: Ref
    claim: Claim = field(compare=False)


class WorkOrder:
    """Ready nodes that are to be claimed."""

    def __init__(self, neighbours: Neighbours, *, keeps_order: bool) -> None:
        """Begin with none.

        Args:
            neighbours: who know the ranks.
            keeps_order: whether the order of the program is kept in any case.
        """
        self._neighbours = neighbours
        self._keeps_order = keeps_order
        self._new: dict[Ref, Claim] = {}
        self._queue: list[Ranked] = []
        self._next = 0
        """Where :meth:`some` goes on."""

    def __len__(self) -> int:
        """Return how many nodes there are; some may be wanted no longer."""
        return len(self._new) + len(self._queue)

    def add(self, ref: Ref, claim: Claim) -> None:
        """Take a node."""
        self._new[ref] = claim

    def put_back(self, ranked: Ranked) -> None:
        """Take a node again whose place is known."""
        heapq.heappush(self._queue, ranked)

    def discard(self, ref: Ref) -> None:
        """Let go of a node that has no place yet; others are seen to when they come."""
        self._new.pop(ref, None)

    def some(self, count: int) -> list[Ref]:
        """Return some of the nodes, each time others until all had their turn."""
        if self._new:
            self._rank()
        if self._next >= len(self._queue):
            self._next = 0
        some = self._queue[self._next : self._next + count]
        self._next += count
        return [ranked.ref for ranked in some]

    def pop(self) -> Ranked:
        """Take the first node out.

        Raises:
            IndexError: there is none.
        """
        if self._new:
            self._rank()
        return heapq.heappop(self._queue)

    def _rank(self) -> None:
        new, self._new = self._new, {}
        ordered = [ref for ref, claim in new.items() if self._is_ordered(claim)]
        keys = [new[ref].key for ref in ordered]
        found = self._neighbours.ranks(keys) if keys else []
        ranks = dict(zip(ordered, found, strict=True))
        for ref, claim in new.items():
            heapq.heappush(self._queue, Ranked(ranks.get(ref, 0), ref, claim))

    def _is_ordered(self, claim: Claim) -> bool:
        return not self._keeps_order and claim.estimate_s >= ORDERED_S
