"""Which realm the database of a store belongs to."""

from __future__ import annotations

import sqlite3

from store import SqliteStore

from .names import NodeId

TABLES = (
    "realm",
    "invitations",
    "statements",
    "members",
    "addresses",
    "attestations",
    "forgotten",
    "traffic",
    "heard_disputes",
    "heard_unshareable",
    "quarantined",
    "excuses",
    "charges",
    "pardons",
    "withdrawn",
)


def bound_to(store: SqliteStore) -> tuple[bytes, NodeId] | None:
    """Return the realm and the node that the database was used for, or None."""
    with store.database.read() as connection:
        rows = dict(connection.execute("SELECT name, value FROM realm"))
    if "realm_id" not in rows:
        return None
    return rows["realm_id"], NodeId(rows["node_id"])


def bind(store: SqliteStore, realm_id: bytes, node_id: NodeId) -> None:
    """Use the database for a realm; what it knew of another one is dropped."""

    def work(connection: sqlite3.Connection) -> None:
        _clear(connection)
        rows = [("realm_id", realm_id), ("node_id", node_id)]
        connection.executemany("INSERT INTO realm VALUES (?, ?)", rows)

    store.database.transact(work)


def clear(store: SqliteStore) -> None:
    """Drop everything that this room has noted."""
    store.database.transact(_clear)


def _clear(connection: sqlite3.Connection) -> None:
    for table in TABLES:
        connection.execute(f"DELETE FROM {table}")
