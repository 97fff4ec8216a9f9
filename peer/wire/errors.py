"""The one error of this package."""

from __future__ import annotations

from peer.errors import PeerError


class WireError(PeerError):
    """Bytes that a peer sent break a promise of ``proto/voxpeer/v1``.

    Attributes:
        reason: which one, in a few words; safe to log, it quotes nothing.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
