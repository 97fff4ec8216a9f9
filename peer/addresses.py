"""Network addresses as people type them: ``host:port``, IPv6 in brackets."""

from __future__ import annotations

import re

from .errors import ConfigError

DEFAULT_PORT = 47800
"""Port of a peer, TCP."""

ENROL_PORT = DEFAULT_PORT + 1
"""Port on which others are enrolled while an invitation is alive, TCP."""

_HOST = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z._-]{0,252}[0-9A-Za-z])?\.?")
_PORT = re.compile(r"[0-9]{1,5}")


def is_loopback(host: str) -> bool:
    """Return whether ``host``, an IPv6 one in brackets, is this machine's own."""
    from ipaddress import ip_address

    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def parse_address(text: str) -> str:
    """Return ``"host:port"``; without a port it is :data:`DEFAULT_PORT`.

    Args:
        text: ``"lab-7"``, ``"10.0.0.7:47800"``, ``"[fd00::7]:47800"`` or
            ``"fd00::7"``.

    Raises:
        ConfigError: the text is no such thing.
    """
    host, port = _split(text)
    if not host:
        raise ConfigError(f"'{text}' names no host; write for example 10.0.0.7:47800")
    return f"{host}:{_port(port, text, lowest=1)}"


def parse_listen(text: str) -> str:
    """Return ``"host:port"`` to listen at; the host may be empty, the port 0.

    Args:
        text: as for :func:`parse_address`, or ``":47900"`` for that port on all
            addresses.

    Raises:
        ConfigError: the text is no such thing.
    """
    host, port = _split(text)
    return f"{host}:{_port(port, text, lowest=0)}"


def _split(text: str) -> tuple[str, str]:
    """Return host, an IPv6 one in brackets, and port or nothing."""
    text = text.strip()
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ConfigError(_no_address(text))
        return _ipv6(host, text), rest[1:]
    if text.count(":") > 1:
        return _ipv6(text, text), ""
    host, _, port = text.partition(":")
    if host and not _HOST.fullmatch(host):
        raise ConfigError(_no_address(text))
    return host, port


def _ipv6(host: str, text: str) -> str:
    from ipaddress import AddressValueError, IPv6Address

    try:
        IPv6Address(host)
    except AddressValueError as error:
        raise ConfigError(_no_address(text)) from error
    return f"[{host}]"


def _port(port: str, text: str, lowest: int) -> int:
    if not port:
        return DEFAULT_PORT
    if not _PORT.fullmatch(port) or not lowest <= int(port) <= 65535:
        raise ConfigError(f"'{text}': a port is a number from {lowest} to 65535")
    return int(port)


def _no_address(text: str) -> str:
    return f"'{text}' is not an address; write for example 10.0.0.7:47800"
