"""Tells which records are members', newer than the last, and not our own."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from . import txt
from .addresses import join
from .announcement import Announcement
from .errors import AnnouncementRefused
from .rdata import from_rdata
from .replay import Replays

if TYPE_CHECKING:
    from peer.identity import NodeId, RealmKeys

    from .ear import Dropped

OnHeard: TypeAlias = "Callable[[NodeId, tuple[str, ...], Announcement], None]"
OnGone: TypeAlias = "Callable[[NodeId], None]"

ISSUED = 64
"""Own records remembered, to tell them from those of a copy of us."""

_log = logging.getLogger(__name__)


class Members:
    """Hears as a member of a realm; see :class:`peer.discovery.ear.Hearer`.

    Args:
        node_id: ours.
        keys: of the realm.
        counters: counts ``announcements_<reason>`` for each one refused.
        on_heard: told of members, with their addresses as "host:port".
        on_gone: told who left.
        on_double: told of a member's record in our name that is not ours.
    """

    def __init__(
        self,
        node_id: NodeId,
        keys: RealmKeys,
        counters: Counter[str],
        *,
        on_heard: OnHeard,
        on_gone: OnGone,
        on_double: Callable[[Announcement], None],
    ) -> None:
        self.issued: deque[bytes] = deque(maxlen=ISSUED)
        """The latest records that we announced ourselves."""
        self._node_id = node_id
        self._keys = keys
        self._counters = counters
        self._on_heard, self._on_gone, self._on_double = on_heard, on_gone, on_double
        self._replays = Replays()
        self._heard: dict[str, Announcement] = {}

    def __len__(self) -> int:
        return len(self._heard)

    def accept(self, label: str, rdata: bytes) -> bool:
        """Return whether a record is a member's, and newer than what it said before."""
        if label == self._node_id and rdata in self.issued:
            return True
        try:
            announcement = self._read(label, rdata)
            if label == self._node_id:
                self._counters["announcements_in_our_name"] += 1
                self._call(lambda: self._on_double(announcement))
                return True
            self._replays.check(announcement)
        except AnnouncementRefused as error:
            self._counters[f"announcements_{error.reason}"] += 1
            return False
        self._heard[label] = announcement
        return True

    def changed(self, label: str, rdata: bytes, addresses: Sequence[str]) -> None:
        """Pass on what a member said."""
        heard = self._heard[label]
        where = join(addresses, heard.port)
        self._call(lambda: self._on_heard(heard.node_id, where, heard))

    def gone(self, label: str) -> None:
        """Pass on that a member left."""
        heard = self._heard.pop(label, None)
        if heard is not None:
            self._call(lambda: self._on_gone(heard.node_id))

    def dropped(self, reason: Dropped) -> None:
        """Count a name that was not even looked at."""
        self._counters[f"announcements_{reason}"] += 1

    def _read(self, label: str, rdata: bytes) -> Announcement:
        announcement = txt.decode(from_rdata(rdata), self._keys)
        if announcement.node_id != label:
            raise AnnouncementRefused("malformed", "of another node than its name")
        return announcement

    def _call(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:  # a mistake of whoever listens must not end discovery
            _log.exception("a listener of discovery failed")
