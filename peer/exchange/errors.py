"""What can go wrong between two members.

``ExchangeError``
    ``UnreachableError``  nobody answers at the address, or not in time
        ``ClosedError``   ... it closed the connection
    ``RefusedError``      the peer says no; trying again does not help
        ``BusyError``     ... for now: it says when to come again
        ``NotHereError``  it does not have what was asked for
        ``NotOfferedError``  it knows no such call, or does not answer it to anybody
    ``BrokenPeerError``   the answer is not what the contract promises

A service says no to its caller with :class:`Refusal`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer.errors import PeerError

if TYPE_CHECKING:
    import grpc


class ExchangeError(PeerError):
    """Base of all errors of the exchange; ``peer`` says with whom."""

    def __init__(self, peer: str, text: str) -> None:
        super().__init__(f"{peer}: {text}")
        self.peer = peer


class UnreachableError(ExchangeError):
    """Nobody answers there, or not in time, or it is not who it should be."""


class ClosedError(UnreachableError):
    """It closed the connection: it ends, or does not accept our certificate."""


class RefusedError(ExchangeError):
    """The peer says no.

    Attributes:
        status: name of the gRPC status, ``"UNAUTHENTICATED"`` and so on.
        text: what the peer says.
    """

    def __init__(self, peer: str, status: str, text: str) -> None:
        super().__init__(peer, f"{status.lower().replace('_', ' ')}: {text}")
        self.status = status
        self.text = text


class BusyError(RefusedError):
    """The peer has no time now.

    Attributes:
        retry_ms: when to come again, in milliseconds.
    """

    def __init__(self, peer: str, text: str, retry_ms: int) -> None:
        super().__init__(peer, "RESOURCE_EXHAUSTED", text)
        self.retry_ms = retry_ms


class NotHereError(RefusedError):
    """The peer does not have, or does not share, what was asked for."""

    def __init__(self, peer: str, text: str) -> None:
        super().__init__(peer, "NOT_FOUND", text)


class NotOfferedError(RefusedError):
    """The peer knows no such call, as older ones do not, or never answers it."""

    def __init__(self, peer: str, text: str) -> None:
        super().__init__(peer, "UNIMPLEMENTED", text)


class BrokenPeerError(ExchangeError):
    """The peer's answer is not what the contract promises."""


class Refusal(Exception):  # noqa: N818 - an answer to a caller, nothing went wrong
    """Raised by a service to say no.

    Args:
        status: of the call, as listed in ``peer.proto``.
        text: for people at the other end; names nothing private.
        retry_ms: when to come again, for ``RESOURCE_EXHAUSTED``.
    """

    def __init__(
        self, status: grpc.StatusCode, text: str, retry_ms: int | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.retry_ms = retry_ms
