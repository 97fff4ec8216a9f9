"""What is remembered for a while, and then forgotten."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memory(Generic[K, V]):
    """Values that all live equally long; of too many the oldest are forgotten."""

    def __init__(self, lifetime_s: float, capacity: int) -> None:
        """Begin with nothing.

        Args:
            lifetime_s: how long a value is remembered.
            capacity: how many at most.
        """
        self._lifetime_s = lifetime_s
        self._capacity = capacity
        # In the order of their ends, as all lifetimes are equal.
        self._kept: dict[K, tuple[float, V]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, now: float, key: K, value: V) -> None:
        """Remember ``value`` from now on."""
        kept = self._kept
        kept.pop(key, None)
        if len(kept) >= self._capacity:
            del kept[next(iter(kept))]
        kept[key] = (now + self._lifetime_s, value)

    def get(self, now: float, key: K) -> V | None:
        """Return what is remembered of ``key``."""
        found = self._kept.get(key)
        return None if found is None or found[0] <= now else found[1]

    def pop(self, key: K) -> None:
        """Forget ``key``."""
        self._kept.pop(key, None)

    def sweep(self, now: float) -> None:
        """Let go of what is over."""
        kept = self._kept
        while kept:
            key = next(iter(kept))
            if kept[key][0] > now:
                return
            del kept[key]

    @property
    def ends(self) -> float | None:
        """When the first value is over."""
        return next(iter(self._kept.values()))[0] if self._kept else None
