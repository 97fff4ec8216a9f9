"""Signed records: "the node ... computed to the artifact ..., says ...".

A node signs only what it computed itself.  Whoever takes a record over keeps the very
bytes that were signed.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from peer.wire import limits
from peer.wire.v1 import records_pb2
from store import NodeKey, Result, SqliteStore

from .authentic import DOMAIN, authentic_record
from .certificates import Member
from .errors import RecordRefused
from .folder import SEQUENCE
from .identity import Identity
from .names import NodeId
from .sequence import allocate
from .standing import Standing

MAX_US = (1 << 63) - 1


class Signer:
    """Signs results that were computed here."""

    def __init__(self, store: SqliteStore, identity: Identity) -> None:
        self._database = store.database
        self._identity = identity

    def sign(self, results: Sequence[Result]) -> list[bytes]:
        """Return the signed records of ``results``, and keep them in the store.

        A result that has one already gets the same, unless that one relies on others
        than the result does by now.  What was not computed here, or breaks a limit of
        the contract, is left out.

        Returns:
            serialised ``SignedRecord`` messages, in the order of ``results``.

        Raises:
            StoreError: the store cannot be written.
        """
        own = {result.key: result for result in results if is_signable(result)}
        if not own:
            return []
        signed = self._database.transact(lambda connection: self._sign(connection, own))
        return [
            records_pb2.SignedRecord(
                record=signed[key][0], signature=signed[key][1]
            ).SerializeToString()
            for key in own
        ]

    def _sign(
        self, connection: sqlite3.Connection, own: dict[NodeKey, Result]
    ) -> dict[NodeKey, tuple[bytes, bytes]]:
        signed = self._known(connection, own)
        fresh = [result for key, result in own.items() if key not in signed]
        if not fresh:
            return signed
        first = allocate(connection, self._identity.path / SEQUENCE, len(fresh))
        rows, now = [], time.time()
        for sequence, result in enumerate(fresh, first):
            record = encode(result, self._identity, sequence, int(now))
            signature = self._identity.sign(DOMAIN + record)
            signed[result.key] = (record, signature)
            head = (result.key, self._identity.node_id, result.digest, sequence)
            rows.append((*head, record, signature, "", int(now * 1000)))
        connection.executemany(
            "INSERT OR REPLACE INTO attestations VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
        )
        return signed

    def _known(
        self, connection: sqlite3.Connection, own: dict[NodeKey, Result]
    ) -> dict[NodeKey, tuple[bytes, bytes]]:
        known = {}
        query = (
            "SELECT digest, record, signature FROM attestations"
            " WHERE key = ? AND signer = ?"
        )
        for key, result in own.items():
            row = connection.execute(query, (key, self._identity.node_id)).fetchone()
            if row is not None and self._is_record_of(result, row[0], row[1]):
                known[key] = (row[1], row[2])
        return known

    def _is_record_of(self, result: Result, digest: bytes, data: bytes) -> bool:
        if digest != result.digest:
            return False
        # Who computed it from nothing of others' once, has done so for good.
        said = list(records_pb2.Record.FromString(data).relies_on)
        return not said or said == _reliances(result, self._identity.node_id)


def is_signable(result: Result) -> bool:
    """Return whether a result was computed here and fits into a record."""
    return (
        result.origin == "local"
        and len(result.kind) <= limits.KIND_CHARACTERS
        and len(result.environment) <= limits.ENVIRONMENT_CHARACTERS
        and len(result.children) <= limits.RECORD_CHILDREN
        and result.size_bytes <= limits.ARTIFACT_BYTES
        and len(result.operation) <= limits.OPERATION_CHARACTERS
        and len(result.relies_on) <= limits.RECORD_RELIANCES
    )


def encode(result: Result, identity: Identity, sequence: int, now: int) -> bytes:
    """Return the bytes of a record that are to be signed.

    Args:
        now: seconds since 1970.
    """
    return records_pb2.Record(
        realm_id=identity.realm_id,
        key=result.key,
        digest=result.digest,
        size_bytes=result.size_bytes,
        kind=result.kind,
        environment=result.environment,
        cost_us=_microseconds(result.cost_s),
        subtree_us=_microseconds(result.subtree_s),
        children=result.children,
        signer=identity.node_id,
        sequence=sequence,
        reveals_input=result.reveals_input,
        signed_s=now,
        operation=result.operation,
        relies_on=_reliances(result, identity.node_id),
    ).SerializeToString()


def verify_record(
    signed: records_pb2.SignedRecord,
    member: Member,
    realm_id: bytes,
    standing: Standing,
) -> records_pb2.Record:
    """Return what a record says, once everything about it is right.

    Args:
        signed: as it came.
        member: whose record it should be, from a chain verified with ``at=None``: what
            was signed while a certificate was valid stays signed.
        realm_id: the realm in which it has to count.
        standing: what is known of revocations and of what to forget.

    Raises:
        RecordRefused: something is not right.
    """
    record = authentic_record(signed, member, realm_id)
    if not standing.accepts(member, record.sequence):
        raise RecordRefused("revoked", f"records of {member.name} count no longer")
    for each in record.relies_on:
        if not standing.counts(NodeId(each.signer), each.sequence):
            text = f"a record of {member.name} that rests on what counts no longer"
            raise RecordRefused("reliance", text)
    if standing.is_forgotten(NodeKey(record.key)):
        raise RecordRefused("forgotten", "a record of what has to be forgotten")
    return record


def _reliances(result: Result, me: NodeId) -> list[records_pb2.Reliance]:
    """Return whom a result relies on besides its signer.

    What came back to us from others, made of what we once signed, has a lower number
    than the record that is being made: it counts as long as that one does.
    """
    return [
        records_pb2.Reliance(signer=member, sequence=sequence)
        for member, sequence in result.relies_on
        if member != me
    ]


def _microseconds(seconds: float) -> int:
    return min(MAX_US, round(max(0.0, seconds) * 1e6))
