"""Named numbers that only grow, counted by many threads."""

from __future__ import annotations

import threading


class Counters:
    """Counts of what was served, refused and dropped, by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def add(self, name: str, count: int = 1) -> None:
        """Count ``count`` more of ``name``."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + count

    def __getitem__(self, name: str) -> int:
        """Return a count; zero for what never happened."""
        with self._lock:
            return self._counts.get(name, 0)

    def snapshot(self) -> dict[str, int]:
        """Return all counts by name, in the order of their names."""
        with self._lock:
            return dict(sorted(self._counts.items()))
