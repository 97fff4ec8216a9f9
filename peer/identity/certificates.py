"""Verifying certificates: who somebody is, and whether its realm says so.

The path itself (signatures, dates, authority flags, path lengths, key usage,
unknown critical extensions) is verified by ``cryptography.x509.verification`` after
RFC 5280.  What voxpeer adds is checked here.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from peer.wire import limits

from .authority import (
    REALM_URI,
    ROOT_EXTENSION,
    SIGN_URI,
    SPONSOR_NAME,
    is_p256,
    realm_id_of,
    spki,
)
from .errors import CertificateError
from .names import NodeId, clean_name, dns_name, is_node_id, node_id_of

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    Warning,  # what the library finds odd, where warnings are errors
)
KEPT = 512
"""Chains whose verification is remembered."""


@dataclass(frozen=True, slots=True)
class Member:
    """Who a certificate is of.

    Attributes:
        node_id: beginning of the SHA-256 of its TLS key.
        name: what people call it.
        sign_key: the Ed25519 key with which it signs records, 32 bytes.
        realm_id: 16 bytes.
        sponsor: node id of the sponsor that issued the certificate.
        is_sponsor: whether it may enrol others: it has an authority from the root,
            and has issued the certificate to itself.
        begins, ends: when the certificate is valid.
    """

    node_id: NodeId
    name: str
    sign_key: bytes
    realm_id: bytes
    sponsor: NodeId
    is_sponsor: bool
    begins: datetime
    ends: datetime


def verify_member(chain: Sequence[bytes], root: bytes, at: datetime | None) -> Member:
    """Return whose certificate this is.

    Args:
        chain: DER certificates, leaf first, without the root.
        root: the realm's root certificate, DER.
        at: when it has to be valid; None ignores dates, for what was signed while it
            was.  Ignoring them, a chain that was seen lately costs a look-up.

    Raises:
        CertificateError: a certificate is not what it has to be, or the realm's root
            does not say so.
    """
    if not 0 < len(chain) <= limits.CHAIN_CERTIFICATES:
        raise CertificateError(f"a chain of {len(chain)} certificates")
    if max(map(len, chain)) > limits.CERTIFICATE_BYTES:
        raise CertificateError("a certificate that is too long")
    member = _verified(tuple(chain), root)
    if at is not None and not member.begins <= at <= member.ends:
        raise CertificateError(
            f"the certificate of {member.name} is valid from"
            f" {member.begins:%Y-%m-%d %H:%M} to {member.ends:%Y-%m-%d %H:%M} UTC, and"
            f" here it is {at:%Y-%m-%d %H:%M}; check the clocks, or join again"
        )
    return member


def member_of_leaf(leaf: bytes) -> Member:
    """Return whose certificate this is, its path having been verified by TLS.

    Args:
        leaf: one certificate, PEM or DER.

    Raises:
        CertificateError: it is no member's certificate.
    """
    return _read_leaf(leaf)


@lru_cache(KEPT)
def _read_leaf(leaf: bytes) -> Member:
    return _member(load(leaf))


def load(data: bytes) -> x509.Certificate:
    """Return a certificate, PEM or DER.

    Raises:
        CertificateError: it is none.
    """
    try:
        if data.startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except UNREADABLE as error:
        raise CertificateError("not a certificate") from error


def root_in(front_door: bytes) -> bytes:
    """Return the root certificate that a sponsor shows to who wants to join, DER.

    Raises:
        CertificateError: there is none in it.
    """
    try:
        extensions = load(front_door).extensions
        found = extensions.get_extension_for_oid(ROOT_EXTENSION).value
    except UNREADABLE as error:
        raise CertificateError("not a certificate of a sponsor") from error
    if not isinstance(found, x509.UnrecognizedExtension):
        raise CertificateError("not a certificate of a sponsor")
    return found.value


def pem_of(chain: Sequence[bytes]) -> bytes:
    """Return DER certificates as one PEM text."""
    return b"".join(load(der).public_bytes(Encoding.PEM) for der in chain)


def ders_of(pem: bytes) -> tuple[bytes, ...]:
    """Return the certificates in a PEM text as DER.

    Raises:
        CertificateError: there is none, or something else.
    """
    try:
        found = x509.load_pem_x509_certificates(pem)
    except UNREADABLE as error:
        raise CertificateError("not a chain of certificates") from error
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in found)


@lru_cache(KEPT)
def _verified(chain: tuple[bytes, ...], root: bytes) -> Member:
    anchor = load(root)
    leaf, *above = path = [load(der) for der in chain]
    begins = max(it.not_valid_before_utc for it in (*path, anchor))
    ends = min(it.not_valid_after_utc for it in (*path, anchor))
    # Dates are compared by the caller: any moment in which all are valid will do.
    policy = PolicyBuilder().store(Store([anchor])).time(begins.replace(tzinfo=None))
    try:
        found = policy.max_chain_depth(1).build_client_verifier().verify(leaf, above)
    except (VerificationError, *UNREADABLE) as error:
        raise CertificateError(f"not a certificate of this realm ({error})") from error
    if list(found.chain) != [*path, anchor]:
        raise CertificateError("a chain with certificates that do not belong to it")
    member = replace(_member(leaf), begins=begins, ends=ends)
    if member.realm_id != realm_id_of(root):
        raise CertificateError("a certificate of another realm")
    return member


def _member(leaf: x509.Certificate) -> Member:
    try:
        key = leaf.public_key()
        alternatives = leaf.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        ).value
        names = alternatives.get_values_for_type(x509.DNSName)
        uris = alternatives.get_values_for_type(x509.UniformResourceIdentifier)
        name = _only(leaf.subject, NameOID.COMMON_NAME)
        sponsor = _only(leaf.issuer, NameOID.SERIAL_NUMBER)
    except UNREADABLE as error:
        raise CertificateError("not a member's certificate") from error
    if not is_p256(key) or not is_node_id(sponsor):
        raise CertificateError("not a member's certificate")
    node_id = node_id_of(spki(key))
    is_own = sponsor == node_id
    if names not in ([dns_name(node_id)], [dns_name(node_id), SPONSOR_NAME]):
        raise CertificateError("a certificate whose name is not that of its key")
    return Member(
        node_id=node_id,
        name=clean_name(name, node_id),
        sign_key=_sign_key(uris),
        realm_id=_realm_id(uris),
        sponsor=NodeId(sponsor),
        is_sponsor=is_own and SPONSOR_NAME in names,
        begins=leaf.not_valid_before_utc,
        ends=leaf.not_valid_after_utc,
    )


def _only(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    (attribute,) = name.get_attributes_for_oid(oid)
    if not isinstance(attribute.value, str):
        raise TypeError("not a text")
    return attribute.value


def _value(uris: Sequence[str], prefix: str) -> str:
    found = [uri.removeprefix(prefix) for uri in uris if uri.startswith(prefix)]
    if len(found) != 1:
        raise CertificateError(f"a certificate with {len(found)} {prefix} names")
    return found[0]


def _sign_key(uris: Sequence[str]) -> bytes:
    text = _value(uris, SIGN_URI)
    try:
        key = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError) as error:
        raise CertificateError("a certificate without a signing key") from error
    is_same = urlsafe_b64encode(key).decode().rstrip("=") == text
    if len(key) != limits.SIGN_KEY_BYTES or not is_same:
        raise CertificateError("a certificate without a signing key")
    return key


def _realm_id(uris: Sequence[str]) -> bytes:
    try:
        realm_id = bytes.fromhex(_value(uris, REALM_URI))
    except ValueError as error:
        raise CertificateError("a certificate without a realm") from error
    if len(realm_id) != limits.REALM_ID_BYTES:
        raise CertificateError("a certificate without a realm")
    return realm_id


def signed_by(sign_key: bytes, signature: bytes, data: bytes) -> bool:
    """Return whether an Ed25519 signature over ``data`` is right."""
    try:
        _verifier(sign_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(KEPT)
def _verifier(sign_key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(sign_key)
