"""Errors of this package.

For people, below :class:`peer.errors.RealmError`: ``IdentityError``, ``TokenError``,
``EnrolmentRefused``.  For what peers send, counted and never shown as a failure of
this machine: ``CertificateError``, ``RecordRefused``, ``StatementRefused``.
"""

from __future__ import annotations

from typing import Literal

from peer.errors import PeerError, RealmError


class IdentityError(RealmError):
    """The identity of this store cannot be used, made or changed like this."""


class TokenError(RealmError):
    """A text is no join token."""


class EnrolmentRefused(RealmError):  # noqa: N818 - an answer more than an error
    """A sponsor does not let a machine in, or a machine does not trust a sponsor.

    Attributes:
        reason: ``"denied"`` whatever is wrong with the token or its proof,
            ``"invalid"`` for a request that breaks the contract, ``"busy"`` for too
            many attempts, ``"impostor"`` for a sponsor that is not the token's.
    """

    def __init__(
        self, reason: Literal["denied", "invalid", "busy", "impostor"], text: str
    ) -> None:
        super().__init__(text)
        self.reason = reason


class CertificateError(PeerError):
    """A certificate or a request for one does not show what it has to."""


class RecordRefused(PeerError):  # noqa: N818 - an answer more than an error
    """A signed record is not accepted.

    Attributes:
        reason: one word to count it under: ``"size"``, ``"signature"``,
            ``"malformed"``, ``"realm"``, ``"signer"``, ``"revoked"``, ``"reliance"``
            or ``"forgotten"``.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class StatementRefused(PeerError):  # noqa: N818 - an answer more than an error
    """A signed statement is not accepted.

    Attributes:
        reason: one word to count it under: ``"size"``, ``"certificate"``,
            ``"signature"``, ``"malformed"``, ``"realm"``, ``"issuer"``, ``"right"``,
            ``"evidence"``, ``"twice"`` or ``"full"``.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
