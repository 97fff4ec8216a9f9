"""What both servers have in common: ports, and methods by name."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence

import grpc

from .calls import Handler
from .counters import Counters
from .errors import ExchangeError

EVERYWHERE = ("", "0.0.0.0", "[::]")
"""Hosts that stand for all addresses of this machine."""


def listen(
    server: grpc.Server,
    addresses: Sequence[str],
    credentials: Callable[[], grpc.ServerCredentials],
) -> list[str]:
    """Have a server listen at ``addresses``, each "host:port".

    The port that the system chose for a first ":0" is tried for the others too, for a
    peer announces one port.

    Args:
        server: not started yet.
        addresses: where.
        credentials: called for each address; gRPC uses what it returns for one only.

    Returns:
        the addresses, with the ports that were bound.

    Raises:
        ExchangeError: one of them cannot be had; it says which and why.
    """
    bound: list[str] = []
    for address in addresses:
        host, _, port = address.rpartition(":")
        if port == "0" and bound:
            port = bound[0].rpartition(":")[2]
        bound.append(f"{host}:{_bind(server, f'{host}:{port}', credentials())}")
    return bound


def _bind(
    server: grpc.Server, address: str, credentials: grpc.ServerCredentials
) -> int:
    try:
        port = server.add_secure_port(address, credentials)
    except RuntimeError:
        port = 0
    if not port:
        raise ExchangeError(_shown(address), _why_not(address))
    return port


def _shown(address: str) -> str:
    host, _, port = address.rpartition(":")
    return f"port {port}" if host in EVERYWHERE else address


def _why_not(address: str) -> str:
    """Return why one cannot listen at an address; gRPC does not say."""
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
        for family, kind, _, _, place in found:
            with socket.socket(family, kind) as probe:
                probe.bind(place)
    except OSError as error:
        return error.strerror or str(error)
    return "the system does not allow it"


class Handlers(grpc.GenericRpcHandler):
    """Finds the handler of a method by its name.

    Args:
        service: with its package.
        methods: handlers by name.
        counters: get ``unknown_methods``.
    """

    def __init__(
        self, service: str, methods: Mapping[str, Handler], counters: Counters
    ) -> None:
        self._methods = {f"/{service}/{name}": it for name, it in methods.items()}
        self._counters = counters

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        found = self._methods.get(handler_call_details.method)
        if found is None:
            self._counters.add("unknown_methods")
        return found
