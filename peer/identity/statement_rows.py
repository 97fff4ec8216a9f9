"""Statements in the store's tables, and how much room there is for them.

The set only grows, and nobody can be asked to take anything back.  So every member has
room of its own: one alone cannot keep the others from being heard.
"""

from __future__ import annotations

import sqlite3

from peer.wire import limits

from .errors import StatementRefused
from .evidence import Disputed
from .statements import Heard

MAX_STATEMENTS = limits.SYNC_HAVE
MAX_UNSPONSORED = MAX_STATEMENTS - 1024
"""Statements that any member can make leave room for revocations."""

MAX_FORGOTTEN = 1 << 22
MAX_FORGOTTEN_BYTES = MAX_FORGOTTEN // 8 * 34
"""Lists of what to forget that one member may issue."""

MAX_OF_A_KIND = 4096
"""Disputes there may be, and operations said not to be shared, of all members."""

MAX_BY_ONE = 256
"""... and of one member."""

MAX_DISPUTE_BYTES = 8 * limits.MIB
"""Disputes of one member are no longer together."""

FULL = "there is no room for more statements"


def insert(
    connection: sqlite3.Connection, heard: Heard, disputed: Disputed | None
) -> None:
    """Write a verified statement, and what it says, into the tables.

    Does nothing if another process has written the same one.

    Args:
        heard: the statement.
        disputed: what it shows if it is a dispute, else None.

    Raises:
        StatementRefused: there is no room, or its issuer has said it before.
    """
    query = "SELECT 1 FROM statements WHERE digest = ?"
    if connection.execute(query, (heard.digest,)).fetchone():
        return
    most = MAX_STATEMENTS if heard.kind == "revocation" else MAX_UNSPONSORED
    if _count(connection, "SELECT count(*) FROM statements") >= most:
        raise StatementRefused("full", FULL)
    if disputed is not None:
        _insert_dispute(connection, heard, disputed)
    elif heard.kind == "forget":
        _insert_forgotten(connection, heard)
    elif heard.kind == "unshareable":
        _insert_unshareable(connection, heard)
    connection.execute(
        "INSERT INTO statements VALUES (?, ?, ?, ?)",
        (heard.digest, heard.kind, heard.issuer.node_id, _bytes(heard)),
    )


def _insert_forgotten(connection: sqlite3.Connection, heard: Heard) -> None:
    ids = heard.statement.forget.keyed_ids
    forgotten = _count(connection, "SELECT count(*) FROM forgotten")
    if forgotten + len(ids) > MAX_FORGOTTEN:
        raise StatementRefused("full", FULL)
    if _issued_bytes(connection, heard) > MAX_FORGOTTEN_BYTES:
        issuer = heard.issuer.node_id
        text = f"{issuer} has had more forgotten than one member may"
        raise StatementRefused("full", text)
    connection.executemany(
        "INSERT OR IGNORE INTO forgotten VALUES (?)", ((it,) for it in ids)
    )


def _insert_dispute(connection: sqlite3.Connection, heard: Heard, it: Disputed) -> None:
    _require_room(connection, heard)
    if _issued_bytes(connection, heard) + len(_bytes(heard)) > MAX_DISPUTE_BYTES:
        raise _too_many(heard)
    values = (it.key, it.accused, it.sequence, it.said, it.issuer_sequence, it.computed)
    _insert_once(connection, heard, "heard_disputes", values)


def _insert_unshareable(connection: sqlite3.Connection, heard: Heard) -> None:
    _require_room(connection, heard)
    said = heard.statement.unshareable
    values = (said.operation, said.environment)
    _insert_once(connection, heard, "heard_unshareable", values)


def _insert_once(
    connection: sqlite3.Connection,
    heard: Heard,
    table: str,
    values: tuple[bytes | str | int, ...],
) -> None:
    issuer = heard.issuer
    row = (heard.digest, issuer.node_id, issuer.sponsor, *values)
    marks = ", ".join("?" * len(row))
    try:
        connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)
    except sqlite3.IntegrityError as error:
        text = f"{issuer.name} says the same in two statements"
        raise StatementRefused("twice", text) from error


def _require_room(connection: sqlite3.Connection, heard: Heard) -> None:
    query = "SELECT count(*) FROM statements WHERE kind = ?"
    if _count(connection, query, heard.kind) >= MAX_OF_A_KIND:
        raise StatementRefused("full", FULL)
    mine = f"{query} AND issuer = ?"
    if _count(connection, mine, heard.kind, heard.issuer.node_id) >= MAX_BY_ONE:
        raise _too_many(heard)


def _too_many(heard: Heard) -> StatementRefused:
    text = f"{heard.issuer.node_id} has said more than one member may"
    return StatementRefused("full", text)


def _issued_bytes(connection: sqlite3.Connection, heard: Heard) -> int:
    """Return how long the statements of this kind and issuer are together."""
    query = (
        "SELECT coalesce(sum(length(signed)), 0) FROM statements"
        " WHERE kind = ? AND issuer = ?"
    )
    return _count(connection, query, heard.kind, heard.issuer.node_id)


def _count(connection: sqlite3.Connection, query: str, *values: str) -> int:
    (count,) = connection.execute(query, values).fetchone()
    return int(count)


def _bytes(heard: Heard) -> bytes:
    return heard.signed.SerializeToString()
