"""Making certificates: the root, sponsors below it, members below those.

Root: P-256, ten years, a path of one authority below it.  Sponsor: an authority whose
subject names the member that holds it.  Member: 30 days, for TLS on both sides.  All
begin 48 hours before they are made, for machines whose clocks are wrong.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeGuard

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from peer.wire import limits

from .errors import CertificateError
from .names import NodeId, dns_name, node_id_of

AUTHORITY_LIFETIME = timedelta(days=3652)
LIFETIME = timedelta(days=30)
BACKDATED = timedelta(hours=48)
SPONSOR_NAME = "sponsor.voxpeer"
"""Name of every sponsor's server, for who does not know its node id yet."""

SIGN_URI = "voxpeer:sign:"
REALM_URI = "voxpeer:realm:"
ROOT_EXTENSION = x509.ObjectIdentifier("2.25.1965893390211721761503606126552067763")
"""Holds the realm's root in the certificate that a joining machine is shown."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate that others can be issued under, with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.DER)


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def spki(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as DER SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def realm_id_of(root: bytes) -> bytes:
    """Return the 16 bytes that name the realm of a root certificate, DER."""
    return sha256(root).digest()[: limits.REALM_ID_BYTES]


def make_root(at: datetime) -> Authority:
    """Make the authority of a new realm."""
    key = new_key()
    subject = _subject("voxpeer realm")
    builder = _builder(subject, subject, key.public_key(), at, AUTHORITY_LIFETIME)
    builder = _as_authority(builder, key.public_key(), 1)
    return Authority(builder.sign(key, SHA256()), key)


def issue_sponsor(
    root: Authority, key: ec.EllipticCurvePublicKey, holder: NodeId, at: datetime
) -> x509.Certificate:
    """Issue a sponsor's authority to the member ``holder``."""
    subject = _subject("voxpeer sponsor", holder)
    builder = _below(root, subject, key, at, AUTHORITY_LIFETIME)
    return _as_authority(builder, key, 0).sign(root.key, SHA256())


def issue_member(
    sponsor: Authority,
    key: ec.EllipticCurvePublicKey,
    sign_key: bytes,
    name: str,
    realm_id: bytes,
    at: datetime,
    is_sponsor: bool = False,
) -> x509.Certificate:
    """Issue the certificate of a member.

    Args:
        sign_key: the Ed25519 key with which it signs records, raw.
        name: what people call it, at most 64 bytes.
        is_sponsor: whether it answers for the realm; only to the sponsor itself.

    Raises:
        CertificateError: the authority has ended.
    """
    node_id = node_id_of(spki(key))
    names: list[x509.GeneralName] = [x509.DNSName(dns_name(node_id))]
    if is_sponsor:
        names.append(x509.DNSName(SPONSOR_NAME))
    encoded = urlsafe_b64encode(sign_key).decode().rstrip("=")
    names.append(x509.UniformResourceIdentifier(SIGN_URI + encoded))
    names.append(x509.UniformResourceIdentifier(REALM_URI + realm_id.hex()))
    builder = _below(sponsor, _subject(name, node_id), key, at, LIFETIME)
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return _for_tls(builder, names, purposes).sign(sponsor.key, SHA256())


def issue_front_door(
    sponsor: Authority, key: ec.EllipticCurvePublicKey, root: bytes, at: datetime
) -> x509.Certificate:
    """Issue what a sponsor shows to machines that want to join."""
    builder = _below(sponsor, _subject("voxpeer enrolment"), key, at, LIFETIME)
    extension = x509.UnrecognizedExtension(ROOT_EXTENSION, root)
    builder = builder.add_extension(extension, critical=False)
    names = [x509.DNSName(SPONSOR_NAME)]
    # It is shown by servers alone, so that nobody can pass for a member with it.
    return _for_tls(builder, names, [ExtendedKeyUsageOID.SERVER_AUTH]).sign(
        sponsor.key, SHA256()
    )


def make_request(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a PKCS #10 request for ``key``, DER; what it says besides is ignored."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def read_request(csr: bytes) -> ec.EllipticCurvePublicKey:
    """Return the key of a PKCS #10 request whose sender has shown to hold it.

    Raises:
        CertificateError: it is none, is too long, is for another kind of key, or its
            signature is wrong.
    """
    if len(csr) > limits.CSR_BYTES:
        raise CertificateError(f"a certificate request of {len(csr)} bytes")
    try:
        request = x509.load_der_x509_csr(csr)
        key = request.public_key()
        is_signed = request.is_signature_valid
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        InvalidSignature,
        x509.InvalidVersion,
        Warning,
    ) as error:
        raise CertificateError("not a certificate request") from error
    if not is_p256(key) or not is_signed:
        raise CertificateError("a certificate request without a P-256 key of its own")
    return key


def is_p256(key: object) -> TypeGuard[ec.EllipticCurvePublicKey]:
    """Return whether ``key`` is a public key on P-256."""
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(
        key.curve, ec.SECP256R1
    )


def _subject(name: str, node_id: NodeId | None = None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if node_id is not None:
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, node_id))
    return x509.Name(attributes)


def _below(
    issuer: Authority,
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    at: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    """Begin a certificate that does not outlast its issuer's on either side."""
    above = issuer.certificate
    builder = _builder(subject, above.subject, key, at, lifetime, above)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(
        issuer.key.public_key()
    )
    return builder.add_extension(identifier, critical=False)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    at: datetime,
    lifetime: timedelta,
    above: x509.Certificate | None = None,
) -> x509.CertificateBuilder:
    begins, ends = at - BACKDATED, at + lifetime
    if above is not None:
        begins = max(begins, above.not_valid_before_utc)
        ends = min(ends, above.not_valid_after_utc)
    if begins >= ends:
        raise CertificateError(
            "the authority of this realm has ended; a new realm has to be made"
        )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _as_authority(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePublicKey, path_length: int
) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    return builder.add_extension(constraints, critical=True).add_extension(
        _usage(is_authority=True), critical=True
    )


def _for_tls(
    builder: x509.CertificateBuilder,
    names: Sequence[x509.GeneralName],
    purposes: Sequence[x509.ObjectIdentifier],
) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )


def _usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
