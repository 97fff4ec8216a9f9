"""Signed statements about members and results, and what follows from a set of them.

What follows does not depend on the order in which they were heard.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from peer.wire import record_checks
from peer.wire.errors import WireError
from peer.wire.v1 import records_pb2

from .certificates import Member, signed_by, verify_member
from .errors import CertificateError, StatementRefused
from .identity import Identity
from .names import NodeId

DOMAIN = b"vx-statement/1\0"
MAX_REMAINING = 4096


@dataclass(frozen=True, slots=True)
class Heard:
    """A statement that was verified.

    Attributes:
        digest: SHA-256 of the bytes that are signed; the same statement with another
            of its issuer's certificates is the same statement.
        statement: what it says.
        signed: the whole message.
        issuer: who says so.
    """

    digest: bytes
    statement: records_pb2.Statement
    signed: records_pb2.SignedStatement
    issuer: Member

    @property
    def kind(self) -> str:
        """Which of the things that can be said it says, by its name in the contract."""
        return str(self.statement.WhichOneof("what"))


def sign_statement(
    identity: Identity, statement: records_pb2.Statement
) -> records_pb2.SignedStatement:
    """Return ``statement`` as this member's; realm and issuer are filled in."""
    statement.realm_id = identity.realm_id
    statement.issuer = identity.node_id
    data = statement.SerializeToString()
    return records_pb2.SignedStatement(
        statement=data,
        signature=identity.sign(DOMAIN + data),
        certificates=identity.chain,
    )


def verify_statement(
    signed: records_pb2.SignedStatement, root: bytes, realm_id: bytes
) -> Heard:
    """Return what a statement says, once everything about it is right.

    Raises:
        StatementRefused: something is not right.
    """
    try:
        record_checks.signed_statement(signed)
    except WireError as error:
        raise StatementRefused("size", str(error)) from error
    try:
        member = verify_member(signed.certificates, root, None)
    except CertificateError as error:
        raise StatementRefused("certificate", str(error)) from error
    if not signed_by(member.sign_key, signed.signature, DOMAIN + signed.statement):
        text = f"a statement that {member.name} did not sign"
        raise StatementRefused("signature", text)
    statement = _parse(signed.statement)
    _require_right(statement, member, realm_id)
    return Heard(sha256(signed.statement).digest(), statement, signed, member)


def _parse(data: bytes) -> records_pb2.Statement:
    try:
        statement = record_checks.statement(data)
    except WireError as error:
        raise StatementRefused("malformed", str(error)) from error
    if len(statement.revocation.remaining) > MAX_REMAINING:
        raise StatementRefused("malformed", "a revocation that names too many")
    return statement


def _require_right(
    statement: records_pb2.Statement, member: Member, realm_id: bytes
) -> None:
    if statement.realm_id != realm_id:
        text = f"a statement of {member.name} for another realm"
        raise StatementRefused("realm", text)
    if statement.issuer != member.node_id:
        raise StatementRefused("issuer", f"{member.name} signs as somebody else")
    if statement.HasField("revocation") and not member.is_sponsor:
        text = f"{member.name} is no sponsor and cannot revoke anybody"
        raise StatementRefused("right", text)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a set of revocations means.

    A sponsor that was revoked could still issue certificates, and date them back.  So
    whom it let in is out too, but for those that the revocation names.

    Attributes:
        refused_from: for each revoked node, the first of its records not to accept.
        remaining: for each revoked sponsor, who stays a member all the same.
    """

    refused_from: dict[NodeId, int] = field(default_factory=dict)
    remaining: dict[NodeId, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, statements: Iterable[records_pb2.Statement]) -> Ruling:
        """Return what all these statements mean together."""
        said = [it for it in statements if it.HasField("revocation")]
        refused_from: dict[NodeId, int] = {}
        for it in said:
            node_id = NodeId(it.revocation.node_id)
            first = refused_from.get(node_id, it.revocation.from_sequence)
            refused_from[node_id] = min(first, it.revocation.from_sequence)
        remaining: dict[NodeId, frozenset[str]] = {}
        for it in said:
            # Else whoever is revoked would name its own accomplices.
            if NodeId(it.issuer) not in refused_from:
                node_id = NodeId(it.revocation.node_id)
                names = frozenset(it.revocation.remaining)
                remaining[node_id] = remaining.get(node_id, frozenset()) | names
        return cls(refused_from, remaining)

    def is_out(self, node_id: NodeId, sponsor: NodeId) -> bool:
        """Return whether a node with a certificate from ``sponsor`` is no member."""
        if node_id in self.refused_from:
            return True
        is_orphan = sponsor in self.refused_from
        return is_orphan and node_id not in self.remaining.get(sponsor, ())

    def accepts(self, node_id: NodeId, sponsor: NodeId, sequence: int) -> bool:
        """Return whether a record with this number counts."""
        first = self.refused_from.get(node_id)
        if first is not None and sequence >= first:
            return False
        is_orphan = sponsor in self.refused_from and sponsor != node_id
        return not is_orphan or node_id in self.remaining.get(sponsor, ())
