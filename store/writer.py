"""The one thread that writes to the database: group commit.

Whatever is queued becomes one transaction.  An item that fails takes back its own
changes only; a transaction that fails takes all its items with it.  Under load groups
begin at least 20 ms apart, unless somebody waits for a result.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from .errors import StoreUnusableError, explain_sqlite_error, is_trouble

T = TypeVar("T")

GROUP_ITEMS = 1000
GROUP_S = 0.02

Work: TypeAlias = Callable[[sqlite3.Connection], T]


class Ticket(Future[T], Generic[T]):
    """Promise of a queued write; waiting for it makes its group begin at once."""

    def __init__(self, writer: GroupWriter) -> None:
        super().__init__()
        self._writer = writer

    def result(self, timeout: float | None = None) -> T:
        """As :meth:`Future.result`."""
        if not self.done():
            self._writer.hurry()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """As :meth:`Future.exception`."""
        if not self.done():
            self._writer.hurry()
        return super().exception(timeout)


class GroupWriter:
    """Owns the writing connection and its thread, which starts with the first write."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.after_group: Callable[[], None] | None = None
        """Called on the writer's thread after each group."""
        self._connection = connection
        self._path = path
        self._transaction = threading.Lock()
        self._condition = threading.Condition()
        self._queue: deque[tuple[Ticket[Any], Work[Any]]] = deque()
        self._thread: threading.Thread | None = None
        self._is_idle = False
        self._is_hurried = False
        self._is_closing = False
        self._group_started = 0.0
        self._version = 0

    def submit(self, work: Work[T]) -> Ticket[T]:
        """Queue ``work`` for the next group."""
        ticket: Ticket[T] = Ticket(self)
        with self._condition:
            if self._is_closing:
                raise StoreUnusableError(f"{self._path}: the store was closed")
            self._queue.append((ticket, work))
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="store-writer", daemon=True
                )
                self._thread.start()
            elif self._is_idle or len(self._queue) >= GROUP_ITEMS:
                self._condition.notify()
        return ticket

    def transact(self, work: Work[T]) -> T:
        """Do ``work`` in a transaction of its own on the calling thread."""
        with self._transaction:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                value = work(self._connection)
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise explain_sqlite_error(error, self._path) from error
            except BaseException:
                self._roll_back()
                raise
        return value

    def outside_transaction(self, work: Work[T]) -> T:
        """Do ``work``, such as a vacuum, that must not be in a transaction."""
        with self._transaction:
            try:
                return work(self._connection)
            except sqlite3.Error as error:
                self._roll_back()
                raise explain_sqlite_error(error, self._path) from error

    def changes(self) -> int:
        """Return a number that differs after another connection committed."""
        # The writing connection alone does not count its own commits as changes.
        if self._transaction.acquire(blocking=False):
            try:
                row = self._connection.execute("PRAGMA data_version").fetchone()
                self._version = row[0]
            except sqlite3.Error as error:
                raise explain_sqlite_error(error, self._path) from error
            finally:
                self._transaction.release()
        return self._version

    def hurry(self) -> None:
        """Begin the next group without waiting for more."""
        with self._condition:
            if self._queue:
                self._is_hurried = True
                self._condition.notify()

    def close(self) -> None:
        """Commit what is queued and close the connection."""
        with self._condition:
            self._is_closing = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()
        with self._transaction:
            self._connection.close()

    def _run(self) -> None:
        while True:
            group = self._next_group()
            if not group:
                return
            # Once it has begun, a write can no longer be cancelled.
            self._commit([it for it in group if it[0].set_running_or_notify_cancel()])
            self._look_after()

    def _look_after(self) -> None:
        try:
            if self.after_group is not None:
                self.after_group()
        except Exception:  # this thread must live: others wait for what they queue
            logging.getLogger(__name__).exception("upkeep of %s failed", self._path)

    def _next_group(self) -> list[tuple[Ticket[Any], Work[Any]]]:
        with self._condition:
            self._is_idle = True
            while not self._queue and not self._is_closing:
                self._condition.wait()
            self._is_idle = False
            self._wait_for_more()
            self._is_hurried = False
            self._group_started = time.monotonic()
            count = min(len(self._queue), GROUP_ITEMS)
            return [self._queue.popleft() for _ in range(count)]

    def _wait_for_more(self) -> None:
        due = self._group_started + GROUP_S
        while (
            len(self._queue) < GROUP_ITEMS
            and not self._is_hurried
            and not self._is_closing
            and (left := due - time.monotonic()) > 0
        ):
            self._condition.wait(left)

    def _commit(self, group: list[tuple[Ticket[Any], Work[Any]]]) -> None:
        connection = self._connection
        with self._transaction:
            try:
                connection.execute("BEGIN IMMEDIATE")
                outcomes = [self._apply(work) for _, work in group]
                connection.execute("COMMIT")
            except Exception as error:  # whoever waits has to hear of it
                self._roll_back()
                outcomes = [(None, self._explain(error))] * len(group)
        for (ticket, _), (value, problem) in zip(group, outcomes, strict=True):
            if problem is None:
                ticket.set_result(value)
            else:
                ticket.set_exception(problem)

    def _apply(self, work: Work[Any]) -> tuple[Any, Exception | None]:
        connection = self._connection
        connection.execute("SAVEPOINT item")
        try:
            value = work(connection)
        except Exception as error:  # one item's failure must not lose the others
            if not connection.in_transaction:
                raise  # a full disk has ended the whole transaction
            connection.execute("ROLLBACK TO item")
            connection.execute("RELEASE item")
            return None, self._explain(error)
        connection.execute("RELEASE item")
        return value, None

    def _explain(self, error: Exception) -> Exception:
        if isinstance(error, sqlite3.Error) and is_trouble(error):
            return explain_sqlite_error(error, self._path)
        return error

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
