"""Who is there, as this machine sees it."""

from __future__ import annotations

from collections.abc import Container
from hashlib import blake2b

from .messages import Key, NodeId
from .ranking import HASH_BYTES, arbiters, encoded, ranked


class View:
    """This machine and the others that answer."""

    def __init__(self, me: NodeId) -> None:
        """Begin alone."""
        self.me = me
        self._my_name = me.encode()
        self.live: frozenset[NodeId] = frozenset()
        self.version = 0
        """Rises with every change."""
        self._deciding = encoded([me])

    def update(self, live: frozenset[NodeId]) -> bool:
        """Replace the others; return whether that changed anything."""
        others = live - {self.me}
        if others == self.live:
            return False
        self.live = others
        self.version += 1
        self._deciding = encoded(arbiters({self.me, *others}))
        return True

    def rank(self, key: Key) -> list[NodeId]:
        """Return whom to ask for ``key``, in this order; this machine is among them."""
        order = ranked(key, self._deciding)
        if self.me not in order:
            order.append(self.me)
        return order

    def better(self, key: Key, without: Container[NodeId]) -> NodeId | None:
        """Return who comes first for ``key`` and before this machine, if anybody.

        Args:
            key: the node.
            without: members that do not count.
        """
        # Done for every node that is claimed here: without a sort, and inline.
        copy = blake2b(digest_size=HASH_BYTES, key=key).copy
        hasher = copy()
        hasher.update(self._my_name)
        least, first = hasher.digest(), self.me
        for member, name in self._deciding:
            hasher = copy()
            hasher.update(name)
            weight = hasher.digest()
            if weight > least or member in without:
                continue
            if (weight, member) < (least, first):
                least, first = weight, member
        return None if first == self.me else first
