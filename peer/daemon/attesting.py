"""The signed records under which results are shared.

A result of our own is signed when somebody asks for its record the first time; what
came from others is passed on with the record that it came with.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from peer.identity import NodeId, Signer
from peer.trust import attestations
from peer.trust.attestations import Attestation, others_of
from peer.wire import limits, record_checks
from peer.wire.v1 import records_pb2
from store import (
    ArtifactNotFoundError,
    CorruptArtifactError,
    Digest,
    NodeKey,
    Result,
)

from .realm import Realm

KEPT_RECORDS = 1024


class Attesting:
    """Finds and makes the records of what is shared.  Any thread may ask."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm
        self._store = realm.store
        self._read: OrderedDict[bytes, records_pb2.Record] = OrderedDict()
        self._lock = threading.Lock()

    def records(self, keys: Sequence[NodeKey]) -> list[Attestation]:
        """Return the record of each of ``keys`` that is here and may be shared."""
        found = self._store.lookup(keys)
        held = attestations.find(self._store, keys)
        records, unsigned = [], []
        for key, hit in found.items():
            if not self._may_share(hit.result):
                continue
            good = self._acceptable(held.get(key, ()), hit.result)
            if good:
                records.append(good[0])
            elif hit.result.origin == "local" and hit.result.kind:
                unsigned.append(hit.result)
        return records + self._sign(unsigned)

    def inline(self, attestation: Attestation) -> bytes | None:
        """Return the bytes of an artifact that travels with its record, else None."""
        record = self._record(attestation)
        if record.size_bytes > limits.INLINE_BYTES or record.children:
            return None
        try:
            return bytes(self._store.open(attestation.digest).view())
        except (ArtifactNotFoundError, CorruptArtifactError):
            return None

    def names(self, key: NodeKey, digest: Digest) -> bool:
        """Return whether ``key`` shares the artifact ``digest``."""
        for attestation in self.records([key]):
            if attestation.digest == digest:
                return True
            if digest in self._record(attestation).children:
                return True
        return False

    def chain(self, signer: NodeId) -> tuple[bytes, ...] | None:
        """Return the certificates of a signer."""
        identity = self._realm.identity
        if signer == identity.node_id:
            return identity.chain
        return self._realm.directory.chain(signer)

    def _may_share(self, result: Result) -> bool:
        """Return whether nothing is known here that speaks against a result."""
        return self._realm.may_rest_on(result.relies_on) and self._realm.is_shareable(
            result.operation, result.environment
        )

    def _acceptable(
        self, held: Sequence[Attestation], result: Result
    ) -> list[Attestation]:
        """Return the records that count, our own first."""
        me = self._realm.identity.node_id
        good = [
            each
            for each in held
            if each.digest == result.digest
            and self._realm.accepts(each.signer, each.sequence)
            and self._realm.may_rest_on(others_of(self._record(each)))
            and self.chain(each.signer) is not None
        ]
        return sorted(good, key=lambda each: each.signer != me)

    def _sign(self, results: Sequence[Result]) -> list[Attestation]:
        if not results:
            return []
        signer = Signer(self._store, self._realm.identity)
        return [_read(data) for data in signer.sign(results)]

    def _record(self, attestation: Attestation) -> records_pb2.Record:
        """Return the record inside, parsed once."""
        with self._lock:
            record = self._read.get(attestation.signature)
            if record is not None:
                self._read.move_to_end(attestation.signature)
                return record
        record = record_checks.record(attestation.record)
        with self._lock:
            self._read[attestation.signature] = record
            if len(self._read) > KEPT_RECORDS:
                self._read.popitem(last=False)
        return record


def _read(data: bytes) -> Attestation:
    signed = records_pb2.SignedRecord.FromString(data)
    record = record_checks.record(signed.record)
    return Attestation(
        key=NodeKey(record.key),
        signer=NodeId(record.signer),
        digest=Digest(record.digest),
        sequence=record.sequence,
        record=signed.record,
        signature=signed.signature,
        source="",
    )
