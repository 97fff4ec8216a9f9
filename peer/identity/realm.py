"""Making a realm, opening what a store has of it, and leaving it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from cryptography.hazmat.primitives.serialization import Encoding

from store import SqliteStore

from . import binding, folder
from .authority import (
    Authority,
    issue_member,
    issue_sponsor,
    make_root,
    new_key,
    realm_id_of,
)
from .errors import IdentityError
from .folder import RealmFolder, secrets_text
from .identity import Identity, NodeKeys, private_pem
from .key_files import read_identity, write_node, write_sponsor
from .names import clean_name
from .realm_keys import SECRET_BYTES


def found_realm(store: SqliteStore, name: str, at: datetime | None = None) -> Identity:
    """Make a realm whose founder and first sponsor is this store.

    Args:
        name: what people are to call this machine.
        at: the time; now by default.

    Raises:
        IdentityError: the store belongs to a realm already.
        StoreError: the store cannot be written.
    """
    at = at or datetime.now(UTC)
    files = RealmFolder(store.path)
    with files.locked():
        require_unbound(files)
        files.begin()
        node, root = NodeKeys.make(), make_root(at)
        key = new_key()
        certificate = issue_sponsor(root, key.public_key(), node.node_id, at)
        authority = Authority(certificate, key)
        files.write(folder.ROOT_KEY, private_pem(root.key))
        write_sponsor(files, authority)
        secret = (0, secrets.token_bytes(SECRET_BYTES))
        files.write(folder.SECRETS, secrets_text([secret]))
        chain = own_chain(node, authority, name, realm_id_of(root.der), at)
        write_node(files, node, root.der, chain)
    return require_identity(store)


def open_identity(store: SqliteStore) -> Identity | None:
    """Return the identity of a store; None: it belongs to no realm.

    An identity whose certificate has ended is returned too: it can join again.

    Raises:
        IdentityError: keys are missing, damaged, or can be read by others.
        StoreError: the store cannot be read.
    """
    files = RealmFolder(store.path)
    bound = binding.bound_to(store)
    if not files.is_complete:
        if bound is None:
            return None
        raise IdentityError(
            f"{files.path}: the keys of this store are missing; put the folder back"
            " from a copy, or run `voxpeer leave` and join again"
        )
    identity = read_identity(files)
    if bound is None:
        binding.bind(store, identity.realm_id, identity.node_id)
    elif bound != (identity.realm_id, identity.node_id):
        raise IdentityError(
            f"{files.path}: these keys belong to another store than {store.path}; put"
            " the right folder back, or run `voxpeer leave` and join again"
        )
    return identity


def require_identity(store: SqliteStore) -> Identity:
    """Return the identity of a store.

    Raises:
        IdentityError: it belongs to no realm, or as :func:`open_identity`.
    """
    identity = open_identity(store)
    if identity is None:
        raise IdentityError(
            f"{store.path}: this store belongs to no realm; run `voxpeer join`"
        )
    return identity


def leave_realm(store: SqliteStore) -> None:
    """Forget the realm: its keys, its members, and what they signed.

    The results that came from others stay; ``store.remove_origin("peer")`` drops them.
    Does nothing to a store that belongs to no realm.

    Raises:
        StoreError: the store cannot be written.
    """
    RealmFolder(store.path).remove()
    binding.clear(store)


def require_unbound(files: RealmFolder) -> None:
    """Refuse a store that belongs to a realm.

    Raises:
        IdentityError: it does.
    """
    if files.is_complete:
        raise IdentityError(
            f"{files.path.parent}: this store belongs to a realm already, and can"
            " belong to one only; run `voxpeer leave` first (this drops what came from"
            " its members), or name another store with --store"
        )


def own_chain(
    node: NodeKeys, authority: Authority, name: str, realm_id: bytes, at: datetime
) -> tuple[bytes, ...]:
    """Return the chain that a sponsor issues to itself."""
    leaf = issue_member(
        authority,
        node.tls.public_key(),
        node.sign_key,
        clean_name(name, node.node_id),
        realm_id,
        at,
        is_sponsor=True,
    )
    return (leaf.public_bytes(Encoding.DER), authority.der)
