"""Which of a peer's announcements is the newest, so that recordings are told."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from .announcement import Announcement
from .errors import AnnouncementRefused

MAX_PEERS = 1024
"""Peers remembered; beyond, who was silent longest is forgotten."""

MAX_RETIRED = 8
"""Earlier inventory ids remembered of each peer."""


@dataclass(slots=True)
class _Newest:
    inventory_id: bytes
    generation: int
    retired: list[bytes] = field(default_factory=list)


class Replays:
    """Remembers the newest announcement of each peer, and refuses older ones.

    Within one inventory id generations only grow, and an inventory id that a peer has
    given up never comes back.
    """

    def __init__(self) -> None:
        self._newest: OrderedDict[str, _Newest] = OrderedDict()

    def check(self, announcement: Announcement) -> None:
        """Remember an announcement that a member made.

        Raises:
            AnnouncementRefused: a newer one of the same peer was seen before.
        """
        newest = self._newest.get(announcement.node_id)
        if newest is None:
            newest = _Newest(announcement.inventory_id, announcement.generation)
            self._newest[announcement.node_id] = newest
        elif announcement.inventory_id != newest.inventory_id:
            _change_inventory(newest, announcement)
        elif announcement.generation < newest.generation:
            raise AnnouncementRefused("replay", "older than what was heard before")
        newest.generation = announcement.generation
        self._newest.move_to_end(announcement.node_id)
        if len(self._newest) > MAX_PEERS:
            self._newest.popitem(last=False)


def _change_inventory(newest: _Newest, announcement: Announcement) -> None:
    if announcement.inventory_id in newest.retired:
        raise AnnouncementRefused("replay", "of an inventory that was given up")
    newest.retired = [*newest.retired, newest.inventory_id][-MAX_RETIRED:]
    newest.inventory_id = announcement.inventory_id
