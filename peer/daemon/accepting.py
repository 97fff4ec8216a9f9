"""Whether a record that came may lead to a fetch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from peer.identity import NodeId, RecordRefused, verify_record
from peer.trust.attestations import Attestation, others_of
from peer.trust.conflicts import settled
from peer.wire import WireError, limits, record_checks
from peer.wire.v1 import peer_pb2, records_pb2
from store import Digest, NodeKey, Reliance

from .content import most_bytes
from .quota import Quota
from .realm import Realm

KINDS = frozenset(
    {
        "null",
        "bool",
        "int",
        "double",
        "string",
        "bytes",
        "image",
        "mask",
        "sequence",
        "record",
    }
)
"""Kinds of values that are kept as artifacts; anything else is no result of ours."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A record that counts, as it came and as it reads."""

    record: records_pb2.Record
    attestation: Attestation
    inline: bytes | None

    @property
    def others(self) -> tuple[Reliance, ...]:
        """Whose records it rests on besides itself."""
        return others_of(self.record)

    @property
    def relies_on(self) -> tuple[Reliance, ...]:
        """Whose records its result rests on, itself among them."""
        own = Reliance(self.record.signer, self.record.sequence)
        return tuple(sorted((own, *self.others)))

    @property
    def key(self) -> NodeKey:
        """The node."""
        return self.attestation.key


class Refused(Exception):  # noqa: N818 - counted, not an error of ours
    """A record is not accepted; the text is one word to count it under.

    Attributes:
        evidence: the record, if it is genuine and wrong.
    """

    evidence: Attestation | None = None


def accept(
    realm: Realm,
    quota: Quota,
    attested: peer_pb2.Attested,
    asked: Sequence[NodeKey] | set[NodeKey],
    source: NodeId,
) -> Accepted:
    """Return a record that came, once everything about it is right.

    Args:
        realm: in which it has to count.
        quota: what there is room for.
        attested: as it came; its sizes were checked.
        asked: the nodes that were asked for.
        source: who sent it.

    Raises:
        Refused: something is not right.
    """
    signed = attested.record
    try:
        # Who says to have signed it is needed to verify that it did.
        claimed = record_checks.record(signed.record)
        member = realm.directory.member(NodeId(claimed.signer))
        if member is None:
            raise Refused("signer")
        record = verify_record(signed, member, realm.identity.realm_id, realm.standing)
    except WireError:
        raise Refused("malformed") from None
    except RecordRefused as error:
        raise Refused(error.reason) from None
    _require_believed(realm, record)
    key = NodeKey(record.key)
    if key not in asked:
        raise Refused("unasked")
    attestation = Attestation(
        key=key,
        signer=NodeId(record.signer),
        digest=Digest(record.digest),
        sequence=record.sequence,
        record=signed.record,
        signature=signed.signature,
        source=source,
    )
    if settled(realm.store, [key]).get(key, attestation.digest) != attestation.digest:
        wrong = Refused("wrong")
        wrong.evidence = attestation
        raise wrong
    if record.kind not in KINDS:
        raise Refused("kind")
    inline = attested.inline if attested.HasField("inline") else None
    if inline is not None and len(inline) != record.size_bytes:
        raise Refused("size")
    if record.size_bytes > limits.ARTIFACT_BYTES:
        raise Refused("size")
    most = most_bytes(record.kind)
    if most is not None and record.size_bytes > most:
        raise Refused("size")
    if record.size_bytes > quota.left(NodeId(record.signer)):
        raise Refused("quota")
    return Accepted(record, attestation, inline)


def _require_believed(realm: Realm, record: records_pb2.Record) -> None:
    """Refuse what was found wrong here, or may well be."""
    if realm.quarantine.refuses(NodeId(record.signer), record.sequence):
        raise Refused("quarantined")
    if not realm.may_rest_on(others_of(record)):
        raise Refused("reliance")
    if not realm.is_shareable(record.operation, record.environment):
        raise Refused("unshareable")
