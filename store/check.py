"""Checks a store: trusts nothing, reads everything.

Each damage is dropped as it is found, so that what it hurt becomes a miss and is
computed again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import partial

from . import small
from .artifacts import Artifacts, DamagedError, Row, now_ms
from .contract import Damage, Digest, NodeKey
from .database import Database

PAGE = 200

MISS = "its results become a miss and are computed again when they are needed"
SMALL_MISS = "the small results in it become misses and are computed again"
REPLACE = (
    "move the store's folder away, or restore one of its backups;"
    " everything that is missing is computed again"
)


def check(database: Database, artifacts: Artifacts) -> Iterator[Damage]:
    """Yield everything that is damaged; each is dropped before it is yielded."""
    yield from _check_database(database)
    yield from _check_artifacts(database, artifacts)
    yield from _check_references(database, artifacts)
    yield from _check_small(database)
    now = now_ms()
    database.transact(
        lambda connection: (
            connection.execute(
                "INSERT OR REPLACE INTO meta VALUES ('last_check_ms', ?)", (now,)
            ).rowcount
        )
    )


def _check_database(database: Database) -> Iterator[Damage]:
    with database.read() as connection:
        problems = connection.execute("PRAGMA quick_check(20)").fetchall()
    for (problem,) in problems:
        if problem != "ok":
            nothing = Digest(bytes(32))
            yield Damage(nothing, (), f"the database is damaged: {problem}", REPLACE)


def _check_artifacts(database: Database, artifacts: Artifacts) -> Iterator[Damage]:
    last = 0
    while page := _page(database, last):
        last = page[-1][0]
        for _, digest in page:
            row = artifacts.find(digest)
            problem = None if row is None else _problem(artifacts, digest, row)
            if problem is not None:
                keys = artifacts.drop_damaged(digest, row)
                yield _damage(digest, keys, problem)


def _page(database: Database, after: int) -> list[tuple[int, Digest]]:
    query = "SELECT rowid, digest FROM artifacts WHERE rowid > ? ORDER BY rowid LIMIT ?"
    with database.read() as connection:
        return connection.execute(query, (after, PAGE)).fetchall()


def _problem(artifacts: Artifacts, digest: Digest, row: Row) -> str | None:
    try:
        artifacts.load(digest, row, is_thorough=True)
    except DamagedError as error:
        # Evicted, or written again, while it was being read: look at what is now.
        held = artifacts.find(digest)
        return str(error) if held is not None and held.place == row.place else None
    return None


def _check_references(database: Database, artifacts: Artifacts) -> Iterator[Damage]:
    query = """SELECT r.digest, 'its bytes are not in the store' FROM results r
      WHERE NOT EXISTS (SELECT 1 FROM artifacts a WHERE a.digest = r.digest)
      UNION SELECT parent, 'a part of it is not in the store' FROM artifact_parts p
      WHERE NOT EXISTS (SELECT 1 FROM artifacts a WHERE a.digest = p.child)"""
    with database.read() as connection:
        dangling = connection.execute(query).fetchall()
    for digest, problem in dangling:
        keys = artifacts.drop_incomplete(digest)
        if keys:  # else nothing that is held needs it
            yield _damage(digest, keys, problem)


def _damage(digest: Digest, keys: tuple[bytes, ...], problem: str) -> Damage:
    return Damage(digest, tuple(map(NodeKey, keys)), problem, MISS)


def _check_small(database: Database) -> Iterator[Damage]:
    with database.read() as connection:
        runs = connection.execute("SELECT run FROM small_runs").fetchall()
    for (run,) in runs:
        with database.read() as connection:
            is_sound = _is_sound(connection, run)
        if is_sound:
            continue
        names = database.transact(partial(small.repair_run, run=run))
        for name in names or [bytes(32)]:
            problem = "a segment of small results does not match its checksum"
            yield Damage(Digest(name), (), problem, SMALL_MISS)


def _is_sound(connection: sqlite3.Connection, run: int) -> bool:
    connection.execute("BEGIN")
    query = "SELECT 1 FROM small_runs WHERE run = ?"
    if connection.execute(query, (run,)).fetchone() is None:
        return True  # merged since
    try:
        index = small.read_run(connection, run)
        last = b""
        count = 0
        for entry in small.entries_of(connection, index):
            if entry[: small.KEY_BYTES] < last:
                return False
            last = entry[: small.KEY_BYTES]
            if int.from_bytes(last[:4], "big") != index.prefixes[count]:
                return False
            count += 1
    except small.SegmentDamagedError:
        return False
    return count == len(index.prefixes)
