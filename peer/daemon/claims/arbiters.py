"""Who decides about claims: the neighbours that answer, and that know how to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from peer.claims.messages import Event, Gone, Members
from peer.daemon.company import Company
from peer.identity import NodeId

WITHOUT_S = 600.0
"""How long a member that knows no claims is asked for none."""


class Arbiters:
    """Tells the claim protocol who is there.  Any thread may use it."""

    def __init__(self, me: NodeId, company: Company, tell: Callable[..., None]) -> None:
        """Begin alone.

        Args:
            me: own node id.
            company: whose live neighbours they are.
            tell: takes :class:`Event` objects.
        """
        self._me = me
        self._company = company
        self._tell = tell
        self._lock = threading.Lock()
        self._boots: dict[NodeId, bytes] = {}
        self._without: dict[NodeId, tuple[bytes, float]] = {}
        self.others: frozenset[NodeId] = frozenset()
        """Members that can be asked now."""

    def look(self) -> tuple[NodeId, ...]:
        """Tell what has changed; return all arbiters, ourselves among them."""
        with self._lock:  # what is told is told in order
            known, live = self._company.all(), self._company.live()
            boots = {node_id: each.said.boot_id for node_id, each in known.items()}
            events: list[Event] = [
                Gone(node_id, boots.get(node_id, b""))
                for node_id, boot_id in self._boots.items()
                if boots.get(node_id) != boot_id
            ]
            self._boots = boots
            now = time.monotonic()
            others = frozenset(each for each in live if self._is_able(each, now))
            if others != self.others:
                self.others = others
                events.append(Members(others))
            if events:
                self._tell(*events)
        return tuple(sorted({self._me, *others}))

    def exclude(self, node_id: NodeId) -> None:
        """Take note that a member knows no claims; its next life may."""
        with self._lock:
            boot_id = self._boots.get(node_id, b"")
            self._without[node_id] = boot_id, time.monotonic() + WITHOUT_S

    def _is_able(self, node_id: NodeId, now: float) -> bool:
        boot_id, until = self._without.get(node_id, (b"", now))
        if now >= until or boot_id != self._boots.get(node_id, b""):
            self._without.pop(node_id, None)
            return True
        return False
