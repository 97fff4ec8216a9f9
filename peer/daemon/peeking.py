"""Who answers at an address of which only the address is known."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from peer.identity import CertificateError, member_of_leaf

from .errors import DaemonError

if TYPE_CHECKING:
    from peer.identity import Identity, NodeId

PEEK_S = 2.0


class PeekError(DaemonError):
    """No member of the realm answers there."""


def peek(identity: Identity, address: str, timeout_s: float = PEEK_S) -> NodeId:
    """Return the node id of the member that answers at ``address``.

    Its certificate has to be of our realm.  The link that is made afterwards is made to
    this node id, so nothing but a moment is lost if somebody else takes its place.

    Args:
        identity: whose certificate is shown.
        address: "host:port".
        timeout_s: for connecting, and for the handshake.

    Raises:
        PeekError: nobody answers, or no member of the realm.
    """
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the name is what is asked for
    context.load_verify_locations(cadata=identity.root_pem.decode("ascii"))
    context.set_alpn_protocols(["h2"])
    try:
        context.load_cert_chain(
            identity.path / "node.crt", keyfile=identity.path / "node.key"
        )
        endpoint = (host.strip("[]"), int(port))
        with (
            socket.create_connection(endpoint, timeout_s) as connection,
            context.wrap_socket(connection) as channel,
        ):
            leaf = channel.getpeercert(binary_form=True)
    except (OSError, ValueError) as error:
        raise PeekError(
            f"{address}: no member of the realm answers: {error}"
        ) from error
    try:
        return member_of_leaf(leaf or b"").node_id
    except CertificateError as error:
        raise PeekError(f"{address}: {error}") from error
