"""What one neighbour probably has.

Three sources, the freshest first: its inventory, which a watch keeps current; the
filter in its mDNS record; nothing, and then it may have anything.  A hint is a hint:
a wrong "yes" costs an entry in one question, and a "no" counts only while the
neighbour has lately confirmed it.  Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from peer.discovery.gcs import Filter
from store import NodeKey

from .inventory import State, place_of, short_key

TRUST_S = 30.0
"""How long a "no" is believed after the neighbour confirmed its inventory."""

MAX_DIFFERENCE = 1 << 17
"""Changes held besides the filter; beyond, the inventory is asked for anew."""

MOST_DIFFERENCE = 2 * MAX_DIFFERENCE
"""Changes beyond which nothing is known: it does not answer when it is asked anew."""

AdvertisedId = Callable[[NodeKey], int]


class Hints:
    """What one neighbour probably has."""

    def __init__(self) -> None:
        self.state = State()
        """Its inventory as far as it is known here."""
        self._filters: tuple[Filter, ...] = ()
        self._added: set[int] = set()
        self._removed: set[int] = set()
        self._confirmed = float("-inf")
        self._announced: Filter | None = None
        self._id_of: AdvertisedId = short_key
        self._is_announced_complete = False
        self._announced_at = float("-inf")

    @property
    def has_inventory(self) -> bool:
        """Whether an inventory is known at all."""
        return bool(self.state.id)

    @property
    def is_overgrown(self) -> bool:
        """Whether a new filter would be shorter than the changes since the last."""
        return len(self._added) + len(self._removed) > MAX_DIFFERENCE

    def replace(self, now: float, state: State, filters: Sequence[Filter]) -> None:
        """Take a whole inventory, as filters in order of their blocks."""
        self.state = state
        self._filters = tuple(filters)
        self._added = set()
        self._removed = set()
        self._confirmed = now

    def change(
        self, now: float, state: State, added: Iterable[int], removed: Iterable[int]
    ) -> None:
        """Take short keys that were added and removed up to ``state``."""
        added, removed = set(added), set(removed)
        self._added = (self._added - removed) | added
        self._removed = (self._removed - added) | removed
        self.state = state
        if len(self._added) + len(self._removed) > MOST_DIFFERENCE:
            self.replace(float("-inf"), State(), ())  # it may have anything
            return
        self._confirmed = now

    def confirm(self, now: float, state: State) -> bool:
        """Take note of where the neighbour says it stands; return if we are there."""
        if not self.has_inventory or state.id != self.state.id:
            return False
        if state.sequence != self.state.sequence:
            return False
        self._confirmed = now
        return True

    def announce(
        self,
        now: float,
        announced: Filter,
        *,
        is_complete: bool,
        id_of: AdvertisedId,
    ) -> None:
        """Take the filter of an mDNS record.

        Args:
            now: when it was heard.
            announced: the filter.
            is_complete: whether everything that is shared there is in it.
            id_of: returns the number that stands for a node in it.
        """
        self._announced = announced
        self._is_announced_complete = is_complete
        self._id_of = id_of
        self._announced_at = now

    def probable(self, now: float, keys: Sequence[NodeKey]) -> list[NodeKey]:
        """Return those of ``keys`` that the neighbour should be asked for."""
        if now - self._confirmed <= TRUST_S:
            return [key for key in keys if self._is_listed(short_key(key))]
        announced = self._announced
        is_fresh = now - self._announced_at <= TRUST_S
        if announced is not None and self._is_announced_complete and is_fresh:
            return [key for key in keys if self._id_of(key) in announced]
        return list(keys)

    def listed(self, keys: Iterable[NodeKey]) -> list[NodeKey]:
        """Return those of ``keys`` that stand in its inventory as known here."""
        if not self.has_inventory:
            return []
        return [key for key in keys if self._is_listed(short_key(key))]

    def _is_listed(self, short: int) -> bool:
        if short in self._added:
            return True
        if not self._filters or short in self._removed:
            return False
        block, item = place_of(short, len(self._filters))
        return item in self._filters[block]
