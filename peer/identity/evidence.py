"""What members say of each other's results: disputes, and what is not to be shared.

A dispute shows that two members signed different digests for one node, and leaves open
who is right.  What whoever is no member any more has said counts no more.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass
from typing import TypeAlias

from peer.wire import record_checks
from peer.wire.errors import WireError
from peer.wire.v1 import records_pb2
from store import Digest, NodeKey

from .authentic import authentic_record
from .certificates import Member, verify_member
from .errors import CertificateError, RecordRefused, StatementRefused
from .members import Members
from .names import NodeId
from .statements import Heard, Ruling

Operation: TypeAlias = tuple[str, str]
"""``"namespace.primitive@version"`` and the environment class it is computed in."""


@dataclass(frozen=True, slots=True)
class Disputed:
    """A dispute that was heard; both signatures were verified.

    Attributes:
        statement: digest of the statement.
        issuer: who says that a result is wrong.
        key: the node.
        accused: who signed the result.
        sequence: number of the accused's record.
        said: what the accused signed.
        issuer_sequence: number of the issuer's record.
        computed: what the issuer signed, and computed from nothing of others'.
    """

    statement: bytes
    issuer: NodeId
    key: NodeKey
    accused: NodeId
    sequence: int
    said: Digest
    issuer_sequence: int
    computed: Digest


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it that counts.

    Attributes:
        disputes: sorted by statement.
        own: operations that this store said are not to be shared.
        voices: how many members say so, for every operation of which any does.
    """

    disputes: tuple[Disputed, ...]
    own: frozenset[Operation]
    voices: dict[Operation, int]

    @classmethod
    def of(cls, connection: sqlite3.Connection, ruling: Ruling, me: NodeId) -> Evidence:
        """Return what the tables hold, less what was said by who is out."""
        disputes = tuple(
            _disputed(row)
            for sponsor, *row in connection.execute(
                "SELECT sponsor, statement, issuer, key, accused, sequence, said,"
                " issuer_sequence, computed FROM heard_disputes ORDER BY statement"
            )
            if not ruling.is_out(NodeId(row[1]), NodeId(sponsor))
        )
        said = [
            (issuer, (operation, environment))
            for issuer, sponsor, operation, environment in connection.execute(
                "SELECT issuer, sponsor, operation, environment FROM heard_unshareable"
            )
            if not ruling.is_out(issuer, sponsor)
        ]
        own = frozenset(operation for issuer, operation in said if issuer == me)
        return cls(disputes, own, dict(Counter(operation for _, operation in said)))

    def unshareable(self, min_issuers: int) -> frozenset[Operation]:
        """Return what this store, or so many members, say is not to be shared."""
        said = {it for it, count in self.voices.items() if count >= min_issuers}
        return self.own.union(said)


def dispute_of(
    key: NodeKey,
    theirs: records_pb2.SignedRecord,
    mine: records_pb2.SignedRecord,
    members: Members,
) -> records_pb2.Dispute:
    """Return the dispute that two records make.

    Args:
        key: the node.
        theirs: what somebody else signed.
        mine: what the issuer signed.
        members: knows the certificates of who signed ``theirs``.

    Raises:
        StatementRefused: it is not known who that is.
    """
    try:
        signer = NodeId(record_checks.record(theirs.record).signer)
    except WireError as error:
        raise StatementRefused("evidence", str(error)) from error
    chain = members.chain(signer)
    if chain is None:
        text = f"the certificates of {signer} are not known here"
        raise StatementRefused("evidence", text)
    return records_pb2.Dispute(key=key, theirs=theirs, mine=mine, certificates=chain)


def dispute_in(heard: Heard, root: bytes) -> Disputed | None:
    """Return what a dispute shows, once both of its records are found right.

    Args:
        heard: a statement that was verified.
        root: the realm's root certificate, DER.

    Returns:
        None if the statement is no dispute.

    Raises:
        StatementRefused: it is one, and shows nothing.
    """
    if heard.kind != "dispute":
        return None
    dispute, realm_id = heard.statement.dispute, heard.statement.realm_id
    try:
        accused = verify_member(dispute.certificates, root, None)
        mine = authentic_record(dispute.mine, heard.issuer, realm_id)
        theirs = authentic_record(dispute.theirs, accused, realm_id)
    except CertificateError as error:
        raise StatementRefused("certificate", str(error)) from error
    except RecordRefused as error:
        raise StatementRefused("evidence", str(error)) from error
    _require_dissent(dispute, heard.issuer, mine, theirs)
    return Disputed(
        heard.digest,
        heard.issuer.node_id,
        NodeKey(dispute.key),
        accused.node_id,
        theirs.sequence,
        Digest(theirs.digest),
        mine.sequence,
        Digest(mine.digest),
    )


def _require_dissent(
    dispute: records_pb2.Dispute,
    issuer: Member,
    mine: records_pb2.Record,
    theirs: records_pb2.Record,
) -> None:
    wrong = ""
    if {mine.key, theirs.key} != {dispute.key}:
        wrong = "about another node"
    elif mine.digest == theirs.digest:
        wrong = "of two that agree"
    elif theirs.signer == issuer.node_id:
        wrong = "with itself"
    elif mine.relies_on:
        # It may be the issuer that was lied to.
        wrong = "on the word of others"
    if wrong:
        raise StatementRefused("evidence", f"a dispute of {issuer.name} {wrong}")


def _disputed(row: list[bytes | str | int]) -> Disputed:
    return Disputed(*row)  # type: ignore[arg-type] # the table says what each one is
