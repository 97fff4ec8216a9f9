"""Monotonic clocks that disagree."""

from __future__ import annotations


class Clock:
    """The monotonic clock of one machine, as its processes read it."""

    def __init__(self, rate: float = 1.0, offset: float = 0.0) -> None:
        """Begin at some reading.

        Args:
            rate: seconds of this clock in a second of the world.
            offset: what it shows when the world begins.
        """
        self.rate = rate
        self.offset = offset

    def read(self, now: float) -> float:
        """Return what this clock shows at a time of the world."""
        return self.offset + self.rate * now

    def when(self, reading: float) -> float:
        """Return at what time of the world this clock shows ``reading``."""
        return (reading - self.offset) / self.rate

    def jump(self, seconds: float) -> None:
        """Let the clock go on from another reading, as after a laptop's sleep."""
        self.offset += seconds
