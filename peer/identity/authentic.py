"""Whether a record is what a member signed; not whether it counts."""

from __future__ import annotations

from peer.wire import record_checks
from peer.wire.errors import WireError
from peer.wire.v1 import records_pb2

from .certificates import Member, signed_by
from .errors import RecordRefused
from .sequence import LAST

DOMAIN = b"vx-record/1\0"


def authentic_record(
    signed: records_pb2.SignedRecord, member: Member, realm_id: bytes
) -> records_pb2.Record:
    """Return what a record says, once it is known to be ``member``'s.

    Args:
        signed: as it came.
        member: whose record it should be, from a chain that was verified.
        realm_id: the realm in which it has to count.

    Raises:
        RecordRefused: it is not what a member of this realm signs.
    """
    if len(signed.record) > record_checks.RECORD_BYTES:
        raise RecordRefused("size", f"a record of {len(signed.record)} bytes")
    if not signed_by(member.sign_key, signed.signature, DOMAIN + signed.record):
        raise RecordRefused("signature", f"a record that {member.name} did not sign")
    record = _parse(signed.record)
    if record.realm_id != realm_id:
        raise RecordRefused("realm", f"a record of {member.name} for another realm")
    if record.signer != member.node_id:
        raise RecordRefused("signer", f"{member.name} signs as somebody else")
    return record


def _parse(data: bytes) -> records_pb2.Record:
    try:
        record = record_checks.record(data)
    except WireError as error:
        raise RecordRefused("malformed", str(error)) from error
    sequences = [record.sequence, *(each.sequence for each in record.relies_on)]
    if min(sequences) < 1 or max(*sequences, record.cost_us, record.subtree_us) > LAST:
        raise RecordRefused("malformed", "a number that cannot be")
    return record
