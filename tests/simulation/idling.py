"""Time in which slots of a run had nothing to do but wait for others."""

from __future__ import annotations

from scheduler.patience import Patience
from scheduler.turns import Turns

from .machine import Machine
from .world import World


class Idling:
    """Measures waits by the machine's clock, and has them taken from patience.

    Attributes:
        waited_s: how long it was in all, in seconds of the world.
    """

    def __init__(self, world: World, machine: Machine) -> None:
        self.waited_s = 0.0
        self._world = world
        self._machine = machine
        self._since: float | None = None
        self._began = 0.0
        self._slots = 0
        self._most_s = 0.0

    def begin(self, slots: int = 1, most_s: float = float("inf")) -> None:
        """Begin to wait.

        Args:
            slots: how many have nothing to do.
            most_s: how long the wait is to last at most.
        """
        self._since = self._machine.clock.read(self._world.now)
        self._began = self._world.now
        self._slots, self._most_s = slots, most_s

    def end(self, turns: Turns) -> None:
        """End a wait for claims, if there is one."""
        since = self._since
        if since is not None:
            seconds = self._end()
            turns.spend(seconds, since + seconds, self._slots)

    def end_silence(self, patience: Patience) -> None:
        """End a wait for an answer to anything else."""
        patience.spend(self._end(), is_promised=False)

    def freeze(self, seconds: float) -> None:
        """Do not count time in which the run was frozen."""
        self._began += seconds

    def _end(self) -> float:
        assert self._since is not None
        seconds = self._machine.clock.read(self._world.now) - self._since
        self.waited_s += self._world.now - self._began
        self._since = None
        return min(seconds, self._most_s)
