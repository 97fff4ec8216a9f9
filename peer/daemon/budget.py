"""CPU time that something in the background may take."""

from __future__ import annotations


class CpuBudget:
    """Grows with time, and is spent by what was measured.

    What was spent beyond it has to grow again first, so that over a long time no more
    is taken than the share.
    """

    def __init__(self, cores: int, now: float, *, share: float, most_s: float) -> None:
        """Begin with nothing.

        Args:
            cores: of the machine.
            now: seconds, monotonic.
            share: of the time of all cores, 0 to 1.
            most_s: CPU-seconds that are saved up at most.
        """
        self._rate = share * cores
        self._most_s = most_s
        self._left_s = 0.0
        self._seen = now

    def left_s(self, now: float) -> float:
        """Return the CPU-seconds that may be taken now; less than 0 is owed."""
        grown = self._left_s + self._rate * max(0.0, now - self._seen)
        self._left_s = min(grown, self._most_s)
        self._seen = max(self._seen, now)
        return self._left_s

    def spend(self, seconds: float, now: float) -> None:
        """Take note of CPU-seconds that were used."""
        self._left_s = self.left_s(now) - seconds
