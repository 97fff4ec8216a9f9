"""What this node shows at a handshake, and the options of its channels."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address

import grpc

from peer.identity import Identity, NodeId
from peer.wire import limits

Options = list[tuple[str, int | str]]

_LITERAL = re.compile(r"\[[0-9A-Fa-f:.]+\]:\d+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A node's key and certificate, and the root that it trusts; all PEM.

    Attributes:
        node_id: whose they are.
        key_pem: private key.
        chain_pem: its certificate and those between it and the root.
        root_pem: the realm's root.
    """

    node_id: NodeId
    key_pem: bytes = field(repr=False)
    chain_pem: bytes
    root_pem: bytes

    @classmethod
    def of(cls, identity: Identity) -> Credentials:
        """Return those of an open identity."""
        return cls(
            identity.node_id, identity.key_pem, identity.chain_pem, identity.root_pem
        )

    def for_server(self) -> grpc.ServerCertificateConfiguration:
        """Return what a server uses from its next handshake on."""
        pairs = [(self.key_pem, self.chain_pem)]
        return grpc.ssl_server_certificate_configuration(pairs, self.root_pem)

    def for_channel(self) -> grpc.ChannelCredentials:
        """Return what a new channel uses; a channel never changes it."""
        return grpc.ssl_channel_credentials(self.root_pem, self.key_pem, self.chain_pem)


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


METADATA: Options = [
    ("grpc.max_metadata_size", limits.METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", limits.METADATA_BYTES),
]
MESSAGES: Options = [
    ("grpc.max_receive_message_length", limits.MESSAGE_BYTES),
    ("grpc.max_send_message_length", limits.MESSAGE_BYTES),
    *METADATA,
]
KEEPALIVE: Options = [
    ("grpc.keepalive_time_ms", _ms(limits.KEEPALIVE_S)),
    ("grpc.keepalive_timeout_ms", _ms(limits.KEEPALIVE_TIMEOUT_S)),
    ("grpc.http2.max_pings_without_data", 0),
]
SERVER: Options = [
    *MESSAGES,
    *KEEPALIVE,
    ("grpc.http2.min_ping_interval_without_data_ms", _ms(limits.PING_INTERVAL_S)),
    ("grpc.max_concurrent_streams", limits.STREAMS_PER_CONNECTION),
    ("grpc.max_allowed_incoming_connections", limits.CONNECTIONS),
    ("grpc.server_handshake_timeout_ms", _ms(limits.HANDSHAKE_S)),
    ("grpc.max_connection_idle_ms", _ms(limits.CONNECTION_IDLE_S)),
    ("grpc.max_connection_age_ms", _ms(limits.CONNECTION_AGE_S)),
    ("grpc.max_connection_age_grace_ms", _ms(limits.CONNECTION_GRACE_S)),
    # A second server at the same port has to fail, not to take half of the calls.
    ("grpc.so_reuseport", 0),
]
ENROL_SERVER: Options = [
    ("grpc.max_receive_message_length", 64 * 1024),
    ("grpc.max_send_message_length", limits.MESSAGE_BYTES),
    *METADATA,
    # Anybody can connect, and nobody has to stay.
    ("grpc.max_concurrent_streams", 2),
    ("grpc.max_allowed_incoming_connections", limits.ENROL_CONNECTIONS),
    ("grpc.server_handshake_timeout_ms", _ms(limits.ENROL_HANDSHAKE_S)),
    ("grpc.max_connection_idle_ms", 10_000),
    ("grpc.max_connection_age_ms", 60_000),
    ("grpc.max_connection_age_grace_ms", 10_000),
    ("grpc.so_reuseport", 0),
]
CHANNEL: Options = [
    *MESSAGES,
    *KEEPALIVE,
    # Neighbours are dialled as they are: no proxy, no service record, no retries that
    # nobody counts.
    ("grpc.enable_http_proxy", 0),
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.enable_retries", 0),
    # Else two channels to the same place are one connection.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 2000),
    ("grpc.max_reconnect_backoff_ms", 5000),
]


def dial(address: str, name: str, credentials: grpc.ChannelCredentials) -> grpc.Channel:
    """Open a channel to whoever can show a certificate for ``name`` at ``address``.

    Nothing is sent before the first call.
    """
    options = [*CHANNEL, ("grpc.ssl_target_name_override", name)]
    return grpc.secure_channel(_target(address), credentials, options)


def _target(address: str) -> str:
    """Return what gRPC calls an address; only host names need the resolver."""
    if _LITERAL.fullmatch(address):
        return f"ipv6:{address}"
    try:
        IPv4Address(address.rpartition(":")[0])
    except AddressValueError:
        return f"dns:///{address}"
    return f"ipv4:{address}"
