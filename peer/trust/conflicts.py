"""What the store knows of nodes that were said to compute to several digests."""

from __future__ import annotations

from collections.abc import Sequence

from store import Digest, NodeKey, SqliteStore
from store.disputes import answers


def settled(store: SqliteStore, keys: Sequence[NodeKey]) -> dict[NodeKey, Digest]:
    """Return what nodes are, of which it was once in doubt and was then computed here.

    Whoever says something else of them is wrong.
    """
    with store.database.read() as connection:
        found = answers(connection, keys)
    return {key: digest for key, digest in found.items() if digest is not None}


def unsettled(store: SqliteStore) -> list[NodeKey]:
    """Return the nodes of which it is in doubt what they are."""
    with store.database.read() as connection:
        query = "SELECT key FROM disputes WHERE answer IS NULL"
        return [NodeKey(key) for (key,) in connection.execute(query)]


def contradicted(store: SqliteStore) -> list[NodeKey]:
    """Return the nodes that were settled here and of which a record says otherwise."""
    query = """SELECT DISTINCT a.key FROM attestations a
      JOIN disputes d ON d.key = a.key WHERE a.digest <> d.answer"""
    with store.database.read() as connection:
        return [NodeKey(key) for (key,) in connection.execute(query)]
