"""The schema's versions: each room brings its own tables.

A room's migrations are files ``NNNN_name.sql`` in a package of its own.  Each is
applied once, in one transaction, by one process at a time, and recorded with its
checksum.  A database that holds data is copied to ``backups/`` before.
"""

from __future__ import annotations

import importlib
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from .database import APPLICATION_ID, connect
from .errors import (
    ForeignStoreError,
    StoreNewerError,
    StoreUnusableError,
    explain_os_error,
    explain_sqlite_error,
)

KEPT_BACKUPS = 3
FILE_NAME = re.compile(r"(\d{4})_\w+\.sql")
TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
  room TEXT NOT NULL,
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  checksum BLOB NOT NULL,
  applied_ms INTEGER NOT NULL,
  PRIMARY KEY (room, version)
) STRICT, WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Migrations:
    """Where a room's migrations are.

    Attributes:
        room: name of the room.
        package: import name of the package that holds the ``.sql`` files.
    """

    room: str
    package: str


@dataclass(frozen=True, slots=True)
class Step:
    """One migration file."""

    room: str
    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> bytes:
        """SHA-256 of the file's text."""
        return sha256(self.sql.encode()).digest()


STORE_ROOM = Migrations("store", "store.schema")


def create(path: Path) -> None:
    """Make an empty database that is marked as ours; the caller holds the lock file."""
    # Others look at the header without a lock: the file appears with its mark in it.
    unfinished = path.with_name(f"{path.name}.new")
    try:
        unfinished.unlink(missing_ok=True)
        # What is left of a removed database would be replayed into the new one.
        for suffix in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        connection = connect(unfinished)
        try:
            connection.executescript(
                "PRAGMA page_size=8192; PRAGMA auto_vacuum=INCREMENTAL;"
                f"PRAGMA application_id={APPLICATION_ID};"
            )
        finally:
            connection.close()
        unfinished.rename(path)
    except sqlite3.Error as error:
        raise explain_sqlite_error(error, path) from error
    except OSError as error:
        raise explain_os_error(error, path) from error


def missing(path: Path, rooms: Sequence[Migrations]) -> list[Step]:
    """Return the migrations that are still to be applied, in order.

    Raises:
        StoreNewerError: the database has one that is not known here.
        StoreUnusableError: an applied one is not what it was.
    """
    try:
        connection = connect(path)
        try:
            return _missing(connection, path, rooms)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise explain_sqlite_error(error, path) from error


def apply(path: Path, rooms: Sequence[Migrations]) -> None:
    """Apply what is missing; the caller holds the store's lock file."""
    steps = missing(path, rooms)
    if not steps:
        return
    try:
        connection = connect(path)
        try:
            _require_log(connection, path)
            connection.execute(TABLE)
            if _holds_data(connection):
                _back_up(connection, path)
            for step in steps:
                _apply(connection, step)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise explain_sqlite_error(error, path) from error
    except OSError as error:
        raise explain_os_error(error, path) from error


def _require_log(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise StoreUnusableError(
            f"{path}: this file system has no shared memory, which several processes on"
            " one database need; name a folder on a local disk with --store or"
            " VOXPEER_STORE"
        )


def _missing(
    connection: sqlite3.Connection, path: Path, rooms: Sequence[Migrations]
) -> list[Step]:
    # A file that was put in another's place may have been taken for that by its inode.
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise ForeignStoreError(path.parent, f"its {path.name} is not voxpeer's")
    applied = _applied(connection)
    steps = []
    for room in rooms:
        known = list(_steps(room))
        newest = known[-1].version if known else 0
        for (name, version), _ in sorted(applied.items()):
            if name == room.room and version > newest:
                raise StoreNewerError(path, name, version)
        for step in known:
            checksum = applied.get((step.room, step.version))
            if checksum is None:
                steps.append(step)
            elif checksum != step.checksum:
                raise StoreUnusableError(
                    f"{path}: its {step.room} tables were made by another"
                    f" {step.name}; name another folder, or move this one away"
                )
    return steps


def _applied(connection: sqlite3.Connection) -> dict[tuple[str, int], bytes]:
    query = "SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'"
    if connection.execute(query).fetchone() is None:
        return {}
    query = "SELECT room, version, checksum FROM schema_migrations"
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def _steps(room: Migrations) -> Iterator[Step]:
    folder = Path(next(iter(importlib.import_module(room.package).__path__)))
    for file in sorted(folder.iterdir()):
        if match := FILE_NAME.fullmatch(file.name):
            sql = file.read_text(encoding="utf-8")
            yield Step(room.room, int(match[1]), file.name, sql)


def _apply(connection: sqlite3.Connection, step: Step) -> None:
    connection.execute("BEGIN EXCLUSIVE")
    try:
        for statement in _statements(step.sql):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO schema_migrations VALUES (?, ?, ?, ?, ?)",
            (
                step.room,
                step.version,
                step.name,
                step.checksum,
                time.time_ns() // 1_000_000,
            ),
        )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(sql: str) -> Iterator[str]:
    # `executescript` would commit before it begins, so statements are run singly.
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


def _holds_data(connection: sqlite3.Connection) -> bool:
    query = "SELECT name FROM sqlite_schema WHERE type = 'table'"
    tables = {name for (name,) in connection.execute(query)}
    ours = {"meta", "schema_migrations", "sqlite_sequence"}
    return any(
        connection.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone()
        for table in tables - ours
    )


def _back_up(connection: sqlite3.Connection, path: Path) -> None:
    folder = path.parent / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"{path.stem}-{time.time_ns() // 1_000_000}.db"
    unfinished = folder / "unfinished"
    unfinished.unlink(missing_ok=True)
    copy = sqlite3.connect(unfinished)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    unfinished.rename(target)
    for old in sorted(folder.glob(f"{path.stem}-*.db"))[:-KEPT_BACKUPS]:
        with suppress(FileNotFoundError):
            old.unlink()
