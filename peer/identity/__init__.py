"""Who belongs to a realm: keys, certificates, tokens, records and statements.

The names are imported at their first use: what asks for a :class:`NodeId` does not
load a cryptographic library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer.lazy import load

if TYPE_CHECKING:
    from .authority import SPONSOR_NAME, realm_id_of
    from .certificates import Member, ders_of, member_of_leaf, pem_of, verify_member
    from .enrolment import Sponsor, server_certificate_for_enrolment
    from .errors import (
        CertificateError,
        EnrolmentRefused,
        IdentityError,
        RecordRefused,
        StatementRefused,
        TokenError,
    )
    from .evidence import Disputed
    from .identity import Identity, NodeKeys
    from .invitations import Invitation, has_invited, invite, live_invitations
    from .joining import Joiner
    from .members import Members
    from .names import NodeId, dns_name, is_node_id
    from .realm import found_realm, leave_realm, open_identity
    from .realm_keys import EpochKey, RealmKeys
    from .records import Signer, is_signable, verify_record
    from .renewal import install_chain, renew, renew_own
    from .standing import Standing
    from .tokens import Token

_MODULES = {
    "authority": ("SPONSOR_NAME", "realm_id_of"),
    "certificates": ("Member", "ders_of", "member_of_leaf", "pem_of", "verify_member"),
    "enrolment": ("Sponsor", "server_certificate_for_enrolment"),
    "errors": (
        "CertificateError",
        "EnrolmentRefused",
        "IdentityError",
        "RecordRefused",
        "StatementRefused",
        "TokenError",
    ),
    "evidence": ("Disputed",),
    "identity": ("Identity", "NodeKeys"),
    "invitations": ("Invitation", "has_invited", "invite", "live_invitations"),
    "joining": ("Joiner",),
    "members": ("Members",),
    "names": ("NodeId", "dns_name", "is_node_id"),
    "realm": ("found_realm", "leave_realm", "open_identity"),
    "realm_keys": ("EpochKey", "RealmKeys"),
    "records": ("Signer", "is_signable", "verify_record"),
    "renewal": ("install_chain", "renew", "renew_own"),
    "standing": ("Standing",),
    "tokens": ("Token",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "SPONSOR_NAME",
    "CertificateError",
    "Disputed",
    "EnrolmentRefused",
    "EpochKey",
    "Identity",
    "IdentityError",
    "Invitation",
    "Joiner",
    "Member",
    "Members",
    "NodeId",
    "NodeKeys",
    "RealmKeys",
    "RecordRefused",
    "Signer",
    "Sponsor",
    "Standing",
    "StatementRefused",
    "Token",
    "TokenError",
    "ders_of",
    "dns_name",
    "found_realm",
    "has_invited",
    "install_chain",
    "invite",
    "is_node_id",
    "is_signable",
    "leave_realm",
    "live_invitations",
    "member_of_leaf",
    "open_identity",
    "pem_of",
    "realm_id_of",
    "renew",
    "renew_own",
    "server_certificate_for_enrolment",
    "verify_member",
    "verify_record",
]


def __getattr__(name: str) -> object:
    return load(__name__, _HOMES, name)
