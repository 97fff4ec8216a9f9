"""What a peer announces of itself, and how much of it fits into one packet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from peer.identity.names import is_node_id

from .gcs import Filter

if TYPE_CHECKING:
    from peer.identity import NodeId

MAX_STRING = 252
"""Most bytes of one "key=value".  DNS allows 255; python-zeroconf has written broken
records just below that."""

FILTER_STRINGS = 4
FILTER_STRING = MAX_STRING - len("0=")
MAX_FILTER = FILTER_STRINGS * FILTER_STRING
"""Most bytes of the coded set."""

FILTER_P = 8
"""Golomb parameter of the set that is announced."""

MAX_ITEMS = 2000
"""Most results in the set of a record that is accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What a peer announces.

    Attributes:
        node_id: who it is.
        port: TCP port at which members dial it.
        generation: number of this announcement among those with this inventory id.
        inventory_id: 8 random bytes, new whenever sequence numbers begin anew.
        sequence: state of the inventory.
        results: how many results it shares.
        epoch: of the realm's keys under which the ids and the MAC were made.
        tag: the realm's tag in that epoch, as it was heard; ``RealmKeys.with_tag`` has
            the keys under which the ids can be looked up.  Empty in what is sent.
        filter: keyed ids of as many of the results as fit.
        enrol_port: port at which it enrols machines just now, or 0.
        pin_prefix: first 3 bytes of the pin in the tokens it honours, with
            ``enrol_port``; else empty.
        capabilities: 16 bits for later versions.
    """

    node_id: NodeId
    port: int
    generation: int
    inventory_id: bytes
    sequence: int
    results: int
    epoch: int
    filter: Filter = field(default_factory=lambda: Filter(FILTER_P))
    enrol_port: int = 0
    pin_prefix: bytes = b""
    capabilities: int = 0
    tag: bytes = b""

    @property
    def is_complete(self) -> bool:
        """Whether the filter holds all results, so that nobody need ask for more."""
        return self.filter.count == self.results


@dataclass(frozen=True, slots=True)
class EnrolHint:
    """Where a peer enrols machines just now.

    Attributes:
        port: TCP port.
        pin_prefix: first 3 bytes of the pin in the tokens it honours.
    """

    port: int
    pin_prefix: bytes


def advertise(ids: Iterable[int]) -> Filter:
    """Return the filter of as many of ``ids`` as fit into a record.

    Args:
        ids: keyed ids of 64 bits, the most useful first.
    """
    chosen = list(dict.fromkeys(ids))[:MAX_ITEMS]
    while True:
        made = Filter.of(chosen, FILTER_P)
        excess = len(made.encode()) - MAX_FILTER
        if excess <= 0:
            return made
        # An id takes about p + 1.6 bits, so this does not drop too many at once.
        del chosen[-max(1, 8 * excess // (FILTER_P + 2)) :]


def check_ranges(announcement: Announcement) -> None:
    """Raise ValueError if a number cannot be announced."""
    a = announcement
    in_range = {
        "node_id": is_node_id(a.node_id),
        "port": 0 < a.port < 2**16,
        "generation": 0 <= a.generation < 2**32,
        "inventory_id": len(a.inventory_id) == 8,
        "sequence": 0 <= a.sequence < 2**64,
        "results": 0 <= a.results < 10**10,
        "epoch": 0 <= a.epoch < 2**32,
        "enrol_port": 0 <= a.enrol_port < 2**16,
        "pin_prefix": len(a.pin_prefix) == (3 if a.enrol_port else 0),
        "capabilities": 0 <= a.capabilities < 2**16,
        "filter": a.filter.count <= MAX_ITEMS,
    }
    for name, is_in_range in in_range.items():
        if not is_in_range:
            raise ValueError(f"{name} cannot be announced: {getattr(a, name)!r}")
