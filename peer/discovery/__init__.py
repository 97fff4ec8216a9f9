"""Finding the other members of a realm on the link, by multicast DNS.

The names are imported at their first use, because a command that only reads the
store needs none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer.lazy import load

if TYPE_CHECKING:
    from .announcement import Announcement, EnrolHint, advertise
    from .blocked import BLOCKED_HINT, BlockedMulticast
    from .candidates import Candidates, Dial
    from .debounce import Debounce
    from .errors import (
        AnnouncementRefused,
        ClonedIdentityError,
        DiscoveryError,
        FilterError,
        MulticastError,
    )
    from .gcs import Filter
    from .interfaces import Places, find_places
    from .scanning import HeardNode, HeardRealm, find_sponsors, scan
    from .service import Discovery

_HOMES = {
    "BLOCKED_HINT": "blocked",
    "Announcement": "announcement",
    "AnnouncementRefused": "errors",
    "BlockedMulticast": "blocked",
    "Candidates": "candidates",
    "ClonedIdentityError": "errors",
    "Debounce": "debounce",
    "Dial": "candidates",
    "Discovery": "service",
    "DiscoveryError": "errors",
    "EnrolHint": "announcement",
    "Filter": "gcs",
    "FilterError": "errors",
    "HeardNode": "scanning",
    "HeardRealm": "scanning",
    "MulticastError": "errors",
    "Places": "interfaces",
    "advertise": "announcement",
    "find_places": "interfaces",
    "find_sponsors": "scanning",
    "scan": "scanning",
}

__all__ = [
    "BLOCKED_HINT",
    "Announcement",
    "AnnouncementRefused",
    "BlockedMulticast",
    "Candidates",
    "ClonedIdentityError",
    "Debounce",
    "Dial",
    "Discovery",
    "DiscoveryError",
    "EnrolHint",
    "Filter",
    "FilterError",
    "HeardNode",
    "HeardRealm",
    "MulticastError",
    "Places",
    "advertise",
    "find_places",
    "find_sponsors",
    "scan",
]


def __getattr__(name: str) -> object:
    return load(__name__, _HOMES, name)
