"""What a machine's store holds: values, whose word they are, and what they rely on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from peer.claims.messages import Key, NodeId

TRUE = 0
"""The value of every node that was computed rightly from right arguments."""


class Reliance(NamedTuple):
    """A member, and the highest sequence number of its that was relied on."""

    member: NodeId
    sequence: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A result as it is kept.

    Attributes:
        value: ``TRUE``, or some other number for what is wrong.
        signer: who computed it; empty if it was computed here.
        sequence: of the signer's record.
        relies_on: whose results it was computed from, transitively.
    """

    value: int
    signer: NodeId = ""
    sequence: int = 0
    relies_on: frozenset[Reliance] = frozenset()

    @property
    def reliances(self) -> frozenset[Reliance]:
        """All on whom somebody relies who uses this result."""
        if not self.signer:
            return self.relies_on
        return self.relies_on | {Reliance(self.signer, self.sequence)}


@dataclass(slots=True)
class Shelf:
    """A store.

    Attributes:
        kept: results by node.
        distrusted: members, and from which sequence number on they are not believed.
    """

    kept: dict[Key, Kept] = field(default_factory=dict)
    distrusted: dict[NodeId, int] = field(default_factory=dict)
    _signed: int = 0
    _records: dict[Key, int] = field(default_factory=dict)

    def is_acceptable(self, kept: Kept) -> bool:
        """Return whether nobody on whom a result relies is distrusted for it."""
        distrusted = self.distrusted
        if not distrusted:
            return True
        return not any(
            sequence >= distrusted[member]
            for member, sequence in kept.reliances
            if member in distrusted
        )

    def record(self, key: Key, me: NodeId) -> Kept | None:
        """Return a result as others get it; ours are signed when they first ask."""
        kept = self.kept.get(key)
        if kept is None or kept.signer:
            return kept
        sequence = self._records.get(key)
        if sequence is None:
            self._signed += 1
            sequence = self._records[key] = self._signed
        return Kept(kept.value, me, sequence, kept.relies_on)

    def put(self, key: Key, kept: Kept) -> None:
        """Keep a result that was computed here, unless there is one.

        It is signed anew when it is next asked for.
        """
        if key not in self.kept and self.is_acceptable(kept):
            self.replace(key, kept)

    def replace(self, key: Key, kept: Kept) -> None:
        """Keep a result that was computed here, whatever was there."""
        self.kept[key] = kept
        self._records.pop(key, None)

    def relying(self, member: NodeId) -> list[Key]:
        """Return what relies on a member's records."""
        return [
            key
            for key, kept in self.kept.items()
            if any(each == member for each, _ in kept.reliances)
        ]

    def distrust(self, member: NodeId, sequence: int) -> list[Key]:
        """Drop all that relies on a member's records from ``sequence`` on."""
        before = self.distrusted.get(member)
        if before is None or sequence < before:
            self.distrusted[member] = sequence
        dropped = [
            key for key, kept in self.kept.items() if not self.is_acceptable(kept)
        ]
        for key in dropped:
            del self.kept[key]
        return dropped
