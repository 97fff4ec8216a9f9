"""What goes when room is needed: the cheapest to compute again per byte, oldest first.

What was computed, or came, within ten minutes goes only when nothing older is left:
others may wait for it, and are about to fetch it.  Kept whatever happens: pinned
artifacts and the artifacts they refer to.  An artifact without a record is kept for an
hour, because its record may be on its way; so is a file without a row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from . import small
from .artifacts import now_ms
from .blobs import BlobAge
from .contract import NodeKey

GRACE_S = 3600.0
RECENT_S = 600.0
"""What was used within ten minutes goes after what was not."""

FRESH_S = 600.0
"""What is no older than this goes when nothing older is left."""

ALWAYS_MS = (1 << 63) - 1
"""Later than any result."""

HALF_LIFE_MS = 30 * 24 * 3600 * 1000
ROW_BYTES = 256
"""What a record costs beside its artifact."""

CANDIDATES = """
SELECT r.digest FROM results r JOIN artifacts a ON a.digest = r.digest
WHERE NOT EXISTS (SELECT 1 FROM artifact_parts p WHERE p.child = r.digest)
GROUP BY r.digest
HAVING max(r.created_ms) <= :before
ORDER BY
  max(r.used_ms) > :now - :recent,
  sum(r.subtree_s * (1 + r.uses))
    / (1.0 + max(:now - max(r.used_ms), 0) / :half_life)  -- clocks go back, too
    / (a.stored_bytes + :row),
  max(r.used_ms)
"""

PINNED = """
WITH RECURSIVE pinned (digest) AS (
  SELECT digest FROM pins
  UNION
  SELECT child FROM artifact_parts JOIN pinned ON parent = digest
)
SELECT digest FROM pinned
"""

UNREFERENCED = """
SELECT digest FROM artifacts a WHERE touched_ms < ?
AND NOT EXISTS (SELECT 1 FROM results r WHERE r.digest = a.digest)
AND NOT EXISTS (SELECT 1 FROM artifact_parts p WHERE p.child = a.digest)
"""


@dataclass(slots=True)
class Removed:
    """What a collection removed, and the files to unlink once that is durable."""

    results: int = 0
    artifacts: int = 0
    bytes_freed: int = 0
    files: list[str] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)


class Collector:
    """Removes within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.removed = Removed()
        self._connection = connection
        self._pinned = {digest for (digest,) in connection.execute(PINNED)}

    def collect(self, target_bytes: int) -> Removed:
        """Evict until at most ``target_bytes`` are stored, or only pins are left."""
        before = stored_bytes(self._connection)
        self._remove_unreferenced()
        self._evict_results(target_bytes)
        self._evict_small(target_bytes)
        self.removed.bytes_freed = before - stored_bytes(self._connection)
        return self.removed

    def remove(self, keys: set[NodeKey]) -> Removed:
        """Remove records, and the artifacts that nothing needs any more."""
        before = stored_bytes(self._connection)
        for key in keys:
            self._remove_records("key = ?", (key,))
        self.removed.results += small.remove_keys(self._connection, keys)
        self.removed.bytes_freed = before - stored_bytes(self._connection)
        return self.removed

    def remove_origin(self, origin: str, limit: int) -> Removed:
        """Remove at most ``limit`` records of an origin, and what only they needed."""
        chosen = "rowid IN (SELECT rowid FROM results WHERE origin = ? LIMIT ?)"
        self._remove_records(chosen, (origin, limit))
        return self.removed

    def _remove_records(self, chosen: str, values: tuple[object, ...]) -> None:
        query = f"DELETE FROM results WHERE {chosen} RETURNING digest"
        for (digest,) in self._connection.execute(query, values).fetchall():
            self.removed.results += 1
            self._remove_if_unneeded(digest)

    def _remove_unreferenced(self) -> None:
        before = now_ms() - int(GRACE_S * 1000)
        for (digest,) in self._connection.execute(UNREFERENCED, (before,)).fetchall():
            self._remove_if_unneeded(digest)

    def _evict_results(self, target_bytes: int) -> None:
        # What refers to parts goes before them: its parts are candidates afterwards.
        now = now_ms()
        for before in (now - int(FRESH_S * 1000), ALWAYS_MS):
            while self._evict_once(
                stored_bytes(self._connection) - target_bytes, now, before
            ):
                pass

    def _evict_once(self, excess: int, now: int, created_before: int) -> bool:
        before = self.removed.results
        if excess <= 0:
            return False
        values = {
            "now": now,
            "before": created_before,
            "recent": int(RECENT_S * 1000),
            "half_life": float(HALF_LIFE_MS),
            "row": ROW_BYTES,
        }
        for (digest,) in self._connection.execute(CANDIDATES, values).fetchall():
            if excess <= 0:
                return False
            if digest not in self._pinned:
                self.removed.results += self._connection.execute(
                    "DELETE FROM results WHERE digest = ?", (digest,)
                ).rowcount
                excess -= self._remove_if_unneeded(digest)
        return self.removed.results > before

    def _evict_small(self, target_bytes: int) -> None:
        query = "SELECT run, count FROM small_runs ORDER BY level DESC, run"
        for run, count in self._connection.execute(query).fetchall():
            if stored_bytes(self._connection) <= target_bytes:
                return
            small.delete_run(self._connection, run)
            self.removed.results += count

    def _remove_if_unneeded(self, digest: bytes) -> int:
        """Remove an artifact, and its parts, unless something needs them."""
        freed = 0
        todo = [digest]
        while todo:
            at = todo.pop()
            if at in self._pinned or self._is_needed(at):
                continue
            freed += self._delete(at)
            parts = self._connection.execute(
                "DELETE FROM artifact_parts WHERE parent = ? RETURNING child", (at,)
            )
            todo += [child for (child,) in parts.fetchall()]
        return freed

    def _is_needed(self, digest: bytes) -> bool:
        query = """SELECT EXISTS (SELECT 1 FROM results WHERE digest = :digest)
          OR EXISTS (SELECT 1 FROM artifact_parts WHERE child = :digest)"""
        row = self._connection.execute(query, {"digest": digest}).fetchone()
        return bool(row[0])

    def _delete(self, digest: bytes) -> int:
        row = self._connection.execute(
            "DELETE FROM artifacts WHERE digest = ? RETURNING file, stored_bytes",
            (digest,),
        ).fetchone()
        if row is None:
            return 0
        self.removed.artifacts += 1
        self.removed.digests.append(digest)
        if row[0] is not None:
            self.removed.files.append(row[0])
        return int(row[1])


def stored_bytes(connection: sqlite3.Connection) -> int:
    """Return how many bytes of artifacts and small results are stored."""
    query = "SELECT value FROM meta WHERE name = 'stored_bytes'"
    return int(connection.execute(query).fetchone()[0])


def orphans(connection: sqlite3.Connection, files: Iterable[BlobAge]) -> list[BlobAge]:
    """Return those of ``files`` that no row names."""
    query = "SELECT 1 FROM artifacts WHERE digest = ? AND file = ?"
    found = []
    for file in files:
        values = (_digest_in(file.name), file.name)
        if connection.execute(query, values).fetchone() is None:
            found.append(file)
    return found


def _digest_in(name: str) -> bytes:
    try:
        return bytes.fromhex(name[:2] + name[3:65])
    except ValueError:
        return b""
