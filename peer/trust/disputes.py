"""What to make of it when members say that somebody signed a wrong result.

A dispute shows two signatures for one node and not who is right.  So nobody is
believed: the node is computed here, or, where that cannot be, more of what the accused
signed and of what was made of it is computed here, and independent members are counted.
Whoever accuses without reason is found wrong by the same computation.

Where there are several members on either side, or three results of one node, nobody
need have lied: machines differ in a way that the environment class does not tell.

Nothing here does I/O.  A dispute costs at most a bounded amount of computing, for each
member that issues them, and day.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from peer.identity import NodeId
from store import Digest, NodeKey

DAY_S = 86_400.0

MOST_AUDITS = 64
"""Computations that the disputes of one member cause here in a day."""

SUSPECT_AUDITS = 16
"""Of them, those of other results of somebody who was accused."""

ENOUGH = 2
"""Members, besides who is in the dispute, whose word is taken for a node that cannot be
computed here."""


@dataclass(frozen=True, slots=True)
class Accusation:
    """A dispute as it was heard; its signatures were verified.

    Attributes:
        id: digest of the statement.
        issuer: who says that it is wrong.
        accused: who signed it.
        key: the node.
        sequence: number of the accused's record.
        said: what the accused signed.
        found: what the issuer signed, and computed from nothing of others'.
    """

    id: bytes
    issuer: NodeId
    accused: NodeId
    key: NodeKey
    sequence: int
    said: Digest
    found: Digest


class Facts(Protocol):
    """What is known here."""

    def is_believed(self, member: NodeId) -> bool:
        """Return whether somebody is a member and not found wrong here."""

    def computed(self, key: NodeKey) -> Digest | None:
        """Return what a node was computed to here, from nothing of others'."""

    def is_computable(self, key: NodeKey) -> bool:
        """Return whether it is known here how to compute a node."""

    def agreeing(self, key: NodeKey, digest: Digest) -> set[NodeId]:
        """Return who signed that a node is ``digest``, relying on nobody.

        Members only, we among them.
        """

    def is_implicated(self, it: Accusation) -> bool:
        """Return whether a result is wrong that somebody made of what is disputed.

        It was computed here, and is neither the accused's nor the issuer's.
        """


@dataclass(frozen=True, slots=True)
class Compute:
    """Compute a node here once more, from nothing of others'."""

    key: NodeKey


@dataclass(frozen=True, slots=True)
class Suspect:
    """Look harder at a member: audit more of what comes, and some of what is here."""

    member: NodeId
    most: int


@dataclass(frozen=True, slots=True)
class Condemn:
    """A member signed what is wrong.

    Attributes:
        member: who.
        accusation: in which the wrong record is.
        is_issuer: whether it is the record of who accuses.
    """

    member: NodeId
    accusation: Accusation
    is_issuer: bool


@dataclass(frozen=True, slots=True)
class Differ:
    """Machines that nobody has reason to doubt compute a node to different results."""

    accusation: Accusation


Ruling: TypeAlias = Compute | Suspect | Condemn | Differ


class Disputes:
    """Decides what follows from disputes.  One thread at a time."""

    def __init__(self) -> None:
        self._asked: set[NodeKey] = set()
        self._suspected: set[tuple[NodeId, NodeId]] = set()
        self._settled: set[bytes] = set()
        self._differing: set[NodeKey] = set()
        self._spent: dict[NodeId, deque[tuple[float, int]]] = {}

    def suspects(self, accusations: Iterable[Accusation], facts: Facts) -> set[NodeId]:
        """Return who is accused by somebody that is believed, and not cleared here."""
        return {
            it.accused
            for it in accusations
            if it.id not in self._settled and facts.is_believed(it.issuer)
        }

    def step(
        self, accusations: Iterable[Accusation], facts: Facts, now: float
    ) -> list[Ruling]:
        """Return what to do about all disputes that are known.

        What was said before is not said again, unless it has become due again.

        Args:
            accusations: all that were heard and are neither our own nor pardoned.
            facts: what is known here just now.
            now: seconds, monotonic.
        """
        rulings: list[Ruling] = []
        for it in accusations:
            if it.key not in self._differing and _is_split(it, facts):
                rulings.append(self._differ(it))
            if it.id not in self._settled and facts.is_believed(it.issuer):
                rulings += self._judge(it, facts, now)
        return rulings

    def _differ(self, it: Accusation) -> Ruling:
        self._differing.add(it.key)
        self._settled.add(it.id)
        return Differ(it)

    def _judge(self, it: Accusation, facts: Facts, now: float) -> list[Ruling]:
        computed = facts.computed(it.key)
        if computed is not None and computed not in (it.found, it.said):
            return [self._differ(it)]
        if computed is not None:
            self._settled.add(it.id)
            is_issuer = computed == it.said
            wrong = it.issuer if is_issuer else it.accused
            return [Condemn(wrong, it, is_issuer=is_issuer)]
        if len(_independent(it, facts)) >= ENOUGH or facts.is_implicated(it):
            self._settled.add(it.id)
            return [Condemn(it.accused, it, is_issuer=False)]
        if facts.is_computable(it.key):
            return self._compute(it, now)
        return self._suspect(it, facts, now)

    def _compute(self, it: Accusation, now: float) -> list[Ruling]:
        if it.key in self._asked or not self._spend(it.issuer, 1, now):
            return []
        self._asked.add(it.key)
        return [Compute(it.key)]

    def _suspect(self, it: Accusation, facts: Facts, now: float) -> list[Ruling]:
        pair = (it.issuer, it.accused)
        if pair in self._suspected or not facts.is_believed(it.accused):
            return []
        if not self._spend(it.issuer, SUSPECT_AUDITS, now):
            return []
        self._suspected.add(pair)
        return [Suspect(it.accused, SUSPECT_AUDITS)]

    def _spend(self, issuer: NodeId, audits: int, now: float) -> bool:
        """Return whether an issuer may cause so much computing more."""
        spent = self._spent.setdefault(issuer, deque())
        while spent and spent[0][0] <= now - DAY_S:
            spent.popleft()
        if sum(each for _, each in spent) + audits > MOST_AUDITS:
            return False
        spent.append((now, audits))
        return True


def _independent(it: Accusation, facts: Facts) -> set[NodeId]:
    """Return who agrees with the issuer, and is in the dispute in no way."""
    agreeing = facts.agreeing(it.key, it.found) - {it.issuer, it.accused}
    return {member for member in agreeing if facts.is_believed(member)}


def _is_split(it: Accusation, facts: Facts) -> bool:
    """Return whether several members stand on either side."""
    sides = (facts.agreeing(it.key, digest) for digest in (it.said, it.found))
    return all(len(side) >= ENOUGH for side in sides)
