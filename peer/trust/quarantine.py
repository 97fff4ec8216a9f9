"""Whose results this store does not take any more, and from which record on.

A quarantine is this machine's own: it rests on what was computed here, or on what
several members say.  It is written down before anything is removed, so that what a
crash leaves half done is finished by the next process.

A wrong result need not be its signer's fault.  Who computes from somebody else's lie
signs the consequence in good faith; a record says on whom it relies, so when one of
them is found wrong by a record that relies on nobody, the others are taken back.  And
what is not deterministic gives two results without anybody's fault.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from functools import partial

from peer.identity import NodeId
from store import Digest, NodeKey, Reliance, SqliteStore

COLUMNS = "member, from_sequence, since_ms, reason, key, said, computed"

SELECT = f"""SELECT {COLUMNS}, ifnull(operation, ''), ifnull(environment, '')
  FROM quarantined LEFT JOIN charges USING (member)"""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A member that was found wrong.

    Attributes:
        member: who.
        from_sequence: the first of its records that does not count here.
        since_ms: when, in milliseconds since 1970.
        reason: why, for people.
        key: the node that showed it, if one did.
        said: what the member signed for it.
        computed: what it is.
        operation, environment: what computes that node; as the member says, if it was
            never computed here.
        excuses: on whom that record relies; the fault may be theirs.
    """

    member: NodeId
    from_sequence: int
    since_ms: int
    reason: str
    key: NodeKey | None = None
    said: Digest | None = None
    computed: Digest | None = None
    operation: str = ""
    environment: str = ""
    excuses: tuple[Reliance, ...] = ()


class Quarantine:
    """The quarantined members of one store.  Any thread may use it."""

    def __init__(self, store: SqliteStore) -> None:
        """Read what is written down."""
        self._database = store.database
        self._lock = threading.Lock()
        self.refresh()

    def refresh(self) -> None:
        """Look at what other processes have written."""
        with self._lock, self._database.read() as connection:
            connection.execute("BEGIN")
            self._entries = {it.member: it for it in _read(connection)}
            rows = connection.execute("SELECT sequence FROM withdrawn")
            self._withdrawn = frozenset(sequence for (sequence,) in rows)
            query = "SELECT min(sequence) FROM withdrawn WHERE is_wrong"
            (self._recanted_from,) = connection.execute(query).fetchone()
            rows = connection.execute("SELECT member, key FROM pardons")
            self._pardons = frozenset((member, key) for member, key in rows)

    # ---- questions ---------------------------------------------------------

    def __len__(self) -> int:
        return len(self._entries)

    def all(self) -> list[Quarantined]:
        """Return everybody who is quarantined, the latest first."""
        entries = self._entries.values()
        return sorted(entries, key=lambda it: (-it.since_ms, it.member))

    def get(self, member: NodeId) -> Quarantined | None:
        """Return why a member is quarantined; None if it is not."""
        return self._entries.get(member)

    def refuses(self, signer: NodeId, sequence: int) -> bool:
        """Return whether a signer's record of that number does not count here."""
        entry = self._entries.get(signer)
        return entry is not None and sequence >= entry.from_sequence

    def has_withdrawn(self, sequence: int) -> bool:
        """Return whether one of our own records is one that we do not stand by."""
        return sequence in self._withdrawn

    def refuses_own(self, sequence: int) -> bool:
        """Return whether what others made of our own records does not count here.

        Args:
            sequence: the highest number among those that it rests on.  One that was
                wrong may be among those below; of what rested on somebody else's lie,
                that somebody is named besides.
        """
        first: int | None = self._recanted_from
        is_recanted = first is not None and sequence >= first
        return is_recanted or self.has_withdrawn(sequence)

    def is_pardoned(self, member: NodeId, key: NodeKey) -> bool:
        """Return whether a member is not to be quarantined for its result of a node."""
        return (member, key) in self._pardons

    # ---- changes -----------------------------------------------------------

    def begin(self, entry: Quarantined) -> bool:
        """Quarantine a member, durably; return whether that is new.

        One that is quarantined already from there, or an earlier record on, stays as it
        is, unless this record shows it without an excuse, and the earlier did not.
        """
        with self._lock:
            is_new = self._database.transact(lambda c: _begin(c, entry))
        self.refresh()
        return is_new

    def lift(self, member: NodeId) -> bool:
        """Believe a member again; return whether it was quarantined.

        What is known against it up to now does not count any more.
        """
        with self._lock:
            was_in = self._database.transact(lambda c: _lift(c, member, _PARDON_ALL))
        self.refresh()
        return was_in

    def acquit(self, unsteady: Container[tuple[str, str]]) -> list[Quarantined]:
        """Take back who was quarantined for what was found to be another's fault.

        Args:
            unsteady: operations, each with its environment class, that were found here
                not to be deterministic.

        Returns:
            the quarantines that were ended.
        """
        freed = [
            it
            for it in self._entries.values()
            if self.is_excused(it.excuses) or (it.operation, it.environment) in unsteady
        ]
        with self._lock:
            for it in freed:
                self._database.transact(
                    partial(_lift, member=it.member, pardoned=_PARDON_ONE)
                )
        if freed:
            self.refresh()
        return freed

    def is_excused(self, excuses: Iterable[Reliance]) -> bool:
        """Return whether what a record relies on was found wrong, beyond any excuse."""
        guilty = {
            it.member: it.from_sequence
            for it in self._entries.values()
            if not it.excuses
        }
        return any(
            relied.member in guilty and relied.sequence >= guilty[NodeId(relied.member)]
            for relied in excuses
        )

    def withdraw(
        self, records: Iterable[tuple[int, NodeKey]], *, are_wrong: bool = False
    ) -> None:
        """Stand by some of our own records no longer; durably.

        Args:
            records: their numbers and nodes.
            are_wrong: whether they are not what was computed here since.
        """
        rows = [(*record, are_wrong) for record in records]
        if rows:
            query = """INSERT INTO withdrawn VALUES (?, ?, ?)
              ON CONFLICT DO UPDATE SET is_wrong = max(is_wrong, excluded.is_wrong)"""
            self._database.transact(lambda c: c.executemany(query, rows))
            self.refresh()


def _read(connection: sqlite3.Connection) -> list[Quarantined]:
    excuses: dict[str, list[Reliance]] = {}
    query = "SELECT member, relied_on, sequence FROM excuses ORDER BY relied_on"
    for member, *reliance in connection.execute(query):
        excuses.setdefault(member, []).append(Reliance(*reliance))
    rows = connection.execute(SELECT).fetchall()
    return [
        replace(Quarantined(*row), excuses=tuple(excuses.get(row[0], ())))
        for row in rows
    ]


def _begin(connection: sqlite3.Connection, entry: Quarantined) -> bool:
    earlier = {it.member: it for it in _read(connection)}.get(entry.member)
    first = entry.from_sequence
    if earlier is not None:
        is_known = earlier.from_sequence <= first
        is_firmer = earlier.excuses and not entry.excuses
        if is_known and not is_firmer:
            return False
        first = min(first, earlier.from_sequence)
    evidence = (entry.key, entry.said, entry.computed)
    connection.execute(
        "INSERT OR REPLACE INTO quarantined VALUES (?, ?, ?, ?, ?, ?, ?)",
        (entry.member, first, entry.since_ms, entry.reason, *evidence),
    )
    connection.execute(
        "INSERT OR REPLACE INTO charges VALUES (?, ?, ?)",
        (entry.member, entry.operation, entry.environment),
    )
    is_excused = earlier is None or bool(earlier.excuses)
    connection.execute("DELETE FROM excuses WHERE member = ?", (entry.member,))
    if is_excused:
        connection.executemany(
            "INSERT INTO excuses VALUES (?, ?, ?)",
            [(entry.member, *reliance) for reliance in entry.excuses],
        )
    return True


_PARDON_ONE = """SELECT member, key FROM quarantined
  WHERE member = :member AND key IS NOT NULL"""

_PARDON_ALL = f"""{_PARDON_ONE}
  UNION SELECT accused, key FROM heard_disputes WHERE accused = :member
  UNION SELECT issuer, key FROM heard_disputes WHERE issuer = :member
  UNION SELECT signer, a.key FROM attestations a JOIN disputes d ON d.key = a.key
    WHERE signer = :member"""


def _lift(connection: sqlite3.Connection, member: NodeId, pardoned: str) -> bool:
    values = {"member": member}
    connection.execute(f"INSERT OR IGNORE INTO pardons {pardoned}", values)
    connection.execute("DELETE FROM excuses WHERE member = :member", values)
    connection.execute("DELETE FROM charges WHERE member = :member", values)
    query = "DELETE FROM quarantined WHERE member = :member"
    return connection.execute(query, values).rowcount > 0


def now_ms() -> int:
    """Return the time of day, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
