"""Making a join token and saying how it is used."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from peer.addresses import ENROL_PORT
from peer.quantities import format_span

from .daemons import daemon_options
from .output import note, write_line

if TYPE_CHECKING:
    from peer.config import Config
    from peer.identity import Identity, Token
    from store import SqliteStore

DAY_S = 86_400.0
OPEN_S = 5.0
LOOK_AGAIN_S = 0.05
MAX_ADDRESSES = 4
"""Addresses in a token; it is meant to be read out if need be."""


def needs_first_token(store: SqliteStore, identity: Identity) -> bool:
    """Return whether a realm was made here and nobody was ever invited to it."""
    from peer.identity import has_invited

    return identity.is_founder and not has_invited(store)


def first_token(store: SqliteStore, identity: Identity, config: Config) -> Token:
    """Make the token for the second machine, while the daemon runs."""
    from peer.identity import invite

    token = invite(store, identity)
    return with_addresses(token, enrolling_at(store.path) or will_enrol_at(config))


def with_addresses(token: Token, addresses: tuple[str, ...]) -> Token:
    """Return the token with the places at which its sponsor enrols."""
    return replace(token, addresses=addresses[:MAX_ADDRESSES])


def enrolling_at(store_path: Path) -> tuple[str, ...]:
    """Tell the daemon of an invitation; return where it enrols, once it does.

    Nothing is returned when no daemon runs, or it does not open its door.
    """
    from peer.local import LocalError, nudge, status

    if not nudge(store_path):
        return ()
    deadline = time.monotonic() + OPEN_S
    try:
        while not (found := status(store_path)).enrol_port:
            if time.monotonic() > deadline:
                return ()
            time.sleep(LOOK_AGAIN_S)
    except LocalError:
        return ()
    hosts = [address.rpartition(":")[0] for address in found.addresses]
    return tuple(f"{host}:{found.enrol_port}" for host in dict.fromkeys(hosts))


def will_enrol_at(config: Config) -> tuple[str, ...]:
    """Return where the daemon would enrol if it were started with these settings."""
    from peer.discovery.interfaces import find_places

    options = daemon_options(config)
    port = options.enrol_port or ENROL_PORT
    host = options.listen.rpartition(":")[0]
    if host:
        return (f"{host}:{port}",)
    addresses = find_places(config.interfaces).announced
    return tuple(f"{_bracketed(address)}:{port}" for address in addresses)


def show_token(token: Token, uses: int = 1, lifetime_s: float = DAY_S) -> None:
    """Print a token and what to do with it.

    A person gets a line to be copied; a pipe or a file the token alone.
    """
    machines = "one machine" if uses == 1 else f"{uses} machines"
    good = f"good for {machines} within {format_span(lifetime_s)}"
    if sys.stdout.isatty():
        note(f"type this on the next machine ({good}):")
        write_line(f"  voxpeer join {token.encode()}")
    else:
        note(f"a token for 'voxpeer join TOKEN' on the next machine, {good}:")
        write_line(token.encode())


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
