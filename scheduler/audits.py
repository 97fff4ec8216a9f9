"""Results of others that are computed here as well, some time: which, and what came.

A run writes down what was drawn, because it alone knows how the result is made; so it
does for every result that came from elsewhere, with the result itself, and what is
asked for later is found there.  Who computes is :mod:`scheduler.auditing`.

The plan behind an audit is pinned until the audit has ended.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from secrets import SystemRandom
from typing import TYPE_CHECKING, Literal, TypeAlias

from store import ArtifactNotFoundError, Digest, NodeKey, SqliteStore

if TYPE_CHECKING:
    from .auditing import Outcome

Reason: TypeAlias = Literal["dispute", "suspicion", "drawn"]
"""Why a result is audited: somebody says that it is something else; who signed it has
signed something wrong; or by chance."""

Verdict: TypeAlias = Literal["confirmed", "differs", "unstable", "impossible"]
"""See :class:`scheduler.auditing.Outcome`."""

MOST_OPEN = 10_000
"""Audits that may wait; what is drawn beyond them is not written down."""

GOAL_SHARE = 0.05
"""Of the goals that come from others, besides what is drawn of all results alike."""

KEPT_ENDED = 10_000
"""Audits that are remembered after they have ended."""

ENDED = "audits_ended"
"""Under which the number of the last audit that ended is kept."""

COLUMNS = "key, digest, recipe, plan, is_goal, reason, asked_ms"


def _urgency(column: str) -> str:
    return f"CASE {column} WHEN 'dispute' THEN 0 WHEN 'suspicion' THEN 1 ELSE 2 END"


ADD = f"""INSERT INTO audits ({COLUMNS}) SELECT ?, ?, ?, ?, ?, ?, ?
  WHERE ? OR (SELECT count(*) FROM audits WHERE verdict IS NULL) < {MOST_OPEN}
  ON CONFLICT (key) WHERE verdict IS NULL DO UPDATE SET
    digest = iif({_urgency("excluded.reason")} < {_urgency("reason")},
      excluded.digest, digest),
    reason = iif({_urgency("excluded.reason")} < {_urgency("reason")},
      excluded.reason, reason),
    is_goal = max(is_goal, excluded.is_goal)"""


@dataclass(frozen=True, slots=True)
class Audit:
    """A result to be computed here as well.

    Attributes:
        key: the node.
        digest: what others say that it computed to.
        recipe: how it is made, for :func:`scheduler.rebuilding.rebuild`.
        plan: the plan that ``recipe`` names.
        is_goal: whether it was a goal of a run.
        reason: why.
        asked_ms: since when, in milliseconds since 1970.
    """

    key: NodeKey
    digest: Digest
    recipe: bytes
    plan: Digest
    is_goal: bool = False
    reason: Reason = "drawn"
    asked_ms: int = 0


@dataclass(frozen=True, slots=True)
class EndedAudit:
    """What came of an audit.

    Attributes:
        audit: the audit.
        verdict: what came of it.
        computed: what the node was computed to here, if it was.
        problem: why it could not be computed, for people.
        operation: what computes the node or, if it is unstable, the step that is:
            ``"namespace.primitive@version"``.
        environment: environment class of ``operation``.
        cpu_s: CPU-seconds that it took.
        number: counts the audits that have ended.
        ended_ms: when, in milliseconds since 1970.
    """

    audit: Audit
    verdict: Verdict
    computed: Digest | None
    problem: str
    operation: str
    environment: str
    cpu_s: float
    number: int
    ended_ms: int


@dataclass(frozen=True, slots=True)
class AuditCounts:
    """Numbers of audits.

    Attributes:
        open: that are to be done.
        verdicts: that have ended, by what came of them, as far as is remembered.
        cpu_s: CPU-seconds that these took.
    """

    open: int
    verdicts: Mapping[str, int]
    cpu_s: float

    @property
    def ended(self) -> int:
        """How many have ended."""
        return sum(self.verdicts.values())


def is_goal_drawn(random: Random | None = None) -> bool:
    """Draw for a goal that came from others, where nobody else can know it."""
    return (random or SystemRandom()).random() < GOAL_SHARE


def note_audits(store: SqliteStore, audits: Iterable[Audit]) -> None:
    """Write down what is to be audited; one that waits already only gains urgency.

    Raises:
        StoreError: it cannot be written down.
    """
    for audit in audits:
        row = (
            *(audit.key, audit.digest, audit.recipe, audit.plan, audit.is_goal),
            *(audit.reason, audit.asked_ms or _now_ms(), audit.reason != "drawn"),
        )
        if store.database.transact(lambda c, row=row: c.execute(ADD, row).rowcount):  # type: ignore[misc]
            store.pin(_pin(audit.key), [audit.plan])


def request_audit(
    store: SqliteStore, keys: Iterable[NodeKey], reason: Reason
) -> set[NodeKey]:
    """Ask for audits of results that are, or were, here.

    Args:
        store: where.
        keys: the nodes.
        reason: why.

    Returns:
        the nodes of which it is known how they are made; the others cannot be audited.
    """
    found = [audit for key in keys if (audit := _known(store, key, reason))]
    note_audits(store, found)
    return {audit.key for audit in found}


def is_computable(store: SqliteStore, key: NodeKey) -> bool:
    """Return whether it is known here how a node is made."""
    return _known(store, key, "drawn") is not None


def has_open_audits(store: SqliteStore, reason: Reason | None = None) -> bool:
    """Return whether something is to be audited; for one reason, if one is given."""
    with store.database.read() as connection:
        query = """SELECT 1 FROM audits
          WHERE verdict IS NULL AND ifnull(reason = ?, TRUE) LIMIT 1"""
        return connection.execute(query, (reason,)).fetchone() is not None


def open_audits(store: SqliteStore, limit: int = 1000) -> list[Audit]:
    """Return what is to be audited: what is urgent first, goals next, then by age."""
    query = f"""SELECT {COLUMNS} FROM audits WHERE verdict IS NULL
      ORDER BY {_urgency("reason")}, is_goal DESC, asked_ms, number LIMIT ?"""
    with store.database.read() as connection:
        return [_audit(row) for row in connection.execute(query, (limit,))]


def begin_audit(store: SqliteStore, audit: Audit) -> int:
    """Write down that an audit is begun; return how often it was begun before.

    Raises:
        StoreError: it cannot be written down.
    """
    query = """UPDATE audits SET begun = begun + 1 WHERE key = ? AND verdict IS NULL
      RETURNING begun - 1"""
    row = store.database.transact(lambda c: c.execute(query, (audit.key,)).fetchone())
    return 0 if row is None else int(row[0])


def put_back_audit(store: SqliteStore, audit: Audit) -> None:
    """Write down that an audit that was begun was stopped, and is to be begun again."""
    query = "UPDATE audits SET begun = begun - 1 WHERE key = ? AND verdict IS NULL"
    store.database.transact(lambda c: c.execute(query, (audit.key,)))


def end_audit(store: SqliteStore, audit: Audit, outcome: Outcome) -> bool:
    """Write down what came of an audit; return False if it was not open any more.

    Raises:
        StoreError: it cannot be written down.
    """
    end = """UPDATE audits SET verdict = ?, computed = ?, problem = ?, operation = ?,
      environment = ?, cpu_s = ?, ended_ms = ?, ended = ?
      WHERE key = ? AND verdict IS NULL"""
    values = (
        *(outcome.verdict, outcome.digest, outcome.reason, outcome.operation),
        *(outcome.environment, outcome.cpu_s, _now_ms()),
    )

    def work(connection: sqlite3.Connection) -> bool:
        row = (*values, _next_number(connection), audit.key)
        is_ended = connection.execute(end, row).rowcount > 0
        query = """DELETE FROM audits
          WHERE ended <= (SELECT max(ended) FROM audits) - ?"""
        connection.execute(query, (KEPT_ENDED,))
        return is_ended

    is_ended = store.database.transact(work)
    if is_ended:
        store.unpin(_pin(audit.key))
    return is_ended


def _next_number(connection: sqlite3.Connection) -> int:
    """Return the number of the next audit that ends.

    Never one that was given before, though what had it was forgotten since: who follows
    the history would take the new audit for one that is known.
    """
    query = f"""INSERT INTO meta VALUES ('{ENDED}',
        (SELECT ifnull(max(ended), 0) + 1 FROM audits))
      ON CONFLICT (name) DO UPDATE SET value = max(value + 1, excluded.value)
      RETURNING value"""
    return int(connection.execute(query).fetchone()[0])


def audit_history(
    store: SqliteStore, *, after: int = 0, limit: int = 1000
) -> list[EndedAudit]:
    """Return the audits that have ended, the last first.

    Args:
        store: where.
        after: only those with a higher :attr:`EndedAudit.number`.
        limit: at most so many.
    """
    query = f"""SELECT verdict, computed, problem, operation, environment, cpu_s,
      ended, ended_ms, {COLUMNS} FROM audits WHERE ended > ?
      ORDER BY ended DESC LIMIT ?"""
    with store.database.read() as connection:
        rows = connection.execute(query, (after, limit)).fetchall()
    return [EndedAudit(_audit(row[8:]), *row[:8]) for row in rows]


def audit_counts(store: SqliteStore) -> AuditCounts:
    """Count the audits that are open, and those that are remembered."""
    query = "SELECT verdict, count(*), sum(cpu_s) FROM audits GROUP BY verdict"
    with store.database.read() as connection:
        rows = connection.execute(query).fetchall()
    counts = {verdict: count for verdict, count, _ in rows}
    return AuditCounts(counts.pop(None, 0), counts, sum(row[2] for row in rows))


def last_audits(
    store: SqliteStore, keys: Sequence[NodeKey]
) -> dict[NodeKey, EndedAudit]:
    """Return the last audit that has ended of each of ``keys``, if there was one."""
    found = {}
    query = f"""SELECT verdict, computed, problem, operation, environment, cpu_s,
      ended, ended_ms, {COLUMNS} FROM audits WHERE key = ? AND ended IS NOT NULL
      ORDER BY ended DESC LIMIT 1"""
    with store.database.read() as connection:
        for key in keys:
            row = connection.execute(query, (key,)).fetchone()
            if row is not None:
                found[key] = EndedAudit(_audit(row[8:]), *row[:8])
    return found


def forget_audits(store: SqliteStore, keys: Sequence[NodeKey]) -> None:
    """Delete every trace of audits of ``keys``, as if there had been none."""
    rows = [(key,) for key in keys]

    def work(connection: sqlite3.Connection) -> list[NodeKey]:
        query = "DELETE FROM audits WHERE key = ? RETURNING key, verdict"
        gone = (it for row in rows for it in connection.execute(query, row).fetchall())
        return [NodeKey(key) for key, verdict in gone if verdict is None]

    for key in store.database.transact(work):
        store.unpin(_pin(key))


def _known(store: SqliteStore, key: NodeKey, reason: Reason) -> Audit | None:
    """Return an audit of a node, from what is, or was, written down of it."""
    # Not looked up: a result in conflict is no answer, but says how it is made.
    for result in store.results(key.hex()):
        if result.key != key:
            break
        if result.recipe and result.plan is not None:
            return Audit(key, result.digest, result.recipe, result.plan, False, reason)
    query = f"SELECT {COLUMNS} FROM audits WHERE key = ? ORDER BY number DESC LIMIT 1"
    with store.database.read() as connection:
        row = connection.execute(query, (key,)).fetchone()
        if row is None:
            return None
    before = _audit(row)
    try:
        store.manifest(before.plan)
    except ArtifactNotFoundError:
        return None
    return replace(before, reason=reason, asked_ms=0)


def _audit(row: Sequence[object]) -> Audit:
    key, digest, recipe, plan, is_goal, reason, asked_ms = row
    return Audit(key, digest, recipe, plan, bool(is_goal), reason, asked_ms)  # type: ignore[arg-type]


def _pin(key: NodeKey) -> str:
    return f"audit {key.hex()}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
