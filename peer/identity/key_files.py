"""An identity as files: keys and certificates in PEM."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from . import folder
from .authority import Authority
from .certificates import ders_of, load, pem_of, verify_member
from .errors import CertificateError, IdentityError
from .folder import RealmFolder, secrets_of
from .identity import Identity, NodeKeys, private_pem
from .realm_keys import RealmKeys


def write_sponsor(files: RealmFolder, authority: Authority) -> None:
    """Keep a sponsor's authority."""
    files.write(folder.SPONSOR_KEY, private_pem(authority.key))
    files.write(folder.SPONSOR, pem_of([authority.der]))


def write_node(
    files: RealmFolder, node: NodeKeys, root: bytes, chain: tuple[bytes, ...]
) -> None:
    """Keep an identity; it exists once the last of these files is written."""
    files.write(folder.NODE_KEY, private_pem(node.tls))
    files.write(folder.SIGN_KEY, private_pem(node.sign))
    files.write(folder.ROOT, pem_of([root]))
    files.write(folder.NODE_CHAIN, pem_of(chain))


def read_node(files: RealmFolder) -> NodeKeys:
    """Return the private keys of a node.

    Raises:
        IdentityError: they are missing, damaged, or can be read by others.
    """
    tls = _p256(files, folder.NODE_KEY)
    sign = _key(files, folder.SIGN_KEY)
    if not isinstance(sign, Ed25519PrivateKey):
        raise _damaged(files, folder.SIGN_KEY)
    return NodeKeys(tls, sign)


def read_identity(files: RealmFolder) -> Identity:
    """Return what :func:`write_node` and the others wrote.

    Raises:
        IdentityError: something is missing, damaged, or can be read by others.
    """
    node = read_node(files)
    root = _certificates(files, folder.ROOT)[0]
    chain = _certificates(files, folder.NODE_CHAIN)
    try:
        member = verify_member(chain, root, None)
    except CertificateError:
        raise _damaged(files, folder.NODE_CHAIN) from None
    if (member.node_id, member.sign_key) != (node.node_id, node.sign_key):
        raise _damaged(files, folder.NODE_CHAIN)
    known = secrets_of(files.read(folder.SECRETS), files.path / folder.SECRETS)
    founder = None
    if files.has(folder.ROOT_KEY):
        founder = Authority(load(root), _p256(files, folder.ROOT_KEY))
    return Identity(
        member=member,
        node=node,
        chain=chain,
        root=root,
        keys=RealmKeys(member.realm_id, known, files.merge_secrets),
        sponsor=read_sponsor(files),
        founder=founder,
        path=files.path,
    )


def read_sponsor(files: RealmFolder) -> Authority | None:
    """Return the authority of a sponsor; None: this is not one."""
    if not files.has(folder.SPONSOR):
        return None
    certificate = load(_certificates(files, folder.SPONSOR)[0])
    return Authority(certificate, _p256(files, folder.SPONSOR_KEY))


def _certificates(files: RealmFolder, name: str) -> tuple[bytes, ...]:
    try:
        return ders_of(files.read(name))
    except CertificateError:
        raise _damaged(files, name) from None


def _p256(files: RealmFolder, name: str) -> ec.EllipticCurvePrivateKey:
    key = _key(files, name)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _damaged(files, name)
    return key


def _key(files: RealmFolder, name: str) -> object:
    try:
        return load_pem_private_key(files.read(name), None)
    except (ValueError, TypeError):
        raise _damaged(files, name) from None


def _damaged(files: RealmFolder, name: str) -> IdentityError:
    return IdentityError(
        f"{files.path / name} is damaged or belongs to another identity; put it back"
        " from a copy, or run `voxpeer leave` and join again"
    )
