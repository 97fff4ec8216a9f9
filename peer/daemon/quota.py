"""How much of the disk others' results may take."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

from peer.identity import NodeId

FREE_SHARE = 0.2
MOST_BYTES = 100 * 10**9
SIGNER_SHARE = 0.25


class Quota:
    """Counts what came from others, by who signed it.  Any thread may ask."""

    def __init__(self, limit_bytes: int) -> None:
        """Begin with nothing held.

        Args:
            limit_bytes: what all signers' results may take together.
        """
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._held: dict[NodeId, int] = {}

    def replace(self, held: Mapping[NodeId, int]) -> None:
        """Take over what the store says is held; evicted results count no more."""
        with self._lock:
            self._held = dict(held)

    def left(self, signer: NodeId) -> int:
        """Return how many bytes more of a signer may come."""
        with self._lock:
            own = int(SIGNER_SHARE * self.limit_bytes) - self._held.get(signer, 0)
            return max(0, min(own, self.limit_bytes - sum(self._held.values())))

    def add(self, signer: NodeId, size_bytes: int) -> None:
        """Count what came."""
        with self._lock:
            self._held[signer] = self._held.get(signer, 0) + size_bytes


def default_limit_bytes(store_path: Path, held_bytes: int) -> int:
    """Return a fifth of what would be free without them, at most 100 GB."""
    free = shutil.disk_usage(store_path).free
    return min(MOST_BYTES, int(FREE_SHARE * (free + held_bytes)))
