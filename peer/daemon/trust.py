"""Whom this machine believes: all that a daemon has to do about it, in one place.

Statements of others and audits of our own are heard, judged and acted upon, and the
results that may not be shared any more are taken back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from peer.auditing.doubtful import doubtful_files
from peer.events import event
from peer.identity import NodeId
from peer.trust import attestations
from peer.trust.barring import Barring
from peer.trust.conflicts import unsettled
from peer.trust.drawing import Draw
from peer.trust.judging import Judge
from peer.trust.quarantine import Quarantined
from peer.trust.undoing import Undone
from scheduler.audits import AuditCounts, audit_counts
from store import NodeKey

from .hearing import Hearing
from .realm import Realm
from .shared import Shared

QUIET_S = 60.0
"""Between two looks when nothing has happened; what a member may cause grows again."""

BUSY_S = 1.0
"""Between two looks while a run changes the store all the time."""


@dataclass(frozen=True, slots=True)
class Report:
    """What there is to say about trust just now.

    Attributes:
        quarantined: whose results are not taken here.
        accused: who is said to be wrong, which is not settled here.
        barred: who is not asked for artifacts.
        disputes: how many are known.
        conflicts: nodes of which it is not settled what they are.
        audits: of others' results: to be done, and done.
        unshareable: operations, each with its environment class.
        wrong_files: files that are to be made right.
    """

    quarantined: dict[NodeId, Quarantined]
    accused: frozenset[NodeId]
    barred: frozenset[NodeId]
    disputes: int
    conflicts: int
    audits: AuditCounts
    unshareable: tuple[tuple[str, str], ...]
    wrong_files: tuple[str, ...]


class Trust:
    """Keeps the store, and what is shared, to what is believed.

    :meth:`begin` and :meth:`step` are called by one thread at a time, the rest by any.
    """

    def __init__(
        self, realm: Realm, shared: Shared, draw: Draw, barring: Barring
    ) -> None:
        self._realm = realm
        self._store = realm.store
        self._shared = shared
        self._draw = draw
        self._barring = barring
        self._judge = Judge(
            realm.store,
            realm.identity,
            realm.standing,
            realm.quarantine,
            self.remove,
        )
        self._hearing = Hearing(realm, self._judge)
        self._digest = b""
        self._looked_at = float("-inf")
        self._is_due = True
        self._hidden: frozenset[tuple[str, str]] = frozenset()

    def begin(self) -> None:
        """Finish what an earlier process has begun, before anything is served."""
        self._judge.enforce()

    def step(self, now: float, *, is_news: bool) -> None:
        """Do what is due.

        Args:
            now: seconds, monotonic.
            is_news: whether something in the store has changed.

        Raises:
            StoreError: the store cannot be used; it is gone on with next time.
        """
        if is_news:
            self._count(self._judge.enforce())
            self._is_due = True
        if self._realm.has_evidence.is_set():
            self._realm.has_evidence.clear()
            self._is_due = True
        is_said = self._realm.statements_digest != self._digest
        quiet_s = now - self._looked_at
        if is_said or quiet_s >= QUIET_S or (self._is_due and quiet_s >= BUSY_S):
            self._look(now)

    def look_again(self) -> None:
        """Look at what another process has written: audits, or whom to trust."""
        self._realm.quarantine.refresh()
        self._looked_at = float("-inf")

    def _look(self, now: float) -> None:
        self._realm.quarantine.refresh()
        self._count(self._judge.review())
        self._hearing.step(now)
        self._count(self._judge.enforce())
        self._draw.accuse(self._hearing.accused)
        if self._realm.standing.digest() != self._realm.statements_digest:
            self._realm.refresh()
        self._hide()
        self._digest = self._realm.statements_digest
        self._looked_at = now
        self._is_due = False

    def _count(self, undone: Sequence[Undone]) -> None:
        results = sum(each.results for each in undone)
        if results:
            self._realm.counters.add("undone_results", results)

    def remove(self, keys: Sequence[NodeKey]) -> int:
        """Remove results, and what was signed of them; return how many there were."""
        if not keys:
            return 0
        self._shared.remove(keys)
        attestations.remove_keys(self._store, keys)
        return self._store.remove(keys)

    def forgive(self, member: NodeId) -> bool:
        """Believe a member again; return whether there was anything against it."""
        was_barred = self._barring.is_barred(member, time.monotonic())
        self._barring.pardon(member)
        was_in = self._realm.quarantine.lift(member)
        if was_in:
            event("forgive", level=30, member=member)
        self.look_again()
        return was_in or was_barred

    def report(self) -> Report:
        """Return what there is to say."""
        return Report(
            quarantined={it.member: it for it in self._realm.quarantine.all()},
            accused=self._hearing.accused,
            barred=self._barring.barred(time.monotonic()),
            disputes=len(self._realm.standing.disputes()),
            conflicts=len(unsettled(self._store)),
            audits=audit_counts(self._store),
            unshareable=tuple(sorted(self._realm.unshareable)),
            wrong_files=tuple(str(it.path) for it in doubtful_files(self._store)),
        )

    def advice(self) -> Iterator[str]:
        """Yield what the user of this machine should know, and might do."""
        if self._realm.identity.node_id in self._hearing.accused:
            yield (
                "another member says that a result of this machine is wrong; it is"
                " computed here once more when there is time, or now with 'voxpeer"
                " audit'. If this happens again, test the memory of this machine"
            )

    def _hide(self) -> None:
        """Share no longer what is not the same everywhere."""
        new = self._realm.unshareable - self._hidden
        query = "SELECT key FROM results WHERE operation = ? AND environment = ?"
        for each in new:
            with self._store.database.read() as connection:
                keys = [NodeKey(key) for (key,) in connection.execute(query, each)]
            hidden = self._shared.remove(keys)
            event("unshared", level=30, operation=each[0], results=hidden)
        self._hidden |= new
