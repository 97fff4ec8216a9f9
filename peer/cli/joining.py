"""How a store comes into a realm: it is in one, by a token, or it makes one."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from peer.errors import RealmError

from .daemons import host_name
from .output import note

if TYPE_CHECKING:
    from peer.config import Config
    from peer.identity import Identity, Token
    from store import SqliteStore

LISTEN_S = 2.0
"""How long a fresh machine listens for a realm before it makes one."""


def identity_of(
    store: SqliteStore, config: Config, token: Token | None, *, new_realm: bool
) -> Identity:
    """Return the identity to start with.

    Args:
        store: that joins.
        config: name, seeds and multicast.
        token: as it was given, or None.
        new_realm: whether to make a realm although one is heard.

    Raises:
        RealmError: the store belongs to another realm, the sponsor refuses, or a
            token is needed.
    """
    from peer.identity import open_identity

    identity = open_identity(store)
    if identity is None:
        if token is not None:
            return _enrolled(store, config, token)
        return _founded(store, config, new_realm=new_realm)
    if new_realm:
        raise RealmError(
            f"{store.path} belongs to the realm {_short(identity.realm_id)} already; "
            "run 'voxpeer leave' first, or name another store with --store"
        )
    if token is not None:
        identity = _with_token(store, config, identity, token)
    return identity


def _with_token(
    store: SqliteStore, config: Config, identity: Identity, token: Token
) -> Identity:
    """Use a token for a store that is in a realm, if that makes sense."""
    if token.pin != identity.pin:
        raise RealmError(
            f"the token is for another realm than {_short(identity.realm_id)}, to "
            f"which {store.path} belongs, and a store belongs to one realm only; run "
            "'voxpeer leave' first (this drops what came from its members), or name "
            "another store with --store"
        )
    if _has_ended(identity):
        note("the certificate of this machine has ended; enrolling again")
        return _enrolled(store, config, token)
    note(
        f"this store belongs to the realm {_short(identity.realm_id)} already; "
        "the token was not used"
    )
    return identity


def _enrolled(store: SqliteStore, config: Config, token: Token) -> Identity:
    from peer.exchange import UnreachableError, enrol

    name = config.name or host_name()
    identity = None
    named = tuple(dict.fromkeys([*token.addresses, *_doors_of_seeds(config)]))
    if named:
        note(f"asking the sponsor at {', '.join(named)}")
        try:
            identity = enrol(token, name, store, named)
        except UnreachableError as error:
            if not config.mdns:
                raise
            note(str(error))
    if identity is None:
        identity = enrol(token, name, store, _heard_sponsors(config, token))
    note(
        f"verified the realm {_short(identity.realm_id)}; enrolled as {identity.name} "
        f"({identity.node_id}){', a sponsor' if identity.is_sponsor else ''}"
    )
    return identity


def _doors_of_seeds(config: Config) -> list[str]:
    """Return where the seeds would enrol: on the port after their own."""
    pairs = [seed.rpartition(":") for seed in config.seeds]
    return [f"{host}:{int(port) + 1}" for host, _, port in pairs if int(port) < 65535]


def _heard_sponsors(config: Config, token: Token) -> list[str]:
    from peer.discovery import MulticastError, find_sponsors

    found: list[str] = []
    if config.mdns:
        note("listening for a sponsor on this network")
        with suppress(MulticastError):
            found = find_sponsors(token.pin, interfaces=config.interfaces)
    if not found:
        raise RealmError(
            "no sponsor of the token's realm is heard on this network; does its "
            "daemon run there? Where multicast is blocked, name it with "
            "--seed HOST:PORT"
        )
    note(f"found a sponsor at {', '.join(found)}")
    return found


def _founded(store: SqliteStore, config: Config, *, new_realm: bool) -> Identity:
    from peer.identity import found_realm

    if config.mdns and not new_realm:
        _refuse_islands(config)
    identity = found_realm(store, config.name or host_name())
    note(
        f"made the realm {_short(identity.realm_id)}; this machine is "
        f"{identity.name} ({identity.node_id}), its first sponsor"
    )
    return identity


def _refuse_islands(config: Config) -> None:
    """Raise RealmError if a realm is heard on the link."""
    from peer.discovery import MulticastError, scan

    note(f"listening for a realm on this network, {LISTEN_S:.0f} s")
    with suppress(MulticastError):
        realms = scan(LISTEN_S, interfaces=config.interfaces, enough=bool)
        nodes = [node for realm in realms for node in realm.nodes]
        if nodes:
            where = ", ".join(nodes[0].addresses[:1]) or nodes[0].node_id
            raise RealmError(
                f"a realm is heard on this network (at {where}); ask there for a token "
                "('voxpeer invite') and run 'voxpeer join TOKEN', or make another "
                "realm with --new-realm"
            )


def _has_ended(identity: Identity) -> bool:
    from datetime import UTC, datetime

    return identity.certificate_ends < datetime.now(UTC)


def _short(realm_id: bytes) -> str:
    return realm_id.hex()[:16]
