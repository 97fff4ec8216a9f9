"""What follows when a result of somebody else is not what was computed here.

Who signed it is quarantined, the realm is told with both signatures, what rested on its
results is removed, and its other results are looked at.  All of it rests on what is
written in the store: it can be done by the daemon or by whoever audits without one, and
another process goes on with it after a crash.  No network is needed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from peer.events import event
from peer.identity import (
    Identity,
    NodeId,
    Signer,
    Standing,
    StatementRefused,
    open_identity,
)
from peer.wire import record_checks
from peer.wire.v1 import records_pb2
from scheduler.audits import EndedAudit
from store import Digest, NodeKey, Reliance, SqliteStore

from . import attestations
from .attestations import Attestation, others_of
from .findings import Findings
from .quarantine import Quarantine, Quarantined, now_ms
from .undoing import Remove, Undone, undo

MOST_REAUDITS = 100
"""Other results of members found wrong that are audited at a time; then the next."""

MAX_64 = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class WrongRecord:
    """A record that is not what was computed here.

    Attributes:
        signed: the record, as it was signed.
        signer: who signed it.
        sequence: its number.
        key: the node.
        said: what it says.
        relies_on: whose records it rests on besides itself.
        operation, environment: what computed it, as it says; not to be relied upon.
    """

    signed: records_pb2.SignedRecord
    signer: NodeId
    sequence: int
    key: NodeKey
    said: Digest
    relies_on: tuple[Reliance, ...]
    operation: str
    environment: str

    @classmethod
    def of(cls, signed: records_pb2.SignedRecord) -> WrongRecord:
        """Read a record that was verified when it came."""
        record = record_checks.record(signed.record)
        return cls(
            signed,
            NodeId(record.signer),
            record.sequence,
            NodeKey(record.key),
            Digest(record.digest),
            others_of(record),
            record.operation,
            record.environment,
        )


class Judge:
    """Draws the consequences for one store.  One thread at a time."""

    def __init__(
        self,
        store: SqliteStore,
        identity: Identity,
        standing: Standing,
        quarantine: Quarantine,
        remove: Remove | None = None,
    ) -> None:
        """Share what a daemon holds of the store, or bring one's own.

        Args:
            store: whose results they are.
            identity: of the store.
            standing: is told.
            quarantine: is added to.
            remove: removes results; by default from the store, with their records.
        """
        self._store = store
        self._identity = identity
        self._standing = standing
        self._quarantine = quarantine
        self._remove = remove or self._remove_from_store
        self._unsteady: set[tuple[str, str]] = set()
        self._unjudged: deque[EndedAudit] = deque()
        self._looked: dict[NodeId, int] = {}
        """Of whom the other results were queued, and from which record on not."""
        self._queue: dict[NodeKey, None] = {}
        """Results of those who were found wrong that are still to be audited."""
        self.findings = Findings(store)

    @classmethod
    def of(cls, store: SqliteStore) -> Judge | None:
        """Return a judge for a store without a daemon; None: it is in no realm."""
        identity = open_identity(store)
        if identity is None:
            return None
        return cls(store, identity, Standing(store, identity), Quarantine(store))

    def review(self) -> list[Undone]:
        """Draw all consequences of what was computed here, and finish earlier ones.

        Nothing is lost if that is broken off, or has to be done by another process: it
        begins with what is written down of audits.

        Returns:
            what was removed.

        Raises:
            StoreError: the store cannot be used.
        """
        # They come once: what cannot be written just now is judged next time.
        self._unjudged += self.findings.refresh()
        while self._unjudged:
            self._judge(self._unjudged[0])
            self._unjudged.popleft()
        undone = self.enforce()
        self._look_further()
        return undone

    def _judge(self, ended: EndedAudit) -> None:
        key = ended.audit.key
        if ended.verdict == "unstable":
            self._unsteady.add((ended.operation, ended.environment))
            self.declare(ended.operation, ended.environment)
        elif (computed := self.findings.computed(key)) is not None:
            self.compare(key, computed)

    def enforce(self) -> list[Undone]:
        """Remove whatever rests on who is quarantined, and is here all the same.

        A run that had read it before goes on to keep what it computes from it.
        """
        for freed in self._quarantine.acquit(self._unsteady):
            event("acquit", level=30, member=freed.member)
        return [
            undone
            for entry in self._quarantine.all()
            if (undone := self._undo(entry)).results
        ]

    def compare(self, key: NodeKey, computed: Digest) -> None:
        """Condemn whoever signed something else than was computed here."""
        held = attestations.find(self._store, [key]).get(key, ())
        wrong = [
            WrongRecord.of(_signed(each)) for each in held if each.digest != computed
        ]
        # Only one of them can be told, so the one that shows most comes first.
        for each in sorted(wrong, key=lambda it: len(it.relies_on)):
            self.condemn(each, computed, "computed here")

    def condemn(
        self,
        wrong: WrongRecord,
        computed: Digest | None,
        reason: str,
        *,
        is_told: bool = True,
    ) -> bool:
        """Quarantine who signed a wrong record; return whether that is new.

        What the realm has to be told is told first, then it is written down who is
        quarantined; :meth:`enforce` does the rest.

        Args:
            wrong: the record.
            computed: what the node is.
            reason: how that is known, for people.
            is_told: whether the realm is told, if it can be shown what was computed.
        """
        if wrong.signer == self._identity.node_id:
            self._recant(wrong)
            return False
        if self._is_settled(wrong):
            return False
        if is_told and computed is not None:
            self._tell(wrong, computed)
        first = wrong.sequence
        if not wrong.relies_on:
            first = 1 + self.findings.confirmed_below(wrong.signer, first)
        entry = Quarantined(
            wrong.signer,
            *(first, now_ms(), reason, wrong.key, wrong.said, computed),
            *self._operation(wrong),
            excuses=wrong.relies_on,
        )
        if not self._quarantine.begin(entry):
            return False
        event(
            "quarantine",
            level=30,
            member=wrong.signer,
            from_sequence=first,
            key=self._identity.keys.log_id(wrong.key),
            reason=reason,
        )
        return True

    def _is_settled(self, wrong: WrongRecord) -> bool:
        """Return whether a record changes nothing any more."""
        if self._operation(wrong) in self._standing.unshareable():
            return True  # it need not come out twice
        earlier = self._quarantine.get(wrong.signer)
        if earlier is not None and wrong.sequence >= earlier.from_sequence:
            return bool(wrong.relies_on) or not earlier.excuses
        return self._quarantine.is_excused(
            wrong.relies_on
        ) or self._quarantine.is_pardoned(wrong.signer, wrong.key)

    def _operation(self, wrong: WrongRecord) -> tuple[str, str]:
        """Return what computes the node of a record, and its environment class.

        What its signer says counts only where it is not known here: a liar would name
        something that is known not to be deterministic.
        """
        known = self.findings.operation(wrong.key)
        return known or (wrong.operation, wrong.environment)

    def declare(self, operation: str, environment: str) -> None:
        """Tell the realm that an operation is not the same everywhere, once.

        Its results are neither offered nor accepted from then on.

        Args:
            operation: ``"namespace.primitive@version"``.
            environment: environment class in which it is not.
        """
        if (operation, environment) in self._standing.unshareable():
            return
        try:
            self._standing.declare_unshareable(operation, environment)
        except StatementRefused as error:
            event("untold", level=30, problem=str(error))
            return
        event("unshareable", level=30, operation=operation)

    def _recant(self, wrong: WrongRecord) -> None:
        """Stand by a record of our own no longer, nor by what others made of it."""
        self._quarantine.withdraw([(wrong.sequence, wrong.key)], are_wrong=True)
        attestations.remove(self._store, wrong.key, wrong.signer)
        removed = self._remove(self._store.relying(wrong.signer, wrong.sequence))
        event(
            "recant",
            level=30,
            key=self._identity.keys.log_id(wrong.key),
            results=removed,
        )

    def _tell(self, wrong: WrongRecord, computed: Digest) -> None:
        """Show the realm what was signed there and what here, if that can be."""
        found = self._store.lookup([wrong.key]).get(wrong.key)
        if found is None or found.result.digest != computed:
            return
        signed = Signer(self._store, self._identity).sign([found.result])
        mine = [records_pb2.SignedRecord.FromString(data) for data in signed]
        try:
            for each in mine:
                self._standing.dispute(wrong.key, wrong.signed, each)
        except StatementRefused as error:
            event("untold", level=30, problem=str(error))

    def look_at_others(self, member: NodeId, most: int) -> None:
        """Have what rests on a member, and is here, computed as well.

        Args:
            member: who signed it, or what it was made of.
            most: so many results, what it signed last in front.
        """
        self.findings.request(list(self._resting_on(member))[:most], "suspicion")

    def _look_further(self) -> None:
        """Have all that is left of who was found wrong computed, a part at a time."""
        for entry in self._quarantine.all():
            if self._looked.get(entry.member) != entry.from_sequence:
                self._looked[entry.member] = entry.from_sequence
                self._queue |= self._resting_on(entry.member, entry.from_sequence)
        while self._queue and not self.findings.has_suspicions():
            part = list(self._queue)[:MOST_REAUDITS]
            found = self._store.lookup(part).values()
            theirs = [it.result.key for it in found if it.result.relies_on]
            self.findings.request(theirs, "suspicion")
            for key in part:
                del self._queue[key]

    def _resting_on(self, member: NodeId, below: int = MAX_64) -> dict[NodeKey, None]:
        """Return what rests on a member; what it signed last in front.

        Of what it signed, only what has a number below one.
        """
        query = """SELECT a.key FROM attestations a JOIN results r ON r.key = a.key
          WHERE a.signer = ? AND a.sequence < ? AND r.origin = 'peer'
          ORDER BY a.sequence DESC"""
        with self._store.database.read() as connection:
            rows = connection.execute(query, (member, below)).fetchall()
        made = self._store.relying(member, 0)
        return dict.fromkeys((*(NodeKey(key) for (key,) in rows), *made))

    def _undo(self, entry: Quarantined) -> Undone:
        undone = undo(
            self._store,
            self._identity.node_id,
            *(entry.member, entry.from_sequence),
            self._remove,
            self._quarantine.withdraw,
        )
        if undone.results:
            event(
                "undo",
                level=30,
                member=entry.member,
                results=undone.results,
                withdrawn=undone.withdrawn,
            )
        return undone

    def _remove_from_store(self, keys: Sequence[NodeKey]) -> int:
        attestations.remove_keys(self._store, keys)
        return self._store.remove(keys)


def _signed(attestation: Attestation) -> records_pb2.SignedRecord:
    return records_pb2.SignedRecord(
        record=attestation.record, signature=attestation.signature
    )
