"""Addresses as "host:port", IPv6 in brackets."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address


def join(hosts: Sequence[str], port: int) -> tuple[str, ...]:
    """Return "host:port" of each IP address."""
    return tuple(
        f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host in hosts
    )


def is_elsewhere(text: str) -> bool:
    """Return whether an address can be another machine's: no loopback, no link-local.

    What others say of addresses must not lead to services of this very machine.
    """
    host = text.rpartition(":")[0]
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return not (address.is_loopback or (address.version == 4 and address.is_link_local))


def is_address(text: str) -> bool:
    """Return whether ``text`` is "host:port" with the IP address of one machine."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5):
        return False
    is_bracketed = host.startswith("[") and host.endswith("]")
    try:
        address = ip_address(host[1:-1] if is_bracketed else host)
    except ValueError:
        return False
    return (
        0 < int(port) < 2**16
        and is_bracketed == (address.version == 6)
        and not address.is_multicast
        and not address.is_unspecified
    )
