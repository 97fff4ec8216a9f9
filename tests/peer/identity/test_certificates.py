"""Whom certificates are believed to be of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from peer.identity import (
    CertificateError,
    NodeId,
    NodeKeys,
    ders_of,
    member_of_leaf,
    pem_of,
    realm_id_of,
    verify_member,
)
from peer.identity.authority import (
    Authority,
    issue_front_door,
    issue_member,
    issue_sponsor,
    make_request,
    make_root,
    new_key,
    read_request,
)
from peer.identity.certificates import root_in

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Hierarchy:
    """A realm's authorities and a member below them."""

    root: Authority
    sponsor: Authority
    sponsor_node: NodeKeys
    node: NodeKeys
    chain: tuple[bytes, ...]

    @property
    def realm_id(self) -> bytes:
        return realm_id_of(self.root.der)


@cache
def hierarchy(name: str = "ward 7") -> Hierarchy:
    root, key, holder, node = (
        make_root(NOW),
        new_key(),
        NodeKeys.make(),
        NodeKeys.make(),
    )
    certificate = issue_sponsor(root, key.public_key(), holder.node_id, NOW)
    sponsor = Authority(certificate, key)
    leaf = issue_member(
        sponsor,
        node.tls.public_key(),
        node.sign_key,
        name,
        realm_id_of(root.der),
        NOW,
    )
    return Hierarchy(root, sponsor, holder, node, (der(leaf), sponsor.der))


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def forged(
    by: Authority,
    node: NodeKeys,
    names: Sequence[x509.GeneralName] | None = None,
    key: ec.EllipticCurvePublicKey | None = None,
    is_authority: bool = False,
    issuer: x509.Name | None = None,
    changed: Mapping[str, str] | None = None,
) -> bytes:
    """Return a leaf that differs from a right one in what is named."""
    right = hierarchy()
    texts = {
        "dns": f"{node.node_id}.voxpeer",
        "sign": "voxpeer:sign:" + "A" * 43,
        "realm": f"voxpeer:realm:{right.realm_id.hex()}",
    } | dict(changed or {})
    if names is None:
        uris = [texts["sign"], texts["realm"]]
        names = [x509.DNSName(texts["dns"])]
        names = [*names, *map(x509.UniformResourceIdentifier, uris)]
    public = key or node.tls.public_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "forged")])
    above = by.key.public_key()
    return der(
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or by.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(above), critical=False
        )
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .sign(by.key, SHA256())
    )


def refused(*chain: bytes) -> str:
    with pytest.raises(CertificateError) as caught:
        verify_member(chain, hierarchy().root.der, NOW)
    return str(caught.value)


# ---- what is accepted


def test_a_certificate_says_who_a_member_is() -> None:
    right = hierarchy()
    member = verify_member(right.chain, right.root.der, NOW)
    assert member.node_id == right.node.node_id
    assert member.sign_key == right.node.sign_key
    assert member.name == "ward 7"
    assert member.sponsor == right.sponsor_node.node_id
    assert not member.is_sponsor
    assert member.begins == NOW - 2 * DAY
    assert member.ends == NOW + 30 * DAY
    assert member_of_leaf(right.chain[0]) == member
    assert member_of_leaf(pem_of(right.chain[:1])) == member
    assert ders_of(pem_of(right.chain)) == right.chain


def test_a_forged_leaf_that_is_right_in_everything_is_accepted() -> None:
    right = hierarchy()
    leaf = forged(right.sponsor, right.node)
    member = verify_member([leaf, right.sponsor.der], right.root.der, NOW)
    assert member.node_id == right.node.node_id


def test_a_sponsor_is_one_by_an_authority_of_its_own() -> None:
    right = hierarchy()

    def issued(node: NodeKeys) -> bytes:
        public, realm_id = node.tls.public_key(), right.realm_id
        args = (right.sponsor, public, node.sign_key, "x", realm_id, NOW)
        return der(issue_member(*args, is_sponsor=True))

    root = right.root.der
    own = verify_member([issued(right.sponsor_node), right.sponsor.der], root, NOW)
    other = verify_member([issued(right.node), right.sponsor.der], root, NOW)
    assert own.is_sponsor
    assert not other.is_sponsor


# ---- dates


@pytest.mark.parametrize(
    ("days", "is_valid"), [(-2, True), (-3, False), (30, True), (31, False)]
)
def test_a_certificate_is_valid_from_two_days_before_to_thirty_after(
    days: int, is_valid: bool
) -> None:
    right = hierarchy()
    at = NOW + days * DAY
    if is_valid:
        verify_member(right.chain, right.root.der, at)
    else:
        with pytest.raises(CertificateError, match="check the clocks"):
            verify_member(right.chain, right.root.der, at)


def test_dates_do_not_count_for_what_was_signed() -> None:
    right = hierarchy()
    assert (
        verify_member(right.chain, right.root.der, None).node_id == right.node.node_id
    )


def test_no_certificate_outlasts_the_authority_above_it() -> None:
    right = hierarchy()
    late = right.root.certificate.not_valid_after_utc - DAY
    public, sign_key = right.node.tls.public_key(), right.node.sign_key
    leaf = issue_member(right.sponsor, public, sign_key, "x", right.realm_id, late)
    assert leaf.not_valid_after_utc == right.root.certificate.not_valid_after_utc
    with pytest.raises(CertificateError, match="has ended"):
        issue_member(
            right.sponsor, public, sign_key, "x", right.realm_id, late + 10 * DAY
        )


# ---- what is refused


def test_a_chain_has_to_have_the_right_length_and_order() -> None:
    leaf, sponsor = hierarchy().chain
    refused()
    refused(leaf)
    refused(sponsor)
    refused(sponsor, leaf)
    refused(leaf, sponsor, sponsor)
    refused(leaf, hierarchy().root.der)
    refused(leaf, sponsor, hierarchy().root.der)
    refused(*[leaf] * 1000)
    assert "too long" in refused(leaf, sponsor + bytes(9000))


def test_a_certificate_of_another_realm_is_refused() -> None:
    other = hierarchy("other")
    refused(*other.chain)
    refused(hierarchy().chain[0], other.chain[1])
    refused(other.chain[0], hierarchy().chain[1])


def test_a_member_cannot_issue_certificates() -> None:
    right = hierarchy()
    certificate = x509.load_der_x509_certificate(right.chain[0])
    member = Authority(certificate, right.node.tls)
    leaf = forged(member, NodeKeys.make(), issuer=certificate.subject)
    refused(leaf, *right.chain)


def test_a_sponsor_cannot_make_sponsors() -> None:
    right, key = hierarchy(), new_key()
    certificate = issue_sponsor(right.sponsor, key.public_key(), NodeId("a" * 16), NOW)
    below = Authority(certificate, key)
    refused(forged(below, NodeKeys.make()), below.der, right.sponsor.der)


def test_a_root_that_is_not_ours_cannot_sign_by_the_same_name() -> None:
    impostor = make_root(NOW)
    key = new_key()
    certificate = issue_sponsor(impostor, key.public_key(), NodeId("a" * 16), NOW)
    sponsor = Authority(certificate, key)
    refused(forged(sponsor, NodeKeys.make()), sponsor.der)


@pytest.mark.parametrize(
    "changed",
    [
        {"dns": "aaaaaaaaaaaaaaaa.voxpeer"},
        {"dns": "sponsor.voxpeer"},
        {"realm": "voxpeer:realm:" + "00" * 16},
        {"realm": "voxpeer:realm:zz"},
        {"realm": "voxpeer:realm:"},
        {"sign": "voxpeer:sign:"},
        {"sign": "voxpeer:sign:" + "A" * 42},
        {"sign": "voxpeer:sign:" + "A" * 42 + "B"},
        {"sign": "voxpeer:sign:!!!"},
        {"sign": "voxpeer:realm:" + "00" * 16},
    ],
)
def test_a_name_that_is_not_right_is_refused(changed: dict[str, str]) -> None:
    right = hierarchy()
    refused(forged(right.sponsor, right.node, changed=changed), right.sponsor.der)


def test_a_key_that_is_not_p256_is_refused() -> None:
    right = hierarchy()
    key = ec.generate_private_key(ec.SECP384R1()).public_key()
    refused(forged(right.sponsor, right.node, key=key), right.sponsor.der)


def test_a_leaf_that_is_an_authority_is_refused() -> None:
    right = hierarchy()
    leaf = forged(right.sponsor, right.node, is_authority=True)
    refused(leaf, right.sponsor.der)


def test_a_leaf_from_the_root_itself_is_refused() -> None:
    right = hierarchy()
    assert "not a member" in refused(forged(right.root, right.node))


def test_what_a_sponsor_shows_to_joiners_is_no_membership() -> None:
    right = hierarchy()
    leaf = issue_front_door(right.sponsor, new_key().public_key(), right.root.der, NOW)
    refused(der(leaf), right.sponsor.der)
    assert root_in(der(leaf)) == right.root.der
    with pytest.raises(CertificateError):
        root_in(right.chain[0])


@pytest.mark.parametrize("which", [0, 1])
def test_every_byte_of_a_chain_counts(which: int) -> None:
    right = hierarchy()
    certificate = x509.load_der_x509_certificate(right.chain[which])
    signature = len(right.chain[which]) - len(certificate.signature)
    for at in range(len(right.chain[which])):
        if at == signature - 1:
            continue  # how many bits of the last byte to leave out: it has no meaning
        broken = bytearray(right.chain[which])
        broken[at] ^= 0x01
        chain = list(right.chain)
        chain[which] = bytes(broken)
        refused(*chain)


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_any_bytes_are_refused_as_a_chain(chain: list[bytes]) -> None:
    refused(*chain)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_as_anything(data: bytes) -> None:
    for read in (member_of_leaf, root_in, ders_of, read_request):
        with pytest.raises(CertificateError):
            read(data)


# ---- requests


def test_a_request_shows_the_key_that_it_is_for() -> None:
    key = new_key()
    assert read_request(make_request(key)) == key.public_key()


def test_every_byte_of_a_request_counts() -> None:
    request = make_request(hierarchy().node.tls)
    signature = len(x509.load_der_x509_csr(request).signature)
    for at in range(len(request)):
        if at == len(request) - signature - 1:
            continue  # as above
        broken = bytearray(request)
        broken[at] ^= 0x01
        with pytest.raises(CertificateError):
            read_request(bytes(broken))


def test_a_request_for_another_kind_of_key_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    with pytest.raises(CertificateError, match="P-256"):
        read_request(make_request(key))
    with pytest.raises(CertificateError, match="bytes"):
        read_request(make_request(new_key()) + bytes(5000))
