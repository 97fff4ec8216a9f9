"""Result records: node key to artifact digest, inserted and never replaced."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

from . import codec
from .artifacts import now_ms
from .contract import Digest, Found, NodeKey, Result
from .errors import ArtifactNotFoundError
from .manifest import digest_of_bytes

QUERY_KEYS = 500
SIZES = (1, 8, 64, QUERY_KEYS)
"""Lengths of key lists, so that few statements are ever prepared."""

PAYLOAD_BYTES = 1024
"""Payloads up to here come with their record."""

COLUMNS = """key, digest, kind, size_bytes, cost_s, subtree_s, environment, origin,
  recipe, reveals_input"""

INSERT = f"""INSERT INTO results ({COLUMNS}, created_ms, used_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING"""

LOOKUP = """SELECT r.key, r.digest, r.kind, r.size_bytes, r.cost_s, r.subtree_s,
  r.environment, r.origin, r.recipe, r.reveals_input, r.used_ms, a.size_bytes, a.codec,
  CASE WHEN a.size_bytes <= {limit} THEN a.payload END
  FROM results r JOIN artifacts a ON a.digest = r.digest
  WHERE r.key IN ({marks})
  AND NOT EXISTS (SELECT 1 FROM conflicts c WHERE c.key = r.key)"""


NOTE_HELD = """INSERT OR IGNORE INTO conflicts
  SELECT key, digest, environment, origin, ? FROM results WHERE key = ?"""


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
        part = _filled(keys[start : start + QUERY_KEYS])
        query = LOOKUP.format(limit=PAYLOAD_BYTES, marks=_marks(len(part)))
        rows = connection.execute(query, part).fetchall()
        parts = _parts(connection, [row[1] for row in rows])
        for row in rows:
            result = _result(row, parts.get(row[1], ()))
            yield Found(result, _payload(result.digest, *row[11:])), row[10]


def insert(connection: sqlite3.Connection, results: Sequence[Result]) -> None:
    """Insert records whose artifacts are here; keep what disagrees as evidence.

    Raises:
        ArtifactNotFoundError: an artifact is not here (any more).
    """
    needed = {result.digest for result in results}
    needed.update(child for result in results for child in result.children)
    _require_artifacts(connection, needed)
    now = now_ms()
    rows = [_row(result, now) for result in sorted(results, key=attrgetter("key"))]
    before = connection.total_changes
    connection.executemany(INSERT, rows)
    if connection.total_changes - before < len(rows):
        _note_conflicts(connection, results)
    parts = [(result.digest, child) for result in results for child in result.children]
    if parts:
        connection.executemany(
            "INSERT OR IGNORE INTO artifact_parts VALUES (?, ?)", parts
        )


def mark_used(connection: sqlite3.Connection, keys: Sequence[bytes]) -> None:
    """Note that records were of use."""
    now = now_ms()
    connection.executemany(
        "UPDATE results SET used_ms = ?, uses = uses + 1 WHERE key = ?",
        [(now, key) for key in keys],
    )


def add_conflict(
    connection: sqlite3.Connection,
    key: bytes,
    digest: bytes,
    environment: str,
    origin: str,
) -> None:
    """Keep evidence that a key was said to compute to ``digest``."""
    connection.execute(
        "INSERT OR IGNORE INTO conflicts VALUES (?, ?, ?, ?, ?)",
        (key, digest, environment, origin, now_ms()),
    )


def conflicted(connection: sqlite3.Connection, keys: Sequence[bytes]) -> set[bytes]:
    """Return which of ``keys`` have evidence against them."""
    if connection.execute("SELECT 1 FROM conflicts LIMIT 1").fetchone() is None:
        return set()
    query = "SELECT 1 FROM conflicts WHERE key = ? LIMIT 1"
    return {key for key in keys if connection.execute(query, (key,)).fetchone()}


def between(
    connection: sqlite3.Connection, low: bytes, high: bytes
) -> Iterator[Result]:
    """Yield records whose key is from ``low`` to ``high``, then by digest, in order."""
    # One ordered query for both would have to sort all of them in memory.
    by_key = f"""SELECT {COLUMNS} FROM results
      WHERE key BETWEEN :low AND :high ORDER BY key"""
    by_digest = f"""SELECT {COLUMNS} FROM results WHERE digest BETWEEN :low AND :high
      AND key NOT BETWEEN :low AND :high ORDER BY digest, key"""
    ends = {"low": low, "high": high}
    for row in chain.from_iterable(
        connection.execute(query, ends) for query in (by_key, by_digest)
    ):
        yield _result(row, children_of(connection, row[1]))


def children_of(connection: sqlite3.Connection, digest: bytes) -> tuple[Digest, ...]:
    """Return the artifacts that an artifact refers to."""
    query = "SELECT child FROM artifact_parts WHERE parent = ? ORDER BY child"
    return tuple(Digest(child) for (child,) in connection.execute(query, (digest,)))


def _result(row: Sequence[Any], children: tuple[Digest, ...] = ()) -> Result:
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


def _require_artifacts(connection: sqlite3.Connection, digests: set[Digest]) -> None:
    query = "SELECT 1 FROM artifacts WHERE digest = ?"
    for digest in digests:
        if connection.execute(query, (digest,)).fetchone() is None:
            raise ArtifactNotFoundError(digest)


def _row(result: Result, now: int) -> tuple[object, ...]:
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
        now,
        now,
    )


def _note_conflicts(connection: sqlite3.Connection, results: Sequence[Result]) -> None:
    for result in results:
        (held,) = connection.execute(
            "SELECT digest FROM results WHERE key = ?", (result.key,)
        ).fetchone()
        if held != result.digest:
            connection.execute(NOTE_HELD, (now_ms(), result.key))
            add_conflict(
                connection,
                result.key,
                result.digest,
                result.environment,
                result.origin,
            )


def _parts(
    connection: sqlite3.Connection, digests: Sequence[bytes]
) -> dict[bytes, tuple[Digest, ...]]:
    if not digests:
        return {}
    digests = _filled(digests)
    query = f"""SELECT parent, child FROM artifact_parts
      WHERE parent IN ({_marks(len(digests))}) ORDER BY parent, child"""
    parts: dict[bytes, tuple[Digest, ...]] = {}
    for parent, child in connection.execute(query, digests):
        parts[parent] = (*parts.get(parent, ()), child)
    return parts


def _filled(values: Sequence[bytes]) -> list[bytes]:
    # A repeated value changes nothing; it fills the statement up to a usual length.
    size = next(size for size in SIZES if size >= len(values))
    return [*values, *[values[-1]] * (size - len(values))]


def _marks(count: int) -> str:
    return ",".join("?" * count)
