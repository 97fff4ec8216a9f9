"""Whom a daemon believes to be there.

The manner of :mod:`peer.daemon.neighbourhood`: a Hello every 5 seconds; who is silent
is suspect for 2 seconds, then 4, 8, up to 60; after 15 silent seconds it is gone.
"""

from __future__ import annotations

from collections.abc import Iterable

from peer.claims.messages import NodeId

HELLO_S = 5.0
SUSPECT_S = 2.0
MAX_SUSPECT_S = 60.0
GONE_S = 15.0


class View:
    """The members that one daemon has heard of; times are of its own clock.

    Attributes:
        live: who answers just now.
    """

    def __init__(self) -> None:
        self.live: frozenset[NodeId] = frozenset()
        self._heard: dict[NodeId, float] = {}
        self._boots: dict[NodeId, bytes] = {}
        self._due: dict[NodeId, float] = {}
        self._suspect_s: dict[NodeId, float] = {}

    def know(self, members: Iterable[NodeId]) -> None:
        """Take note of members that are to be said hello to at once."""
        for member in members:
            self._due.setdefault(member, float("-inf"))

    def greet_soon(self, member: NodeId) -> None:
        """Say hello to a member at the next occasion."""
        self._due[member] = float("-inf")

    def due(self, now: float) -> list[NodeId]:
        """Return to whom to say hello now."""
        return [member for member, due in self._due.items() if due <= now + 0.1]

    @property
    def next_due(self) -> float:
        """When to say hello next."""
        return min(self._due.values(), default=float("inf"))

    def answered(self, now: float, member: NodeId, boot_id: bytes) -> bool:
        """Take an answer; return whether the member has begun a new life."""
        before = self._boots.get(member)
        self._boots[member] = boot_id
        self._heard[member] = now
        self._due[member] = now + HELLO_S
        self._suspect_s.pop(member, None)
        return before is not None and before != boot_id

    def silent(self, now: float, member: NodeId) -> bool:
        """Take note of a silence; return whether the member has just become gone."""
        before = self._suspect_s.get(member)
        wait_s = min(MAX_SUSPECT_S, 2 * before if before else SUSPECT_S)
        self._suspect_s[member] = wait_s
        self._due[member] = now + wait_s
        heard = self._heard.get(member)
        if heard is not None and now - heard > GONE_S:
            del self._heard[member]
            return True
        return False

    def look(self) -> bool:
        """Settle who is live; return whether that has changed."""
        suspect = self._suspect_s
        live = frozenset(
            sorted(member for member in self._heard if member not in suspect)
        )
        is_changed = live != self.live
        self.live = live
        return is_changed
