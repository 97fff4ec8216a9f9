"""Keys that were said to compute to several digests, and what to believe.

All that was said is kept as evidence, in ``conflicts``.  A key in dispute has no answer
until it has been computed here once more: then what was computed is the answer, and
others cannot make it doubtful again, or one liar could have it computed for ever.  When
computations here disagree there is no answer, until an audit has found out which of
them is right.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from .artifacts import now_ms
from .contract import Digest, NodeKey

NOTE = """INSERT INTO conflicts VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (key, digest) DO UPDATE SET origin = 'local'
  WHERE excluded.origin = 'local' AND origin <> 'local'"""

SETTLE = """UPDATE disputes SET answer = CASE WHEN NOT EXISTS (SELECT 1 FROM conflicts c
    WHERE c.key = disputes.key AND origin = 'local' AND digest <> :digest)
  THEN :digest END WHERE key = :key"""

UNDISPUTED = """NOT EXISTS
  (SELECT 1 FROM disputes d WHERE d.key = r.key AND d.answer IS NOT r.digest)"""
"""Holds for the row ``r`` of ``results`` that answers for its key."""


def note(
    connection: sqlite3.Connection,
    key: NodeKey,
    digest: Digest,
    environment: str,
    origin: str,
) -> None:
    """Keep evidence that a key was said to compute to ``digest``; dispute the key."""
    values = (key, digest, environment, origin, now_ms())
    connection.execute(NOTE, values)
    connection.execute("INSERT OR IGNORE INTO disputes VALUES (?, NULL)", (key,))
    if origin == "local":
        query = "UPDATE disputes SET answer = NULL WHERE key = ? AND answer <> ?"
        connection.execute(query, (key, digest))


def settle(
    connection: sqlite3.Connection, key: NodeKey, digest: Digest, environment: str
) -> None:
    """Note what a key in dispute was computed to here; that may be the answer."""
    note(connection, key, digest, environment, "local")
    connection.execute(SETTLE, {"key": key, "digest": digest})


def correct(connection: sqlite3.Connection, key: NodeKey, digest: Digest) -> None:
    """Let ``digest`` answer for a key, whatever else was computed here before."""
    values = {"key": key, "digest": digest}
    connection.execute(
        "UPDATE conflicts SET origin = 'wrong'"
        " WHERE key = :key AND origin = 'local' AND digest <> :digest",
        values,
    )
    query = "UPDATE disputes SET answer = :digest WHERE key = :key"
    connection.execute(query, values)


def answers(
    connection: sqlite3.Connection, keys: Iterable[NodeKey]
) -> dict[NodeKey, Digest | None]:
    """Return what answers for those of ``keys`` that are, or were, in dispute."""
    if connection.execute("SELECT 1 FROM disputes LIMIT 1").fetchone() is None:
        return {}
    query = "SELECT answer FROM disputes WHERE key = ?"
    found = {}
    for key in keys:
        row = connection.execute(query, (key,)).fetchone()
        if row is not None:
            found[key] = row[0]
    return found


def forget_origin(connection: sqlite3.Connection, origin: str) -> None:
    """Drop evidence of an origin, and the disputes that rested on it."""
    connection.execute("DELETE FROM conflicts WHERE origin = ?", (origin,))
    connection.execute(
        "DELETE FROM disputes WHERE key NOT IN"
        " (SELECT key FROM conflicts GROUP BY key HAVING count(*) > 1)"
    )
    connection.execute(
        "DELETE FROM conflicts WHERE key NOT IN (SELECT key FROM disputes)"
    )
