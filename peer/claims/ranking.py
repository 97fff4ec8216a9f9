"""Who decides about a node: rendezvous hashing.

Every member orders all members by a hash of node and member (Thaler and Ravishankar,
"Using name-based mappings to increase hit rates", 1998).  Who sees the same members
finds the same order without a message; a member that leaves moves only the nodes that
it came first for, and they spread evenly over the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from hashlib import blake2b
from heapq import nsmallest

from .messages import Key, NodeId

MAX_ARBITERS = 64
"""Of more members only so many decide, so that an order costs little."""

HASH_BYTES = 8


def arbiters(members: Collection[NodeId]) -> list[NodeId]:
    """Return those of ``members`` that decide: of many, the same few everywhere."""
    if len(members) <= MAX_ARBITERS:
        return list(members)
    return nsmallest(MAX_ARBITERS, members, key=_place)


def rank(key: Key, members: Collection[NodeId]) -> list[NodeId]:
    """Return the members that decide about ``key``, the first choice first."""
    return ranked(key, encoded(arbiters(members)))


def position(key: Key, me: NodeId, members: Collection[NodeId]) -> int:
    """Return how many members come before ``me`` for ``key``.

    Args:
        key: the node.
        me: a member, whether it is among ``members`` or not.
        members: all, in any order.
    """
    weigh = blake2b(digest_size=HASH_BYTES, key=key).copy
    hasher = weigh()
    hasher.update(me.encode())
    mine = (hasher.digest(), me)
    before = 0
    for member, name in encoded(arbiters(members)):
        hasher = weigh()
        hasher.update(name)
        before += (hasher.digest(), member) < mine
    return before


def encoded(members: Iterable[NodeId]) -> list[tuple[NodeId, bytes]]:
    """Return members with the bytes that are hashed of them."""
    return [(member, member.encode()) for member in members]


def ranked(key: Key, members: Iterable[tuple[NodeId, bytes]]) -> list[NodeId]:
    """Return :func:`encoded` members in the order of ``key``."""
    # Copying a keyed hash costs two thirds of making it anew.
    weigh = blake2b(digest_size=HASH_BYTES, key=key).copy
    weighed = []
    for member, name in members:
        hasher = weigh()
        hasher.update(name)
        weighed.append((hasher.digest(), member))
    weighed.sort()
    return [member for _, member in weighed]


def _place(member: NodeId) -> tuple[bytes, NodeId]:
    return blake2b(member.encode(), digest_size=HASH_BYTES).digest(), member
