"""One thing that a process does at a time that may be moved forward."""

from __future__ import annotations

from collections.abc import Callable

from .world import Process, World

NEVER = float("inf")


class Alarm:
    """Rings once, at the earliest time to which it was set since it last did."""

    def __init__(self, world: World, process: Process, act: Callable[[], None]) -> None:
        """Take what to do when it rings; it is not set yet."""
        self._world = world
        self._process = process
        self._act = act
        self._when = NEVER

    def set(self, when: float) -> None:
        """Ring at a time of the world, if not before; at once if that has passed."""
        when = max(when, self._world.now)
        if when < self._when - 1e-9:
            self._when = when
            self._world.at(when, self._process, self._ring, when)

    def clear(self) -> None:
        """Do not ring before it is set again."""
        self._when = NEVER

    def _ring(self, when: float) -> None:
        if when == self._when:
            self._when = NEVER
            self._act()
