"""How long it is until a run gets to what it was granted.

A run claims ahead of its free slots, so that a grant costs no idle time: what it holds
is not all being computed.  Who waits for a node wants to know when its result will be
there, and not how long it takes.  A run does not say when it begins with a node, nor in
which order, nor how many slots it has; but it holds at most :data:`AHEAD` nodes more
than it has slots.  So the others are taken to come first, on the fewest slots that it
can have.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .claim import Claim
from .messages import Key, RunId

AHEAD = 2
"""Nodes that a run holds, or asks for, beyond those that it computes."""


@dataclass(slots=True)
class _Work:
    """What a run holds, and since when its slots are at what they are at."""

    since: float
    claims: dict[Key, Claim] = field(default_factory=dict)


class Workload:
    """What every run of this machine has to compute."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._works: dict[RunId, _Work] = {}

    def add(self, now: float, run: RunId, claim: Claim) -> None:
        """Take note that a run is to compute a node."""
        work = self._works.get(run)
        if work is None:
            work = self._works[run] = _Work(now)
        work.claims[claim.key] = claim

    def remove(self, now: float, run: RunId, claim: Claim) -> None:
        """Take note that a run has done with a node; the next one begins."""
        work = self._works.get(run)
        if work is None or work.claims.pop(claim.key, None) is None:
            return
        work.since = now
        if not work.claims:
            del self._works[run]

    def expect(self, now: float, run: RunId, claims: Iterable[Claim]) -> None:
        """Guess how long after being granted the results of claims will be there."""
        asked = list(claims)
        total_s = sum(each.estimate_s for each in asked)
        count = len(asked)
        work = self._works.get(run)
        if work is not None:
            held_s = sum(each.estimate_s for each in work.claims.values())
            total_s += max(0.0, held_s - (now - work.since))
            count += len(work.claims)
        share_s = total_s / max(1, count - AHEAD)
        for claim in asked:
            claim.whole_s = max(claim.estimate_s, share_s)

    def look(self, claim: Claim) -> None:
        """Guess anew how long it will have been from its grant to a result here."""
        work = self._works.get(next(iter(claim.computing), -1))
        if work is None:
            return
        total_s = sum(each.estimate_s for each in work.claims.values())
        share_s = total_s / max(1, len(work.claims) - AHEAD)
        queued_s = max(0.0, work.since - claim.started)
        claim.whole_s = queued_s + max(claim.estimate_s, share_s)
