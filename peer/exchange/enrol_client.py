"""Joining a realm: what a machine with a token does."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence

import grpc
from google.protobuf.message import Message

from peer.identity import EnrolmentRefused, Identity, Joiner, Token
from peer.identity.authority import SPONSOR_NAME
from peer.wire import WireError, enrol_checks, limits
from peer.wire.fields import M, parse
from peer.wire.v1 import enrol_pb2
from store import SqliteStore

from .credentials import dial
from .enrol_server import SERVICE
from .errors import (
    BrokenPeerError,
    BusyError,
    ExchangeError,
    RefusedError,
    UnreachableError,
)
from .eyeballs import answers
from .statuses import explained

CONNECT_S = 5.0
CALL_S = 15.0


def enrol(
    token: Token, name: str, store: SqliteStore, addresses: Sequence[str] = ()
) -> Identity:
    """Become a member of the realm that ``token`` is for.

    Args:
        token: what a sponsor printed; its secret is proved and not sent.
        name: what people are to call this machine.
        store: will belong to the realm.
        addresses: where to ask, "host:port", the likeliest first; those of the token
            if there are none.  One that does not answer at once is not waited for.

    Returns:
        the identity, which is kept in the store.

    Raises:
        EnrolmentRefused: a sponsor says no, or is not one of the token's realm.
        UnreachableError: nobody answers at any address.
        ExchangeError: what answers does not keep to the contract.
        IdentityError: the store belongs to another realm.
        StoreError: the store cannot be written.
    """
    joiner = Joiner(token, name, store)
    troubles: list[EnrolmentRefused | ExchangeError] = []
    for address, shown in answers(addresses or token.addresses, _shown_at):
        try:
            return joiner.complete(_ask(joiner, token, address, shown.result()))
        except (EnrolmentRefused, ExchangeError) as error:
            troubles.append(error)
    raise min(troubles, key=_rank) if troubles else _nowhere()


def _nowhere() -> UnreachableError:
    return UnreachableError("the sponsor", "the token names no address to ask at")


def _rank(trouble: EnrolmentRefused | ExchangeError) -> int:
    """Order what went wrong: what a true sponsor says tells most."""
    match trouble:
        case EnrolmentRefused():
            return 2 if trouble.reason == "impostor" else 0
        case UnreachableError():
            return 3
    return 1


def _ask(
    joiner: Joiner, token: Token, address: str, leaf: bytes
) -> enrol_pb2.EnrolReply:
    joiner.check_leaf(leaf)
    credentials = grpc.ssl_channel_credentials(joiner.root_pem)
    with dial(address, SPONSOR_NAME, credentials) as channel:
        begin = enrol_pb2.EnrolBegin(token_id=token.token_id)
        challenge = _call(channel, address, "Begin", begin, enrol_pb2.EnrolChallenge)
        nonce = _checked(address, challenge)
        finish = joiner.finish_request(nonce, leaf)
        return _call(channel, address, "Finish", finish, enrol_pb2.EnrolReply)


def _shown_at(address: str) -> bytes:
    """Return the certificate that is shown at an address, DER, not verified."""
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Its root is what has to be found out; nothing is sent before that was checked.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    endpoint = (host.strip("[]"), int(port))
    try:
        with (
            socket.create_connection(endpoint, CONNECT_S) as connection,
            context.wrap_socket(connection) as channel,
        ):
            return channel.getpeercert(binary_form=True) or b""
    except ConnectionRefusedError as error:
        text = "nobody enrols there; is the sponsor's daemon running?"
        raise UnreachableError(address, text) from error
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UnreachableError(address, f"no connection ({why})") from error


def _call(
    channel: grpc.Channel, address: str, method: str, request: Message, kind: type[M]
) -> M:
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes]
    call = channel.unary_unary(f"/{SERVICE}/{method}")
    try:
        data = call(request.SerializeToString(), timeout=CALL_S)
        return parse(kind, data, limits.MESSAGE_BYTES)
    except grpc.RpcError as error:
        raise _refused(explained(error, address)) from error
    except WireError as error:
        raise BrokenPeerError(address, error.reason) from error


def _checked(address: str, challenge: enrol_pb2.EnrolChallenge) -> bytes:
    try:
        return enrol_checks.enrol_challenge(challenge)
    except WireError as error:
        raise BrokenPeerError(address, error.reason) from error


def _refused(error: ExchangeError) -> EnrolmentRefused | ExchangeError:
    """Return what a sponsor's no means."""
    match error:
        case BusyError():
            text = "the sponsor has no time; try again in a minute"
            return EnrolmentRefused("busy", text)
        case RefusedError(status="PERMISSION_DENIED"):
            return EnrolmentRefused("denied", error.text)
        case RefusedError(status="INVALID_ARGUMENT"):
            return EnrolmentRefused("invalid", error.text)
    return error
