"""Leases: which process is computing which node.

A lease is a row that names its owner.  Every owner holds the lock of a file of its own
under ``runs/``; the system lets go of the lock when the process ends, however it ends,
so others see at once whether an owner is alive.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from weakref import WeakSet

from .artifacts import now_ms
from .contract import NodeKey
from .errors import explain_os_error

SETTLED_S = 60.0
"""A lock file younger than this may not be locked yet."""


class Owner:
    """This store object as an owner of leases."""

    def __init__(self, root: Path) -> None:
        self.name = os.urandom(16).hex()
        self._root = root
        self._folder = root / "runs"
        self._handle: int | None = None
        self._lock = threading.Lock()

    @property
    def has_leases(self) -> bool:
        """Whether a lease was ever asked for."""
        return self._handle is not None

    def appear(self) -> None:
        """Take the lock that shows this owner to be alive."""
        with self._lock:
            if self._handle is not None:
                return
            try:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                path = self._path(self.name)
                handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
                fcntl.flock(handle, fcntl.LOCK_EX)
            except OSError as error:
                raise explain_os_error(error, self._root) from error
            self._handle = handle
            _living.add(self)

    def leave(self) -> None:
        """Let go of the lock."""
        with self._lock:
            if self._handle is not None:
                self.bury(self.name)
                os.close(self._handle)
                self._handle = None
                _living.discard(self)

    def let_go(self) -> None:
        """In a forked child: do not keep the parent's lock alive after its end."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def is_alive(self, name: str) -> bool:
        """Return whether another owner's process still runs."""
        try:
            handle = os.open(self._path(name), os.O_RDWR)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise explain_os_error(error, self._root) from error
        try:
            # Shared: two that look at the same time must not take each other for it.
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def bury(self, name: str) -> None:
        """Remove the lock file of an owner that has ended."""
        with suppress(OSError):
            self._path(name).unlink()

    def is_alone(self) -> bool:
        """Return whether no other owner is alive."""
        names = (path.stem for path in self._folder.glob("*.lock"))
        return not any(self.is_alive(name) for name in names if name != self.name)

    def others(self) -> list[str]:
        """Return the owners whose files are old enough to be judged."""
        before = time.time() - SETTLED_S
        names = []
        for path in sorted(self._folder.glob("*.lock")):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    names.append(path.stem)
        return names

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.lock"


_living: WeakSet[Owner] = WeakSet()


def _after_fork() -> None:
    for owner in _living:
        owner.let_go()
    _living.clear()


os.register_at_fork(after_in_child=_after_fork)


def held_by_others(
    connection: sqlite3.Connection, owner: Owner, keys: Sequence[NodeKey]
) -> frozenset[NodeKey]:
    """Return which of ``keys`` owners that are alive hold; only reads."""
    query = "SELECT owner FROM leases WHERE key = ?"
    alive = {owner.name: False}
    held: list[NodeKey] = []
    for key in keys:
        row = connection.execute(query, (key,)).fetchone()
        if row is not None:
            if row[0] not in alive:
                alive[row[0]] = owner.is_alive(row[0])
            if alive[row[0]]:
                held.append(key)
    return frozenset(held)


def take(
    connection: sqlite3.Connection, owner: Owner, keys: Sequence[NodeKey]
) -> tuple[frozenset[NodeKey], frozenset[NodeKey]]:
    """Lease what is free; return what was granted and what others hold."""
    query = "SELECT owner FROM leases WHERE key = ?"
    granted: list[NodeKey] = []
    held: list[NodeKey] = []
    alive = {owner.name: True}
    for key in keys:
        row = connection.execute(query, (key,)).fetchone()
        if row is not None and row[0] not in alive:
            alive[row[0]] = owner.is_alive(row[0])
            if not alive[row[0]]:
                connection.execute("DELETE FROM leases WHERE owner = ?", row)
                owner.bury(row[0])
                row = None
        if row is None or row[0] == owner.name:
            granted.append(key)
        else:
            held.append(key)
    now = now_ms()
    connection.executemany(
        "INSERT OR IGNORE INTO leases VALUES (?, ?, ?)",
        [(key, owner.name, now) for key in granted],
    )
    return frozenset(granted), frozenset(held)


def sweep(connection: sqlite3.Connection, owner: Owner) -> None:
    """Remove what dead owners left."""
    for name in owner.others():
        if not owner.is_alive(name):
            connection.execute("DELETE FROM leases WHERE owner = ?", (name,))
            owner.bury(name)


def give_back(
    connection: sqlite3.Connection, owner: Owner, keys: Sequence[NodeKey]
) -> None:
    """Delete this owner's leases on ``keys``."""
    connection.executemany(
        "DELETE FROM leases WHERE key = ? AND owner = ?",
        [(key, owner.name) for key in keys],
    )


def give_all_back(connection: sqlite3.Connection, owner: Owner) -> None:
    """Delete every lease of this owner."""
    connection.execute("DELETE FROM leases WHERE owner = ?", (owner.name,))
