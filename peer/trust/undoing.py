"""Removing what a member signed, and whatever was computed from it, here or elsewhere.

It may be done again at any time: what is gone already is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from peer.identity import NodeId
from store import NodeKey, SqliteStore

from . import attestations

PART = 1000

Remove = Callable[[Sequence[NodeKey]], int]
"""Removes results and what was signed about them; returns how many there were."""

Withdraw = Callable[[Sequence[tuple[int, NodeKey]]], None]
"""Takes note, durably, that own records count no more: their numbers and nodes."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What was removed.

    Attributes:
        member: of whom.
        from_sequence: from which of its records on.
        results: how many results.
        withdrawn: how many of them this store had signed itself.
    """

    member: NodeId
    from_sequence: int
    results: int = 0
    withdrawn: int = 0


def undo(
    store: SqliteStore,
    me: NodeId,
    member: NodeId,
    from_sequence: int,
    remove: Remove,
    withdraw: Withdraw,
) -> Undone:
    """Remove what rests on a member's records, from one on.

    What was computed here from nothing of others' stays, whoever has signed it too.

    Args:
        store: from which.
        me: our own node id.
        member: whose records.
        from_sequence: the first of them that does not count.
        remove: how to.
        withdraw: told of our own records before they go.
    """
    # Whoever signed it, as its record says: what was fetched relies on its signer too.
    keys = list(store.relying(member, from_sequence))
    results = withdrawn = 0
    for start in range(0, len(keys), PART):
        part = keys[start : start + PART]
        own = _signed_by(store, me, part)
        withdraw(own)
        withdrawn += len(own)
        results += remove(part)
    alone = attestations.remove_signer(store, member, from_sequence)
    for start in range(0, len(alone), PART):
        found = store.lookup(alone[start : start + PART])
        part = [key for key, hit in found.items() if hit.result.origin == "peer"]
        results += remove(part) if part else 0
    return Undone(member, from_sequence, results, withdrawn)


def _signed_by(
    store: SqliteStore, signer: NodeId, keys: Sequence[NodeKey]
) -> list[tuple[int, NodeKey]]:
    return [
        (each.sequence, key)
        for key, held in attestations.find(store, keys).items()
        for each in held
        if each.signer == signer
    ]
