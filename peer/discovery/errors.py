"""Errors of discovery.

``DiscoveryError``
    ``FilterError``           bytes are no Golomb-coded set of the size they claim
    ``AnnouncementRefused``   a TXT record is not, or not validly, a member's
    ``MulticastError``        this machine cannot speak multicast DNS just now
    ``ClonedIdentityError``   another machine announces itself with our identity
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from peer.errors import PeerError


class DiscoveryError(PeerError):
    """Base of all errors of this package."""


class FilterError(DiscoveryError):
    """Bytes are no Golomb-coded set of the size they claim."""


Reason: TypeAlias = Literal[
    "oversize", "malformed", "foreign", "epoch", "mac", "replay"
]
"""Why a TXT record was refused; what it is counted under.

``oversize``   longer than a record may be;
``malformed``  a key is missing or its value is not of the promised form;
``foreign``    of another realm;
``epoch``      under a key of the realm that is not known here;
``mac``        not made by a member;
``replay``     older than what the same peer has announced since.
"""


class AnnouncementRefused(DiscoveryError):  # noqa: N818 - the name says what happened
    """A TXT record is not, or not validly, a member's.

    Attributes:
        reason: what it is counted under.
    """

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason: Reason = reason


class MulticastError(DiscoveryError):
    """This machine cannot speak multicast DNS just now."""


class ClonedIdentityError(DiscoveryError):
    """Another machine announces itself with our identity.

    What was heard may also be a recording of what this machine announced in an
    earlier life, since nothing in multicast proves that its sender is alive.  Who must
    be certain dials ``addresses``.

    Attributes:
        addresses: "host:port" where the other one says it is.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        where = ", ".join(addresses) or "an unknown address"
        super().__init__(
            f"another machine runs with a copy of this identity (at {where}): "
            "stop one of the two, run 'voxpeer leave' on it, and let it join again "
            "with a token of its own"
        )
        self.addresses = tuple(addresses)
