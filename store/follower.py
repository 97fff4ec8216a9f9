"""Following the results of a store, whoever changes them.

A log in the database names the keys whose result came or went.  It is short: who has
not looked for long goes through all results again.  What was told is remembered,
exactly and compactly, in a temporary table of the follower's own connection.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from .contract import Changes, NodeKey, SharedRow
from .database import connect
from .disputes import UNDISPUTED
from .errors import StoreUnusableError, explain_sqlite_error

BATCH = 2048
"""Rows read for one answer."""

CACHE_KIB = 512
"""A follower reads what is new once, and has no use for it afterwards."""

ROW = """r.key, r.digest, r.size_bytes, r.cost_s, r.subtree_s, r.kind, r.origin,
  r.reveals_input, r.total_bytes, r.operation, r.environment"""

TOLD = """CREATE TEMP TABLE told (
  key BLOB PRIMARY KEY NOT NULL, pass INTEGER NOT NULL) STRICT, WITHOUT ROWID"""

NEXT_ROWS = f"""SELECT r.rowid, {ROW} FROM results r
  WHERE r.rowid > ? AND {UNDISPUTED} ORDER BY r.rowid LIMIT {BATCH}"""

TELL = "INSERT OR REPLACE INTO told VALUES (?, ?)"
# Both in one would read the whole log.
LOG_ENDS = """SELECT (SELECT min(sequence) FROM result_log),
  (SELECT max(sequence) FROM result_log)"""

LOGGED = "SELECT key FROM result_log WHERE sequence BETWEEN :first AND :last"

LOGGED_ROWS = f"""SELECT {ROW} FROM results r
  WHERE r.key IN ({LOGGED}) AND {UNDISPUTED}"""

FORGET_LOGGED = f"""DELETE FROM told WHERE key IN ({LOGGED}) AND NOT EXISTS
  (SELECT 1 FROM results r WHERE r.key = told.key AND {UNDISPUTED}) RETURNING key"""

FORGET_STALE = f"""DELETE FROM told WHERE key IN
  (SELECT key FROM told WHERE pass < ? LIMIT {BATCH}) RETURNING key"""


class ResultFollower:
    """Implements :class:`store.contract.Follower`; see there for the promises."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version = -1
        self._has_more = True
        self._sequence = -1
        """Last entry of the log that was told."""
        self._pass = 0
        self._place: int | None = None
        """Row that a pass through all results has come to, while there is one."""
        self._has_stale = False
        """Whether what the last pass did not meet is still to be told."""
        try:
            self._connection = connect(path)
            self._connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
            self._connection.execute(TOLD)
        except sqlite3.Error as error:
            raise explain_sqlite_error(error, path) from error

    def poll(self) -> Changes:
        """Return what any process changed since the last call; first, all there is."""
        try:
            # It counts the commits of all others, also of this process's writer.
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            if version == self._version and not self._has_more:
                return Changes()
            self._connection.execute("BEGIN")
            changes = self._changes()
            while changes.has_more and not (changes.added or changes.removed):
                changes = self._changes()
            self._connection.execute("COMMIT")
        except sqlite3.ProgrammingError as error:  # closed
            raise StoreUnusableError(f"{self._path}: {error}") from None
        except sqlite3.Error as error:
            self._start_over()
            raise explain_sqlite_error(error, self._path) from error
        self._version, self._has_more = version, changes.has_more
        return changes

    def close(self) -> None:
        """Stop following."""
        self._connection.close()

    def _start_over(self) -> None:
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        self._sequence, self._place = -1, None
        self._has_more = True

    def _changes(self) -> Changes:
        if self._place is not None:
            return self._next_rows(self._place)
        if self._has_stale:
            return self._stale()
        first, last = self._connection.execute(LOG_ENDS).fetchone()
        if (first or 1) - 1 <= self._sequence <= (last or 0):
            return self._logged(last or 0)
        # What changes during the pass is in the log after this entry.
        self._sequence = last or 0
        self._pass += 1
        return self._next_rows(0)

    def _next_rows(self, place: int) -> Changes:
        """Go through the next results in the order of their rows."""
        rows = self._connection.execute(NEXT_ROWS, (place,)).fetchall()
        self._place = rows[-1][0] if len(rows) == BATCH else None
        self._has_stale = self._place is None
        return Changes(added=self._tell(row[1:] for row in rows), has_more=True)

    def _stale(self) -> Changes:
        rows = self._connection.execute(FORGET_STALE, (self._pass,)).fetchall()
        self._has_stale = len(rows) == BATCH
        return Changes(removed=[NodeKey(key) for (key,) in rows], has_more=True)

    def _logged(self, last: int) -> Changes:
        until = min(last, self._sequence + BATCH)
        ends = {"first": self._sequence + 1, "last": until}
        added = self._tell(self._connection.execute(LOGGED_ROWS, ends).fetchall())
        rows = self._connection.execute(FORGET_LOGGED, ends).fetchall()
        self._sequence = until
        return Changes(added, [NodeKey(key) for (key,) in rows], until < last)

    def _tell(self, rows: Iterable[tuple[Any, ...]]) -> list[SharedRow]:
        told = [
            SharedRow._make((*row[:7], bool(row[7]), *row[8:]))  # SQLite has integers
            for row in rows
        ]
        self._connection.executemany(TELL, [(row.key, self._pass) for row in told])
        return told
