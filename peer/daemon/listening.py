"""Where a daemon listens, and where it says that it can be dialled."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

from peer.discovery import find_places
from peer.discovery.addresses import join

from .options import DaemonOptions

MAX_ADDRESSES = 8


def listen_at(options: DaemonOptions) -> list[str]:
    """Return the addresses to listen at.

    Without a host these are all of this machine, unless interfaces are named: then
    nothing has to be done when addresses come and go.
    """
    host, _, port = options.listen.rpartition(":")
    if host:
        return [options.listen]
    if options.interfaces:
        hosts = find_places(options.interfaces).announced
        return list(join(hosts, int(port))) or [f"127.0.0.1:{port}"]
    return [f"[::]:{port}"]


def dialled_at(options: DaemonOptions, bound: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses at which others can dial what listens at ``bound``."""
    port = int(bound[0].rpartition(":")[2])
    host = options.listen.rpartition(":")[0]
    if host and host not in ("0.0.0.0", "[::]"):
        return tuple(bound[:MAX_ADDRESSES])
    announced = find_places(options.interfaces or ()).announced
    return join(announced, port)[:MAX_ADDRESSES]


def announced_on(
    options: DaemonOptions, bound: Sequence[str]
) -> tuple[str, ...] | None:
    """Return the interfaces, by name or address, on which to announce what is bound.

    Nothing means the usual ones; None means none, because only this machine can dial
    what listens on its loopback interface.
    """
    host = options.listen.rpartition(":")[0]
    if options.interfaces or not host or host in ("0.0.0.0", "[::]"):
        return options.interfaces or ()
    found = {address for bound_at in bound for address in _numeric(host_of(bound_at))}
    usable = sorted(str(address) for address in found if not address.is_loopback)
    return tuple(usable) or None


def _numeric(host: str) -> list[IPv4Address | IPv6Address]:
    with suppress(OSError):
        entries = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
        return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in entries]
    return []


def host_of(address: str) -> str:
    """Return the host of ``"host:port"``, an IPv6 one in brackets."""
    return address.rpartition(":")[0]
