"""In which order a machine takes what is ready, as others take it in another."""

from __future__ import annotations

from peer.claims import position
from peer.claims.messages import Key, NodeId

RANKED_S = 0.05
"""Tasks that are estimated to take longer start in an order of the machine's own."""


class Ranks:
    """The places of one machine among those that may compute each node."""

    def __init__(self, me: NodeId) -> None:
        self._me = me
        self._ranks: dict[Key, int] = {}
        self._among: frozenset[NodeId] = frozenset()

    def of(self, key: Key, estimate_s: float, live: frozenset[NodeId]) -> int:
        """Return the place for a node, among this machine and ``live`` ones."""
        if not live or estimate_s < RANKED_S:
            return 0
        if live is not self._among:
            self._among = live
            self._ranks.clear()
        rank = self._ranks.get(key)
        if rank is None:
            rank = self._ranks[key] = position(key, self._me, [self._me, *live])
        return rank
