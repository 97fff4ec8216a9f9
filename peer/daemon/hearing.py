"""Acting on what members dispute: between the realm's statements and the judge."""

from __future__ import annotations

from collections import deque

from peer.events import event
from peer.identity import NodeId
from peer.identity.evidence import Disputed
from peer.trust import attestations
from peer.trust.conflicts import contradicted, unsettled
from peer.trust.disputes import (
    ENOUGH,
    Accusation,
    Compute,
    Condemn,
    Differ,
    Disputes,
    Ruling,
    Suspect,
)
from peer.trust.judging import Judge, WrongRecord
from peer.wire.v1 import records_pb2
from store import Digest, NodeKey

from .realm import Realm


class Hearing:
    """Hears what others say, and looks after conflicts of our own.

    :meth:`step` is called by one thread at a time.
    """

    def __init__(self, realm: Realm, judge: Judge) -> None:
        self._realm = realm
        self._store = realm.store
        self._me = realm.identity.node_id
        self._judge = judge
        self._disputes = Disputes()
        self._rulings: deque[Ruling] = deque()
        self._asked: set[NodeKey] = set()
        self._issuers: dict[tuple[NodeKey, Digest], set[NodeId]] = {}
        """Of all disputes, who says that a node is what."""
        self.accused: frozenset[NodeId] = frozenset()
        """Who is said to have signed something wrong, which is not known here yet."""

    def step(self, now: float) -> None:
        """Do what is due about disputes and conflicts.

        Args:
            now: seconds, monotonic.
        """
        self._look_at_conflicts()
        heard = {it.statement: it for it in self._realm.standing.disputes()}
        self._issuers = {}
        for it in heard.values():
            self._issuers.setdefault((it.key, it.computed), set()).add(it.issuer)
        accusations = [_accusation(it) for it in heard.values() if self._is_open(it)]
        # A ruling comes once: what cannot be written just now is done next time.
        self._rulings += self._disputes.step(accusations, self, now)
        while self._rulings:
            self._do(self._rulings[0], heard)
            self._rulings.popleft()
        self.accused = frozenset(self._disputes.suspects(accusations, self))

    # ---- what is known (see disputes.Facts) --------------------------------

    def is_believed(self, member: NodeId) -> bool:
        """Return whether somebody is a member and not found wrong here."""
        is_out = self._realm.standing.is_revoked(member)
        return not is_out and self._realm.quarantine.get(member) is None

    def computed(self, key: NodeKey) -> Digest | None:
        """Return what an audit here has computed a node to."""
        return self._judge.findings.computed(key)

    def is_computable(self, key: NodeKey) -> bool:
        """Return whether it is known here how to compute a node."""
        return self._judge.findings.is_computable(key)

    def agreeing(self, key: NodeKey, digest: Digest) -> set[NodeId]:
        """Return the members that signed so, relying on nobody; we among them."""
        found = set(self._issuers.get((key, digest), ()))
        for each in attestations.find(self._store, [key]).get(key, ()):
            if each.digest == digest and not _relies(each.record):
                found.add(each.signer)
        return {it for it in found if not self._realm.standing.is_revoked(it)}

    def is_implicated(self, it: Accusation) -> bool:
        """Return whether somebody else's wrong result rests on the accused's."""
        return any(
            excuse.member == it.accused and excuse.sequence >= it.sequence
            for wrong in self._realm.quarantine.all()
            if wrong.member != it.issuer and wrong.computed is not None
            for excuse in wrong.excuses
        )

    # ---- what is done ------------------------------------------------------

    def _is_open(self, it: Disputed) -> bool:
        """Return whether a dispute is another's, and nobody here has put up with it."""
        is_pardoned = self._realm.quarantine.is_pardoned
        return it.issuer != self._me and not (
            is_pardoned(it.accused, it.key) or is_pardoned(it.issuer, it.key)
        )

    def _do(self, ruling: Ruling, heard: dict[bytes, Disputed]) -> None:
        match ruling:
            case Compute(key):
                self._judge.findings.request([key], "dispute")
            case Suspect(member, most):
                self._judge.look_at_others(member, most)
            case Condemn(_, accusation, is_issuer) if accusation.id in heard:
                self._condemn(heard[accusation.id], is_issuer)
            case Differ(accusation) if accusation.id in heard:
                self._differ(heard[accusation.id])

    def _condemn(self, it: Disputed, is_issuer: bool) -> None:
        dispute = self._dispute(it)
        signed = dispute.mine if is_issuer else dispute.theirs
        computed = self.computed(it.key)
        if computed is None:
            reason = "others say so, who rest on nobody"
        elif is_issuer:
            reason = "accused another one of what is right here"
        else:
            reason = "disputed, and computed here"
        # Who hears of it counts members; more than these need not say it.
        voices = len(self._issuers[it.key, it.computed])
        telling = voices <= ENOUGH or is_issuer
        self._judge.condemn(WrongRecord.of(signed), computed, reason, is_told=telling)

    def _differ(self, it: Disputed) -> None:
        dispute = self._dispute(it)
        records = [WrongRecord.of(each) for each in (dispute.mine, dispute.theirs)]
        said = {(each.operation, each.environment) for each in records}
        known = self._judge.findings.operation(it.key)
        # Else one member could have any operation shared no longer by naming it.
        if known is not None:
            self._judge.declare(*known)
        elif len(said) == 1:
            self._judge.declare(*said.pop())

    def _dispute(self, it: Disputed) -> records_pb2.Dispute:
        query = "SELECT signed FROM statements WHERE digest = ?"
        with self._store.database.read() as connection:
            (signed,) = connection.execute(query, (it.statement,)).fetchone()
        message = records_pb2.SignedStatement.FromString(signed)
        dispute = records_pb2.Statement.FromString(message.statement).dispute
        # Whoever is told of either of them by us has to see that they are members.
        for chain in (message.certificates, dispute.certificates):
            self._realm.directory.learn(chain)
        return dispute

    def _look_at_conflicts(self) -> None:
        """Have computed here what several digests were said of, and judge by it."""
        wanted = unsettled(self._store)
        for key in contradicted(self._store):
            computed = self.computed(key)
            if computed is None:
                wanted.append(key)  # a run has computed it, once
            else:
                self._judge.compare(key, computed)
        new = {
            key
            for key in wanted
            if key not in self._asked and self.computed(key) is None
        }
        self._asked |= new
        if new and (asked := self._judge.findings.request(new, "dispute")):
            event("doubt", results=asked)


def _accusation(it: Disputed) -> Accusation:
    return Accusation(
        id=it.statement,
        issuer=it.issuer,
        accused=it.accused,
        key=it.key,
        sequence=it.sequence,
        said=it.said,
        found=it.computed,
    )


def _relies(record: bytes) -> bool:
    return bool(records_pb2.Record.FromString(record).relies_on)
