"""New certificates for old keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.serialization import Encoding

from .authority import issue_member, read_request, spki
from .certificates import Member, pem_of, verify_member
from .errors import CertificateError
from .folder import NODE_CHAIN, RealmFolder
from .identity import Identity
from .names import node_id_of
from .realm import own_chain


def renew(
    identity: Identity, csr: bytes, member: Member, at: datetime | None = None
) -> list[bytes]:
    """Issue a new certificate to a member, as a sponsor.

    Args:
        csr: PKCS #10, DER, for the key that the member's certificate is of.
        member: who asks; what its certificate says is said again.
        at: the time; now by default.

    Returns:
        the chain, DER, leaf first, without the root.

    Raises:
        CertificateError: the request is none, or is for another key, or this is no
            sponsor.
    """
    if identity.sponsor is None:
        raise CertificateError(f"{identity.name} is no sponsor")
    key = read_request(csr)
    if node_id_of(spki(key)) != member.node_id:
        raise CertificateError(f"{member.name} asks for a certificate for another key")
    at = at or datetime.now(UTC)
    if member.node_id == identity.node_id:
        name, realm_id = identity.name, identity.realm_id
        return [*own_chain(identity.node, identity.sponsor, name, realm_id, at)]
    leaf = issue_member(
        identity.sponsor, key, member.sign_key, member.name, identity.realm_id, at
    )
    return [leaf.public_bytes(Encoding.DER), identity.sponsor.der]


def renew_own(identity: Identity, at: datetime | None = None) -> Identity:
    """Issue a new certificate to this sponsor itself, and keep it."""
    return install_chain(
        identity, renew(identity, identity.renewal_request(), identity.member, at), at
    )


def install_chain(
    identity: Identity, chain: Sequence[bytes], at: datetime | None = None
) -> Identity:
    """Keep a new certificate; return the identity that has it.

    Args:
        chain: DER certificates as a sponsor sent them.
        at: the time; now by default.

    Raises:
        CertificateError: it is not one for this identity's keys, or ends no later.
        StoreError: it cannot be written.
    """
    member = verify_member(chain, identity.root, at or datetime.now(UTC))
    old = identity.member
    if (member.node_id, member.sign_key) != (old.node_id, old.sign_key):
        raise CertificateError("the new certificate is for somebody else's keys")
    if member.ends < old.ends or member.is_sponsor < old.is_sponsor:
        raise CertificateError("the new certificate is worth less than the old one")
    files = RealmFolder(identity.path.parent)
    files.write(NODE_CHAIN, pem_of(chain))
    return replace(identity, member=member, chain=tuple(chain))
