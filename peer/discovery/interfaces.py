"""On which of this machine's networks to meet others.

Bridges of containers, virtual machines and tunnels are left out: to announce there
finds nobody, and to answer on each of them makes storms.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

MAX_ANNOUNCED = 4
"""Most addresses in an announcement, so that it stays one packet."""

VIRTUAL = (
    *("docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "podman", "lxc", "lxdbr"),
    *("cni", "cali", "flannel", "tun", "tap", "utun", "wg", "zt", "tailscale"),
    *("awdl", "llw"),
)
"""Beginnings of the names of interfaces that are used only when they are named."""

PRIVATE = tuple(
    ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
"""RFC 1918 and RFC 4193."""


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface of this machine that is up."""

    name: str
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Where to meet others.

    Attributes:
        announced: addresses to be dialled at, those of the default route first; at
            most 4.
        multicast: one address of each interface on which to speak multicast.
        missing: what was asked for by name and is not there.
    """

    announced: tuple[str, ...] = ()
    multicast: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def choose(
    interfaces: Sequence[Interface],
    default_route: Iterable[Address] = (),
    named: Sequence[str] = (),
) -> Places:
    """Choose among a machine's interfaces.

    Args:
        interfaces: those that are up.
        default_route: own addresses from which the world is reached.
        named: names or addresses of the interfaces to use; none: those of the default
            route and those with a private address, except virtual ones.
    """
    first = frozenset(default_route)
    if named:
        chosen = [interface for interface in interfaces if _is_named(interface, named)]
    else:
        chosen = [interface for interface in interfaces if _is_usual(interface, first)]
    chosen.sort(key=lambda interface: first.isdisjoint(interface.addresses))
    addresses = [
        address
        for interface in chosen
        for address in _reachable(interface)
        if not named or interface.name in named or str(address) in named
    ]
    # IPv4 first within what is equally good: multicast works on it more often.
    addresses.sort(key=lambda address: (address not in first, address.version))
    return Places(
        announced=tuple(map(str, addresses[:MAX_ANNOUNCED])),
        multicast=tuple(_speakers(chosen, addresses)),
        missing=tuple(_missing(interfaces, named)),
    )


def find_places(named: Sequence[str] = ()) -> Places:
    """Look at this machine's interfaces and choose; see :func:`choose`."""
    return choose(_interfaces(), _default_route(), named)


def _is_named(interface: Interface, named: Sequence[str]) -> bool:
    return interface.name in named or any(
        str(address) in named for address in interface.addresses
    )


def _is_usual(interface: Interface, first: frozenset[Address]) -> bool:
    if interface.name.startswith(VIRTUAL):
        return False
    if any(address.is_loopback for address in interface.addresses):
        return False
    return not first.isdisjoint(interface.addresses) or any(
        address in network
        for address in interface.addresses
        for network in PRIVATE
        if network.version == address.version
    )


def _reachable(interface: Interface) -> list[Address]:
    """Leave out addresses that mean nothing without naming the interface."""
    return [
        address
        for address in interface.addresses
        if address.version == 4 or not address.is_link_local
    ]


def _speakers(chosen: Sequence[Interface], addresses: Sequence[Address]) -> list[str]:
    found = []
    for interface in chosen:
        own = [address for address in addresses if address in interface.addresses]
        if own:
            found.append(str(min(own, key=lambda address: address.version)))
    return found


def _missing(interfaces: Sequence[Interface], named: Sequence[str]) -> list[str]:
    present = {interface.name for interface in interfaces}
    for interface in interfaces:
        present.update(map(str, interface.addresses))
    return [name for name in named if name not in present]


def _interfaces() -> list[Interface]:
    import psutil  # type: ignore[import-untyped]

    states = psutil.net_if_stats()
    found = []
    for name, entries in psutil.net_if_addrs().items():
        if name in states and not states[name].isup:
            continue
        addresses = []
        for entry in entries:
            if entry.family in (socket.AF_INET, socket.AF_INET6):
                with suppress(ValueError):
                    addresses.append(ip_address(entry.address.partition("%")[0]))
        if addresses:
            found.append(Interface(name, tuple(addresses)))
    return found


def _default_route() -> list[Address]:
    """Return the source addresses of packets to the world; none is sent."""
    found = []
    # Addresses of documentation (RFC 5737, RFC 3849): routed like any other.
    for family, far in (
        (socket.AF_INET, "203.0.113.1"),
        (socket.AF_INET6, "2001:db8::1"),
    ):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            found.append(ip_address(probe.getsockname()[0].partition("%")[0]))
    return found
