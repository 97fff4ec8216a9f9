"""What came from and went to each member, from start to start.

Counted in memory and added to the table now and then.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import suppress
from dataclasses import astuple, dataclass, fields

from peer.identity import NodeId
from store import SqliteStore, StoreError


@dataclass(slots=True)
class Counts:
    """Counters of one member; see ``peer.local.messages.PeerStatus``."""

    located: int = 0
    fetched: int = 0
    fetched_bytes: int = 0
    saved_s: float = 0.0
    rejected: int = 0
    served_bytes: int = 0


NAMES = tuple(each.name for each in fields(Counts))
_SUMS = ", ".join(f"{name} = {name} + excluded.{name}" for name in NAMES)
UPSERT = (
    f"INSERT INTO traffic (node_id, {', '.join(NAMES)}) VALUES (?, ?, ?, ?, ?, ?, ?)"
    f" ON CONFLICT (node_id) DO UPDATE SET {_SUMS}"
)


class Traffic:
    """Counters of all members."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._new: dict[NodeId, Counts] = {}
        self._old: dict[NodeId, Counts] = {}
        with store.database.read() as connection:
            query = f"SELECT node_id, {', '.join(NAMES)} FROM traffic"
            for node_id, *counts in connection.execute(query):
                self._old[NodeId(node_id)] = Counts(*counts)

    def add(self, node_id: NodeId, **counts: float) -> None:
        """Add to a member's counters, by name."""
        with self._lock:
            mine = self._new.setdefault(node_id, Counts())
            for name, count in counts.items():
                setattr(mine, name, getattr(mine, name) + count)

    def of(self, node_id: NodeId) -> Counts:
        """Return a member's counters, of earlier daemons too."""
        with self._lock:
            return _sum(
                self._old.get(node_id, Counts()), self._new.get(node_id, Counts())
            )

    def members(self) -> set[NodeId]:
        """Return everybody with counters."""
        with self._lock:
            return {*self._old, *self._new}

    def flush(self, *, wait: bool = False) -> None:
        """Add what was counted to the table.

        Args:
            wait: return only when it is durable.
        """
        with self._lock:
            new = dict(self._new)
            if not new:
                return
            self._new = {}
            for node_id, counts in new.items():
                self._old[node_id] = _sum(self._old.get(node_id, Counts()), counts)
        rows = [(node_id, *astuple(counts)) for node_id, counts in new.items()]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(UPSERT, rows)

        with suppress(StoreError):
            written = self._store.database.write(write)
            if wait:
                written.result()


def _sum(a: Counts, b: Counts) -> Counts:
    return Counts(*(x + y for x, y in zip(astuple(a), astuple(b), strict=True)))
