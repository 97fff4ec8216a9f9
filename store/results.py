"""Result records: node key to artifact digest, inserted and never replaced."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, TypeAlias

from . import codec, disputes, reliances
from .artifacts import now_ms
from .contract import Digest, Found, NodeKey, Recipe, Reliance, Result
from .errors import ArtifactNotFoundError
from .manifest import digest_of_bytes
from .queries import QUERY_KEYS, filled, marks

PAYLOAD_BYTES = 1024
"""Payloads up to here come with their record."""

COLUMNS = """r.key, r.digest, r.kind, r.size_bytes, r.cost_s, r.subtree_s,
  r.environment, r.origin, r.recipe, r.reveals_input, r.plan, r.operation"""

INSERT = """INSERT INTO results (key, digest, kind, size_bytes, cost_s, subtree_s,
  environment, origin, recipe, reveals_input, plan, operation, total_bytes,
  stored_bytes, created_ms, used_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (key) DO NOTHING"""

INSERT_PART = """INSERT INTO artifact_parts (parent, child, is_plan) VALUES (?, ?, ?)
  ON CONFLICT DO UPDATE SET is_plan = 1 WHERE excluded.is_plan AND NOT is_plan"""

LOOKUP = f"""SELECT {COLUMNS}, r.used_ms, a.size_bytes, a.codec,
  CASE WHEN a.size_bytes <= {{limit}} THEN a.payload END
  FROM results r JOIN artifacts a ON a.digest = r.digest
  WHERE r.key IN ({{marks}}) AND {disputes.UNDISPUTED}"""

LOG_ENTRIES = 1 << 16
LOG_GRAIN = 1 << 10
"""Entries of the log that are kept, and after how many it is looked at."""

Row: TypeAlias = tuple[Any, ...]
"""Values for `INSERT`."""

STORED_BYTES = 13
"""Where a row has the bytes that it takes as stored."""


class DamagedPayloadError(Exception):
    """A payload in the database does not match its digest."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(digest.hex())
        self.digest = digest


def lookup(
    connection: sqlite3.Connection, keys: Sequence[NodeKey]
) -> Iterator[tuple[Found, int]]:
    """Yield what is held of ``keys`` with the time it was last used, in ms.

    Raises:
        DamagedPayloadError: a payload does not match its digest.
    """
    for start in range(0, len(keys), QUERY_KEYS):
        part = filled(keys[start : start + QUERY_KEYS])
        query = LOOKUP.format(limit=PAYLOAD_BYTES, marks=marks(len(part)))
        rows = connection.execute(query, part).fetchall()
        parts = _parts(connection, [row[1] for row in rows])
        relied = reliances.of(connection, [row[0] for row in rows])
        for row in rows:
            result = _result(row, parts.get(row[1], ()), relied.get(row[0], ()))
            yield Found(result, _payload(result.digest, *row[13:])), row[12]


def insert(connection: sqlite3.Connection, results: Sequence[Result]) -> None:
    """Insert records whose artifacts are here; keep what disagrees as evidence.

    Raises:
        ArtifactNotFoundError: an artifact is not here (any more).
    """
    sizes = _sizes(connection, results)
    now = now_ms()
    parts = [(it.digest, child, False) for it in results for child in it.children]
    parts += [(it.digest, it.plan, True) for it in results if it.plan is not None]
    if parts:
        connection.executemany(INSERT_PART, parts)
    disputed = disputes.answers(connection, [result.key for result in results])
    plain = [result for result in results if result.key not in disputed]
    added: list[tuple[Result, Row]] = []
    held: list[tuple[Result, Row]] = []
    for result in sorted(plain, key=attrgetter("key")):
        row = _row(result, sizes, now)
        is_new = connection.execute(INSERT, row).rowcount
        (added if is_new else held).append((result, row))
    _account(connection, [row for _, row in added])
    reliances.add(connection, [result for result, _ in added])
    for result, row in held:
        _compare(connection, result, row)
    for result in results:
        if result.key in disputed:
            _insert_disputed(connection, result, _row(result, sizes, now))


def _account(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Log and count rows that were inserted."""
    if not rows:
        return
    connection.executemany(
        "INSERT INTO result_log (key) VALUES (?)", [row[:1] for row in rows]
    )
    stored: Counter[str] = Counter()
    for row in rows:
        stored[row[7]] += row[STORED_BYTES]
    connection.executemany(
        "UPDATE origins SET stored_bytes = stored_bytes + ? WHERE origin = ?",
        [(size, origin) for origin, size in stored.items()],
    )
    (last,) = connection.execute("SELECT max(sequence) FROM result_log").fetchone()
    if last % LOG_GRAIN < len(rows):
        query = "DELETE FROM result_log WHERE sequence <= ?"
        connection.execute(query, (last - LOG_ENTRIES,))


def _compare(connection: sqlite3.Connection, result: Result, row: Row) -> None:
    """See whether what is held says the same, and rests on no more."""
    query = "SELECT digest, environment, origin FROM results WHERE key = ?"
    digest, environment, origin = connection.execute(query, (result.key,)).fetchone()
    relied = reliances.of(connection, [result.key]).get(result.key, ())
    if digest != result.digest:
        for it in (
            (digest, environment, witness(origin, relied)),
            (result.digest, result.environment, witness_of(result)),
        ):
            disputes.note(connection, result.key, *it)
    elif _rests_on_less(result, origin, relied):
        _replace(connection, result, row)


def witness(origin: str, relies_on: Sequence[Reliance]) -> str:
    """Return whose word a record is in a conflict: ours only if it relies on nobody."""
    return "peer" if origin == "local" and relies_on else origin


def witness_of(result: Result) -> str:
    """Return whose word a record is in a conflict."""
    return witness(result.origin, result.relies_on)


def _rests_on_less(result: Result, origin: str, relied: Sequence[Reliance]) -> bool:
    """Return whether a record is to take the place of one with the same digest."""
    is_local, was_local = result.origin == "local", origin == "local"
    if is_local == was_local:
        return len(result.relies_on) < len(relied)
    return is_local and len(result.relies_on) <= len(relied)


def _insert_disputed(connection: sqlite3.Connection, result: Result, row: Row) -> None:
    key, digest, environment = result.key, result.digest, result.environment
    said_by = witness_of(result)
    if said_by == "local":
        disputes.settle(connection, key, digest, environment)
    else:
        disputes.note(connection, key, digest, environment, said_by)
    if disputes.answers(connection, [key])[key] != digest:
        return
    query = "SELECT digest, origin FROM results WHERE key = ?"
    held = connection.execute(query, (key,)).fetchone()
    if held is not None and held[0] == digest:
        relied = reliances.of(connection, [key]).get(key, ())
        if not _rests_on_less(result, held[1], relied):
            return
    _replace(connection, result, row)


def _replace(connection: sqlite3.Connection, result: Result, row: Row) -> None:
    """Insert a record instead of the one that is held of its key, if any."""
    connection.execute("DELETE FROM results WHERE key = ?", (result.key,))
    connection.execute(INSERT, row)
    _account(connection, [row])
    reliances.add(connection, [result])


def note_recipes(connection: sqlite3.Connection, recipes: Sequence[Recipe]) -> None:
    """Keep what re-lowers results, where it is not known.

    Raises:
        ArtifactNotFoundError: a plan is not here (any more).
    """
    query = "SELECT 1 FROM artifacts WHERE digest = ?"
    for plan in {recipe.plan for recipe in recipes}:
        if connection.execute(query, (plan,)).fetchone() is None:
            raise ArtifactNotFoundError(plan)
    query = """UPDATE results SET recipe = ?, plan = ? WHERE key = ? AND recipe = x''
      RETURNING digest"""
    for key, recipe, plan in recipes:
        values = (recipe, plan, key)
        for (digest,) in connection.execute(query, values).fetchall():
            connection.execute(INSERT_PART, (digest, plan, True))


def mark_used(connection: sqlite3.Connection, keys: Sequence[bytes]) -> None:
    """Note that records were of use."""
    now = now_ms()
    connection.executemany(
        "UPDATE results SET used_ms = ?, uses = uses + 1 WHERE key = ?",
        [(now, key) for key in keys],
    )


def between(
    connection: sqlite3.Connection, low: bytes, high: bytes
) -> Iterator[Result]:
    """Yield records whose key is from ``low`` to ``high``, then by digest, in order."""
    # One ordered query for both would have to sort all of them in memory.
    by_key = f"""SELECT {COLUMNS} FROM results r
      WHERE key BETWEEN :low AND :high ORDER BY key"""
    by_digest = f"""SELECT {COLUMNS} FROM results r WHERE digest BETWEEN :low AND :high
      AND key NOT BETWEEN :low AND :high ORDER BY digest, key"""
    ends = {"low": low, "high": high}
    for row in chain.from_iterable(
        connection.execute(query, ends) for query in (by_key, by_digest)
    ):
        relied = reliances.of(connection, row[:1])
        yield _result(row, children_of(connection, row[1]), relied.get(row[0], ()))


def children_of(connection: sqlite3.Connection, digest: bytes) -> tuple[Digest, ...]:
    """Return the artifacts that an artifact refers to."""
    query = """SELECT child FROM artifact_parts
      WHERE parent = ? AND NOT is_plan ORDER BY child"""
    return tuple(Digest(child) for (child,) in connection.execute(query, (digest,)))


def _result(
    row: Sequence[Any],
    children: tuple[Digest, ...],
    relies_on: tuple[Reliance, ...],
) -> Result:
    return Result(
        key=row[0],
        digest=row[1],
        kind=row[2],
        size_bytes=row[3],
        cost_s=row[4],
        subtree_s=row[5],
        environment=row[6],
        origin=row[7],
        recipe=row[8],
        reveals_input=bool(row[9]),
        children=children,
        plan=row[10],
        operation=row[11],
        relies_on=relies_on,
    )


def _payload(
    digest: Digest, size_bytes: int, coding: str, payload: bytes | None
) -> bytes | None:
    if payload is None:
        return None
    try:
        data = payload if coding == "raw" else codec.expand(payload, size_bytes)
    except codec.DecodeError:
        raise DamagedPayloadError(digest) from None
    if digest_of_bytes(data) != digest:
        raise DamagedPayloadError(digest)
    return data


def _sizes(
    connection: sqlite3.Connection, results: Sequence[Result]
) -> dict[Digest, tuple[int, int]]:
    """Return the lengths, as they are and as stored, of the artifacts of records."""
    needed = {result.digest for result in results}
    needed.update(child for result in results for child in result.children)
    needed.update(result.plan for result in results if result.plan is not None)
    query = "SELECT size_bytes, stored_bytes FROM artifacts WHERE digest = ?"
    sizes = {}
    for digest in needed:
        row = connection.execute(query, (digest,)).fetchone()
        if row is None:
            raise ArtifactNotFoundError(digest)
        sizes[digest] = row
    return sizes


def _row(result: Result, sizes: dict[Digest, tuple[int, int]], now: int) -> Row:
    total_bytes, stored_bytes = sizes[result.digest]
    for child in {*result.children} - {result.digest}:
        total_bytes += sizes[child][0]
        stored_bytes += sizes[child][1]
    return (
        result.key,
        result.digest,
        result.kind,
        result.size_bytes,
        result.cost_s,
        result.subtree_s,
        result.environment,
        result.origin,
        result.recipe,
        result.reveals_input,
        result.plan,
        result.operation,
        total_bytes,
        stored_bytes,
        now,
        now,
    )


def _parts(
    connection: sqlite3.Connection, digests: Sequence[bytes]
) -> dict[bytes, tuple[Digest, ...]]:
    if not digests:
        return {}
    digests = filled(digests)
    query = f"""SELECT parent, child FROM artifact_parts
      WHERE parent IN ({marks(len(digests))}) AND NOT is_plan ORDER BY parent, child"""
    parts: dict[bytes, tuple[Digest, ...]] = {}
    for parent, child in connection.execute(query, digests):
        parts[parent] = (*parts.get(parent, ()), child)
    return parts
