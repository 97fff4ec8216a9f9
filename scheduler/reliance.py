"""On whose word the values of one run rest.

What comes from others says so.  What is computed rests on whatever its arguments rest
on at the moment at which they are handed over, and what a loop collects on all that
its rule was told.  As long as nothing of others is used, nothing here takes time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from store import Reliance

from .calls import operands
from .graph import Graph
from .plan import Ref

Relied: TypeAlias = tuple[Reliance, ...]
"""Sorted by member, each once, with its highest sequence."""

NOBODY: Relied = ()
SOMEBODY: Relied = (Reliance("", 0),)
"""For what came from others, and nothing says from whom."""


class Reliances:
    """What the values of a run's nodes rest on."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._of: dict[Ref, Relied] = {}
        self._same: dict[Relied, Relied] = {NOBODY: NOBODY}
        """Every value once, so that they can be told apart by their identities."""
        self._merged: dict[tuple[int, int], Relied] = {}

    def __bool__(self) -> bool:
        """Return whether any value rests on somebody."""
        return bool(self._of)

    def of(self, ref: Ref) -> Relied:
        """Return what the value of a node rests on."""
        return self._of.get(ref, NOBODY)

    def below(self, ref: Ref) -> Relied:
        """Return what the values of an application's arguments rest on together."""
        if not self._of:
            return NOBODY
        return self.union(operands(self._graph, ref))

    def union(self, refs: Iterable[Ref]) -> Relied:
        """Return what the values of nodes rest on together."""
        found = NOBODY
        if self._of:
            for ref in refs:
                found = self.merge(found, self._of.get(ref, NOBODY))
        return found

    def note(self, ref: Ref, relied: Relied) -> None:
        """Take note of what the value that a node has now rests on."""
        if relied:
            self._of[ref] = self._same.setdefault(relied, relied)
        elif self._of:
            self._of.pop(ref, None)

    def merge(self, one: Relied, other: Relied) -> Relied:
        """Return what two values rest on together."""
        if one is other or not other:
            return one
        if not one:
            return other
        one = self._same.setdefault(one, one)
        other = self._same.setdefault(other, other)
        pair = (id(one), id(other))
        found = self._merged.get(pair)
        if found is None:
            found = _merge(one, other)
            found = self._merged[pair] = self._same.setdefault(found, found)
        return found


def _merge(one: Relied, other: Relied) -> Relied:
    highest = dict(one)
    for member, sequence in other:
        highest[member] = max(sequence, highest.get(member, sequence))
    return tuple(Reliance(*item) for item in sorted(highest.items()))
