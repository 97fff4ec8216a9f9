"""Numbers for records, of which none is ever used twice.

A revocation says "everything from this number on", so a number that came back would
put a record on the wrong side.  The next number is in the database, which may be
restored from a copy, or lose its last commits when the power fails, after records
went out.  So it is also in a file beside the keys, made durable before the numbers
are used, and the file knows which file it is: a copy of it has another inode.  Unless
both agree, everything up to 2**20 beyond the higher one counts as used: nobody signs
that many records between two copies, and 2**43 restorations are enough for everybody.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from store.errors import explain_os_error

SKIPPED = 1 << 20
LAST = (1 << 63) - 1
"""Greatest number that SQLite holds."""

_LINE = 64
"""Bytes of the file; as long as one sector it is never written by half."""


def allocate(connection: sqlite3.Connection, path: Path, count: int) -> int:
    """Return the first of ``count`` numbers that nobody has or will have.

    The transaction that is open on ``connection`` makes them used; when it is rolled
    back they are lost.

    Raises:
        StoreError: the file cannot be written.
    """
    query = "SELECT value FROM realm WHERE name = 'next_sequence'"
    row = connection.execute(query).fetchone()
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            first = _first(row and row[0], os.read(handle, _LINE), _inode(handle))
            _note(handle, first + count)
        finally:
            os.close(handle)
    except OSError as error:
        raise explain_os_error(error, path) from error
    connection.execute(
        "INSERT OR REPLACE INTO realm VALUES ('next_sequence', ?)", (first + count,)
    )
    return first


def _first(row: int | None, line: bytes, inode: int) -> int:
    if row is None and not line:
        return 1
    try:
        noted, of_inode = map(int, line.split())
    except ValueError:
        noted, of_inode = 0, -1
    if noted == row and of_inode == inode:
        return noted
    return max(row or 0, noted) + SKIPPED


def _note(handle: int, number: int) -> None:
    line = f"{number} {_inode(handle)}".ljust(_LINE - 1) + "\n"
    os.pwrite(handle, line.encode("ascii"), 0)
    os.fsync(handle)


def _inode(handle: int) -> int:
    return os.fstat(handle).st_ino
