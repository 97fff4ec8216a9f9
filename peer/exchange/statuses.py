"""From the error of a gRPC call to one of our own."""

from __future__ import annotations

import grpc

from .errors import (
    BrokenPeerError,
    BusyError,
    ClosedError,
    ExchangeError,
    NotHereError,
    NotOfferedError,
    RefusedError,
    UnreachableError,
)

TEXT_CHARACTERS = 200
RETRY_MS = 1000
"""When to come again if the peer does not say."""

MAX_RETRY_MS = 60_000

IMPOSTOR = (
    "certificate_verify_failed",
    "verification check failed",
    "not in peer certificate",
)
"""What versions of gRPC say of a certificate that is not the one that was dialled."""


def explained(error: grpc.RpcError, peer: str) -> ExchangeError:
    """Return what a failed call means, for people and for what to do next."""
    status, details = error.code(), error.details() or ""
    text = _plain(details)
    match status:
        case grpc.StatusCode.UNAVAILABLE:
            return _unreachable(peer, details)
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return UnreachableError(peer, "no answer in time")
        case grpc.StatusCode.CANCELLED:
            return UnreachableError(peer, "the call was cut off")
        case grpc.StatusCode.NOT_FOUND:
            return NotHereError(peer, text)
        case grpc.StatusCode.UNIMPLEMENTED:
            return NotOfferedError(peer, text)
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            if "larger than max" in details:
                return BrokenPeerError(peer, "an answer that is too long")
            return BusyError(peer, text, _retry_ms(error))
        case grpc.StatusCode.UNKNOWN:
            return BrokenPeerError(peer, f"not an answer of this protocol: {text}")
    return RefusedError(peer, status.name, text)


def _plain(text: str) -> str:
    """Return what a peer wrote, safe to show."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return shown[:TEXT_CHARACTERS]


def _unreachable(peer: str, details: str) -> UnreachableError:
    text = details.lower()
    if any(words in text for words in IMPOSTOR):
        why = "whoever answers there is not this member of the realm"
    elif "connection refused" in text:
        why = "nobody listens there"
    elif "socket closed" in text or "handshake" in text:
        why = "it closed the connection; it may not accept our certificate"
        return ClosedError(peer, why)
    else:
        why = f"no connection ({_plain(details)})" if details else "no connection"
    return UnreachableError(peer, why)


def _retry_ms(error: grpc.RpcError) -> int:
    for item in error.trailing_metadata() or ():
        value = str(item.value)
        if item.key == "retry-ms" and value.isdecimal():
            return min(int(value[:9]), MAX_RETRY_MS)
    return RETRY_MS
