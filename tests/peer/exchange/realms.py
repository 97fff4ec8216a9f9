"""Realms made for tests: an authority, and members with certificates of any date."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from peer.exchange import Credentials
from peer.identity import NodeId, pem_of, realm_id_of
from peer.identity.authority import (
    Authority,
    issue_member,
    issue_sponsor,
    make_root,
    new_key,
    spki,
)
from peer.identity.names import node_id_of


def _founded() -> tuple[Authority, Authority]:
    now = datetime.now(UTC)
    root, key = make_root(now), new_key()
    holder = node_id_of(spki(key.public_key()))
    return root, Authority(issue_sponsor(root, key.public_key(), holder, now), key)


@dataclass
class Realm:
    """Issues certificates."""

    authorities: tuple[Authority, Authority] = field(default_factory=_founded)

    def member(self, name: str = "lab", age: timedelta = timedelta()) -> Credentials:
        """Make a member whose certificate was issued ``age`` ago."""
        root, sponsor = self.authorities
        key = new_key()
        leaf = issue_member(
            sponsor,
            key.public_key(),
            bytes(32),
            name,
            realm_id_of(root.der),
            datetime.now(UTC) - age,
        )
        return Credentials(
            NodeId(node_id_of(spki(key.public_key()))),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            pem_of([leaf.public_bytes(Encoding.DER), sponsor.der]),
            pem_of([root.der]),
        )

    def again(self, old: Credentials, name: str) -> Credentials:
        """Renew a member's certificate for the same key, under another name."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        root, sponsor = self.authorities
        key = load_pem_private_key(old.key_pem, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        realm_id, now = realm_id_of(root.der), datetime.now(UTC)
        leaf = issue_member(sponsor, key.public_key(), bytes(32), name, realm_id, now)
        chain = pem_of([leaf.public_bytes(Encoding.DER), sponsor.der])
        return Credentials(old.node_id, old.key_pem, chain, old.root_pem)
