"""What is remembered so that neighbours' hints are taken for no more than they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from peer.identity import NodeId
from store import NodeKey

DOUBT_S = 10.0
"""How long a neighbour is not believed to have what it turned out not to have."""

MOST = 10_000

CONTESTED_S = 60.0
MAX_CONTESTED = 4096


class Doubts:
    """What neighbours did not have although hints said so.  Any thread may use it.

    Filters are wrong now and then, and go on being wrong about the same node: without
    a memory each look at them would lead to the same vain fetch.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[tuple[NodeId, NodeKey], float] = {}

    def add(self, node_id: NodeId, key: NodeKey) -> None:
        """Take note that a result could not be had from a neighbour."""
        now = time.monotonic()
        with self._lock:
            if len(self._until) >= MOST:
                self._until = {
                    each: until for each, until in self._until.items() if until > now
                }
            if len(self._until) < MOST:
                self._until[node_id, key] = now + DOUBT_S

    def believed(self, node_id: NodeId, keys: Iterable[NodeKey]) -> list[NodeKey]:
        """Return those of ``keys`` about which nothing speaks against it."""
        now = time.monotonic()
        with self._lock:
            return [key for key in keys if self._until.get((node_id, key), now) <= now]


class Contested:
    """Nodes that were finished lately, and that others were said to compute as well.

    Whether they did is heard when they offer the result.  Not for several threads.
    """

    def __init__(self) -> None:
        self._since: dict[NodeKey, float] = {}

    def add(self, now: float, key: NodeKey) -> None:
        """Take note of a node."""
        self._since.pop(key, None)
        if len(self._since) >= MAX_CONTESTED:
            del self._since[next(iter(self._since))]
        self._since[key] = now

    def keys(self, now: float) -> list[NodeKey]:
        """Return the nodes of the last minute."""
        while self._since:
            key = next(iter(self._since))  # the oldest
            if now - self._since[key] < CONTESTED_S:
                break
            del self._since[key]
        return list(self._since)
