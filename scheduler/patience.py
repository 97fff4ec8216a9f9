"""How long a run may wait for neighbours instead of computing.

Only time in which a core had nothing else to do counts as waiting.  Two accounts are
kept:

* *Patience*, for answers and for what comes later than was promised: 0.5 s and 5 % of
  the time since the run began.
* *Trust*, for fetches that are on the way and not late: 15 % of what the run would
  take alone, as far as that is known.  What cannot be trusted is taken from patience.

A result that comes pays back what it saved.  So neighbours that are dead, silent or
slow cost a run 0.5 s and a fifth of its time at most, whatever they promised.
"""

from __future__ import annotations

PATIENCE_S = 0.5
"""Seconds that a run may lose in any case."""

PATIENCE_SHARE = 0.05
"""Share of the time since its beginning that it may lose besides."""

TRUST_SHARE = 0.15
"""Share of the estimated time alone that fetches may take before they are doubted."""

LEAST_S = 0.05
"""With less patience than this nothing new is asked."""


class Patience:
    """The two accounts of one run; times are of one monotonic clock, in seconds."""

    def __init__(self, now: float) -> None:
        self._started = now
        self._spent = 0.0
        self._trusted = 0.0
        self._alone_s = 0.0

    def left_s(self, now: float) -> float:
        """Return how long the run may still wait for answers; may be negative."""
        earned = PATIENCE_S + PATIENCE_SHARE * (now - self._started)
        return earned - self._spent

    def trust_s(self) -> float:
        """Return how long the run may still wait for fetches that are not late."""
        return max(0.0, TRUST_SHARE * self._alone_s - self._trusted)

    def may_ask(self, now: float) -> bool:
        """Return whether something new may be asked."""
        return self.left_s(now) >= LEAST_S

    def expect(self, alone_s: float) -> None:
        """Take note that the run would take at least this long alone."""
        self._alone_s = max(self._alone_s, alone_s)

    def spend(self, seconds: float, *, is_promised: bool) -> None:
        """Take note of time in which a core only waited.

        Args:
            seconds: how long.
            is_promised: whether all that was waited for were fetches not yet late.
        """
        trusted = min(seconds, self.trust_s()) if is_promised else 0.0
        self._trusted += trusted
        self._spent += seconds - trusted

    def pay_back(self, saved_s: float) -> None:
        """Take note that a result came that would have taken so long to compute."""
        trusted = min(saved_s, self._trusted)
        self._trusted -= trusted
        self._spent = max(0.0, self._spent - (saved_s - trusted))
