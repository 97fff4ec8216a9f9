"""Signed records of results, as the store's tables keep them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from peer.identity import NodeId
from peer.wire.v1 import records_pb2
from store import Digest, NodeKey, Reliance, SqliteStore

QUERY_KEYS = 256
COLUMNS = "key, signer, digest, sequence, record, signature, source"

ADD = """INSERT INTO attestations VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (key, signer) DO UPDATE SET sequence = excluded.sequence,
    record = excluded.record, signature = excluded.signature,
    source = excluded.source, seen_ms = excluded.seen_ms
  WHERE digest = excluded.digest AND sequence > excluded.sequence"""


@dataclass(frozen=True, slots=True)
class Attestation:
    """A signed record.

    Attributes:
        key: the node.
        signer: who computed it.
        digest: what it computed to.
        sequence: number of the record among the signer's.
        record: the bytes that are signed.
        signature: Ed25519.
        source: node id of the peer that it came from; empty for our own.
    """

    key: NodeKey
    signer: NodeId
    digest: Digest
    sequence: int
    record: bytes
    signature: bytes
    source: str


def others_of(record: records_pb2.Record) -> tuple[Reliance, ...]:
    """Return whose records a record rests on besides itself."""
    return tuple(Reliance(it.signer, it.sequence) for it in record.relies_on)


def find(
    store: SqliteStore, keys: Sequence[NodeKey]
) -> dict[NodeKey, list[Attestation]]:
    """Return the records held of ``keys``."""
    found: dict[NodeKey, list[Attestation]] = {}
    with store.database.read() as connection:
        for start in range(0, len(keys), QUERY_KEYS):
            part = keys[start : start + QUERY_KEYS]
            query = (
                f"SELECT {COLUMNS} FROM attestations"
                f" WHERE key IN ({','.join('?' * len(part))})"
            )
            for row in connection.execute(query, part):
                found.setdefault(row[0], []).append(Attestation(*row))
    return found


def add(store: SqliteStore, attestations: Iterable[Attestation]) -> None:
    """Queue records to be written; what is queued after is durable after.

    Who has signed several for a node is held to the first digest that came, and to the
    lowest number of those: what it has said it cannot take back by saying it again.
    """
    now = time.time_ns() // 1_000_000
    rows = [
        (
            *(each.key, each.signer, each.digest, each.sequence),
            *(each.record, each.signature, each.source, now),
        )
        for each in attestations
    ]

    def write(connection: sqlite3.Connection) -> None:
        connection.executemany(ADD, rows)

    store.database.write(write)


def witness(store: SqliteStore, attestation: Attestation) -> None:
    """Keep a record as evidence, unless there is one of its signer for the node."""
    store.database.transact(
        lambda c: c.execute(
            "INSERT OR IGNORE INTO attestations VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(attestation.key, attestation.signer, attestation.digest),
                *(attestation.sequence, attestation.record, attestation.signature),
                *(attestation.source, time.time_ns() // 1_000_000),
            ),
        )
    )


def signers(store: SqliteStore) -> list[NodeId]:
    """Return everybody of whom there are records."""
    with store.database.read() as connection:
        rows = connection.execute("SELECT DISTINCT signer FROM attestations")
        return [NodeId(signer) for (signer,) in rows]


def remove_signer(
    store: SqliteStore, signer: NodeId, from_sequence: int
) -> list[NodeKey]:
    """Remove a signer's records from a number on.

    Returns:
        the keys for which no other record is left.
    """

    def work(connection: sqlite3.Connection) -> list[NodeKey]:
        keys = connection.execute(
            "DELETE FROM attestations WHERE signer = ? AND sequence >= ? RETURNING key",
            (signer, from_sequence),
        ).fetchall()
        query = "SELECT 1 FROM attestations WHERE key = ?"
        return [
            key
            for (key,) in keys
            if connection.execute(query, (key,)).fetchone() is None
        ]

    return store.database.transact(work)


def remove(store: SqliteStore, key: NodeKey, signer: NodeId) -> None:
    """Remove one record."""
    query = "DELETE FROM attestations WHERE key = ? AND signer = ?"
    store.database.transact(lambda c: c.execute(query, (key, signer)))


def remove_keys(store: SqliteStore, keys: Sequence[NodeKey]) -> None:
    """Remove every record of ``keys``."""
    rows = [(key,) for key in keys]
    store.database.transact(
        lambda c: c.executemany("DELETE FROM attestations WHERE key = ?", rows)
    )


def signed_bytes_by_signer(store: SqliteStore) -> dict[NodeId, int]:
    """Return how many bytes of others' results are here, by who signed them."""
    query = """SELECT a.signer, sum(r.size_bytes) FROM attestations a
      JOIN results r ON r.key = a.key AND r.digest = a.digest
      WHERE r.origin = 'peer' GROUP BY a.signer"""
    with store.database.read() as connection:
        return {NodeId(row[0]): row[1] for row in connection.execute(query)}


def counts_by_signer(store: SqliteStore) -> dict[NodeId, int]:
    """Return how many records of each signer are here."""
    query = "SELECT signer, count(*) FROM attestations GROUP BY signer"
    with store.database.read() as connection:
        return {NodeId(row[0]): row[1] for row in connection.execute(query)}
