"""On whose word results rest, in a table of their own: alone it is empty."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from .contract import NodeKey, Reliance, Result
from .queries import QUERY_KEYS, filled, marks


def add(connection: sqlite3.Connection, results: Iterable[Result]) -> None:
    """Write down on whom results that were inserted rely."""
    rows = [(it.key, *relied) for it in results for relied in it.relies_on]
    if rows:
        query = """INSERT INTO reliances VALUES (?, ?, ?)
          ON CONFLICT DO UPDATE SET sequence = max(sequence, excluded.sequence)"""
        connection.executemany(query, rows)


def of(
    connection: sqlite3.Connection, keys: Sequence[bytes]
) -> dict[bytes, tuple[Reliance, ...]]:
    """Return on whom results rely; those that rely on nobody are left out."""
    found: dict[bytes, tuple[Reliance, ...]] = {}
    if not keys or _is_empty(connection):
        return found
    for start in range(0, len(keys), QUERY_KEYS):
        part = filled(keys[start : start + QUERY_KEYS])
        query = f"""SELECT key, member, sequence FROM reliances
          WHERE key IN ({marks(len(part))}) ORDER BY key, member"""
        for key, member, sequence in connection.execute(query, part):
            found[key] = (*found.get(key, ()), Reliance(member, sequence))
    return found


def relying(
    connection: sqlite3.Connection, member: str, from_sequence: int
) -> list[NodeKey]:
    """Return the keys of results that rely on a member, from a record on."""
    query = "SELECT key FROM reliances WHERE member = ? AND sequence >= ?"
    rows = connection.execute(query, (member, from_sequence)).fetchall()
    return [NodeKey(key) for (key,) in rows]


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM reliances LIMIT 1").fetchone() is None
