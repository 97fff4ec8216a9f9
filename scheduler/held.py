"""Nodes that other processes compute, and when to ask for them again."""

from __future__ import annotations

import time

from store import Store

from .plan import Ref

POLL_S = (0.02, 0.2)
"""Shortest and longest wait between two looks for another process's results."""

STALE_S = 0.25
"""Leases held by others are asked again at least this often: the end of a process
that dies is no change of the store."""


class HeldNodes:
    """The nodes of a run whose leases other processes hold."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._refs: set[Ref] = set()
        self._asked = 0.0
        self._seen_changes = 0
        self.wait_s = POLL_S[0]
        """How long to wait for messages before the next look."""

    def __len__(self) -> int:
        return len(self._refs)

    def add(self, ref: Ref) -> None:
        """Wait for a node that was asked for just now."""
        self._refs.add(ref)
        self._asked = time.monotonic()

    def take_due(self) -> set[Ref]:
        """Return, and wait no longer for, the nodes to ask for again.

        These are all, once another process has committed or might have died.
        """
        changes = self._store.changes()
        is_fresh = time.monotonic() - self._asked < STALE_S
        if changes == self._seen_changes and is_fresh:
            self.wait_s = min(self.wait_s * 1.5, POLL_S[1])
            return set()
        self._seen_changes = changes
        self.wait_s = POLL_S[0]
        due, self._refs = self._refs, set()
        return due
