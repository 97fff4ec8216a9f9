"""The store's SQLite file: connections to read with, and the writer.

Other rooms keep tables of their own here (:mod:`store.migrations`) and reach them
through :meth:`Database.read` and :meth:`Database.write`.
"""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from .errors import StoreUnusableError, explain_sqlite_error, is_trouble
from .writer import GroupWriter

T = TypeVar("T")

APPLICATION_ID = 0x56785031
"""Marks the file as ours in its header: ``VxP1``."""

BUSY_S = 30.0
"""Longer than the longest collection or merge of another process."""
MAX_IDLE = 4


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection that any thread may use and that never begins by itself."""
    connection = sqlite3.connect(
        path,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    connection.executescript(
        "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY;"
        "PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=67108864;"
        "PRAGMA trusted_schema=OFF;"
    )
    return connection


class Database:
    """Many readers and one writer on one SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: deque[sqlite3.Connection] = deque()
        self._is_closed = False
        self._process = os.getpid()
        try:
            self.writer = GroupWriter(connect(path), path)
        except sqlite3.Error as error:
            raise explain_sqlite_error(error, path) from error

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for reading.

        Each statement sees what was committed when it began; begin a transaction to
        see one state in several statements.
        """
        connection = self._borrow()
        try:
            yield connection
        except sqlite3.Error as error:
            if is_trouble(error):
                raise explain_sqlite_error(error, self.path) from error
            raise
        finally:
            self._give_back(connection)

    def write(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Queue ``work`` for the writer's next transaction.

        It runs on the writer's thread, beside other rooms' work in one transaction.
        If it raises, its own changes are taken back and the future has the exception.
        """
        self._require_open()
        return self.writer.submit(work)

    def transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do ``work`` at once, on this thread, in a transaction of its own."""
        self._require_open()
        return self.writer.transact(work)

    def changes(self) -> int:
        """Return a number that differs after another process committed."""
        self._require_open()
        return self.writer.changes()

    def close(self) -> None:
        """Commit what is queued and close every idle connection."""
        if self._is_closed or self.is_inherited:
            return
        self.writer.close()
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()

    @property
    def is_inherited(self) -> bool:
        """Whether this process is a forked child of the one that opened the store."""
        return os.getpid() != self._process

    def _borrow(self) -> sqlite3.Connection:
        self._require_open()
        with suppress(IndexError):
            return self._idle.pop()
        try:
            return connect(self.path)
        except sqlite3.Error as error:
            raise explain_sqlite_error(error, self.path) from error

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        if self._is_closed or connection.in_transaction or len(self._idle) >= MAX_IDLE:
            connection.close()
        else:
            self._idle.append(connection)

    def _require_open(self) -> None:
        if self.is_inherited:
            raise StoreUnusableError(
                f"{self.path}: the store was opened before this process was forked;"
                " open it again here"
            )
        if self._is_closed:
            raise StoreUnusableError(f"{self.path}: the store was closed")
