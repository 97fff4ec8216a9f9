"""Checks of ``records.proto``, and of what the other definitions use of it."""

from __future__ import annotations

from collections.abc import Sequence

from peer.wire.v1 import peer_pb2, records_pb2

from . import limits
from .errors import WireError
from .fields import at_most, each_exactly, exactly, few, node_id, parse, text

_RELIANCE_BYTES = 34
_OTHER_BYTES = 8192

RECORD_BYTES = (
    34 * limits.RECORD_CHILDREN
    + _RELIANCE_BYTES * limits.RECORD_RELIANCES
    + _OTHER_BYTES
)
"""Longest record: each child stands behind two bytes of its own."""

STATEMENT_BYTES = 34 * limits.FORGET_IDS + 1024
"""Longest statement: a list of what to forget; two records and a chain are less."""


def record(data: bytes) -> records_pb2.Record:
    """Read the bytes of a record, after its signature was verified."""
    message = parse(records_pb2.Record, data, RECORD_BYTES)
    exactly("realm_id", message.realm_id, limits.REALM_ID_BYTES)
    exactly("key", message.key, limits.KEY_BYTES)
    exactly("digest", message.digest, limits.DIGEST_BYTES)
    at_most("size_bytes", message.size_bytes, limits.ARTIFACT_BYTES)
    text("kind", message.kind, limits.KIND_CHARACTERS)
    text("environment", message.environment, limits.ENVIRONMENT_CHARACTERS)
    few("children", message.children, limits.RECORD_CHILDREN)
    each_exactly("children", message.children, limits.DIGEST_BYTES)
    node_id("signer", message.signer)
    text("operation", message.operation, limits.OPERATION_CHARACTERS)
    _reliances(message)
    return message


def signed_record(message: records_pb2.SignedRecord) -> None:
    """Check what stands around the bytes of a record."""
    if not message.record:
        raise WireError("a record without bytes")
    exactly("signature", message.signature, limits.SIGNATURE_BYTES)


def statement(data: bytes) -> records_pb2.Statement:
    """Read the bytes of a statement, after its signature was verified."""
    message = parse(records_pb2.Statement, data, STATEMENT_BYTES)
    exactly("realm_id", message.realm_id, limits.REALM_ID_BYTES)
    node_id("issuer", message.issuer)
    match message.WhichOneof("what"):
        case "revocation":
            node_id("node_id", message.revocation.node_id)
        case "forget":
            ids = message.forget.keyed_ids
            few("keyed_ids", ids, limits.FORGET_IDS)
            each_exactly("keyed_ids", ids, limits.KEY_BYTES)
        case "dispute":
            _dispute(message.dispute)
        case "unshareable":
            _unshareable(message.unshareable)
        case _:
            raise WireError("a statement that says nothing known")
    return message


def signed_statement(message: records_pb2.SignedStatement) -> None:
    """Check what stands around the bytes of a statement."""
    at_most("length of a statement", len(message.statement), STATEMENT_BYTES)
    exactly("signature", message.signature, limits.SIGNATURE_BYTES)
    certificates(message.certificates)


def certificates(values: Sequence[bytes]) -> None:
    """Check the sizes of a chain, leaf first, without the root."""
    few("certificates", values, limits.CHAIN_CERTIFICATES)
    for certificate in values:
        at_most("length of a certificate", len(certificate), limits.CERTIFICATE_BYTES)


def chain_of(message: peer_pb2.Chain) -> tuple[bytes, ...]:
    """Return the certificates of a chain that has at least a leaf."""
    certificates(message.certificates)
    if not message.certificates:
        raise WireError("a chain without certificates")
    return tuple(message.certificates)


def _reliances(message: records_pb2.Record) -> None:
    few("reliances", message.relies_on, limits.RECORD_RELIANCES)
    before = ""
    for reliance in message.relies_on:
        node_id("reliance", reliance.signer)
        if reliance.signer <= before:
            raise WireError("reliances that are not sorted, or there twice")
        if reliance.signer == message.signer:
            raise WireError("a record that relies on its own signer")
        if not reliance.sequence:
            raise WireError("a reliance on no record")
        before = reliance.signer


def _dispute(message: records_pb2.Dispute) -> None:
    exactly("key", message.key, limits.KEY_BYTES)
    for each in (message.theirs, message.mine):
        signed_record(each)
        length = len(each.record)
        at_most("length of a record", length, limits.DISPUTED_RECORD_BYTES)
    certificates(message.certificates)


def _unshareable(message: records_pb2.Unshareable) -> None:
    if not message.operation:
        raise WireError("no operation")
    text("operation", message.operation, limits.OPERATION_CHARACTERS)
    text("environment", message.environment, limits.ENVIRONMENT_CHARACTERS)
