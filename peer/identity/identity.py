"""Who this store is in its realm."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from .authority import BACKDATED, Authority, make_request, new_key, spki
from .certificates import Member, pem_of
from .names import NodeId, node_id_of
from .realm_keys import RealmKeys

PIN_BYTES = 20


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """The two private keys of a node.

    Attributes:
        tls: P-256; its hash is the node id.
        sign: Ed25519, for records and statements; the certificate binds it to the
            other.
    """

    tls: ec.EllipticCurvePrivateKey = field(repr=False)
    sign: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def make(cls) -> NodeKeys:
        """Make new ones."""
        return cls(new_key(), Ed25519PrivateKey.generate())

    @property
    def node_id(self) -> NodeId:
        """The node id that these keys have."""
        return node_id_of(spki(self.tls.public_key()))

    @property
    def sign_key(self) -> bytes:
        """The public signing key, raw."""
        return self.sign.public_key().public_bytes_raw()


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of a store that belongs to a realm.

    A renewed certificate makes another object; the realm's keys stay one object.

    Attributes:
        member: what the certificate says.
        node: the private keys.
        chain: certificates, DER, leaf first, without the root.
        root: the realm's root certificate, DER.
        keys: what all members share.
        sponsor: the authority under which this sponsor enrols others.
        founder: the realm's root with its key.
        path: the folder that all this lies in.
    """

    member: Member
    node: NodeKeys
    chain: tuple[bytes, ...] = field(repr=False)
    root: bytes = field(repr=False)
    keys: RealmKeys
    sponsor: Authority | None
    founder: Authority | None
    path: Path

    @property
    def node_id(self) -> NodeId:
        """16 characters."""
        return self.member.node_id

    @property
    def name(self) -> str:
        """What people call it."""
        return self.member.name

    @property
    def realm_id(self) -> bytes:
        """16 bytes."""
        return self.member.realm_id

    @property
    def pin(self) -> bytes:
        """The 20 bytes by which tokens name the realm."""
        return pin_of(self.root)

    @property
    def is_sponsor(self) -> bool:
        """Whether it may enrol others, renew certificates, and revoke members."""
        return self.sponsor is not None

    @property
    def is_founder(self) -> bool:
        """Whether it may make sponsors."""
        return self.founder is not None

    @property
    def root_pem(self) -> bytes:
        """What to trust in TLS."""
        return pem_of([self.root])

    @property
    def chain_pem(self) -> bytes:
        """What to show in TLS."""
        return pem_of(self.chain)

    @property
    def key_pem(self) -> bytes:
        """The private key to use in TLS."""
        return private_pem(self.node.tls)

    @property
    def certificate_ends(self) -> datetime:
        """When nobody talks to it any more."""
        return self.member.ends

    def renewal_due(self, at: datetime) -> bool:
        """Return whether a third of the certificate's life is over."""
        made = self.member.begins + BACKDATED
        return at >= made + (self.member.ends - made) / 3

    def renewal_request(self) -> bytes:
        """Return a request for a new certificate for the same key, PKCS #10, DER."""
        return make_request(self.node.tls)

    def sign(self, data: bytes) -> bytes:
        """Return the Ed25519 signature over ``data``, 64 bytes."""
        return self.node.sign.sign(data)


def pin_of(root: bytes) -> bytes:
    """Return the 20 bytes by which tokens name the realm of a root, DER."""
    return sha256(root).digest()[:PIN_BYTES]


def private_pem(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    """Return a private key as PKCS #8 PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
