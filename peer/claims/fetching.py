"""Bringing results here that others have."""

from __future__ import annotations

from collections.abc import Callable

from .claim import Claim
from .desk import Desk
from .messages import Fetch, NodeId
from .runs import Runs

LEAST_GAIN_S = 0.2
"""What is as good as computed here is not fetched besides."""

FETCH_S = 1.0
"""How long a fetch is said to take, at most, before anything is known of it."""


class Fetching:
    """One source at a time for each node; the next if it does not deliver."""

    def __init__(
        self, desk: Desk, runs: Runs, claim_again: Callable[[float, Claim], None]
    ) -> None:
        """Begin with nothing to fetch.

        Args:
            desk: what all share.
            runs: are told that a result is on its way.
            claim_again: called when nobody delivers.
        """
        self._desk = desk
        self._runs = runs
        self._claim_again = claim_again

    def has(self, now: float, claim: Claim, node_id: NodeId) -> None:
        """Take note that a member has the result; fetch it if it is of use."""
        claim.elsewhere |= {node_id}
        left_s = claim.started + claim.estimate_s - now
        if claim.computing and 0 <= left_s < LEAST_GAIN_S:
            return
        if node_id in claim.missing or node_id == claim.source:
            return
        if claim.source:
            claim.sources = tuple(dict.fromkeys((*claim.sources, node_id)))
        else:
            self._fetch(now, claim, node_id)

    def lacks(self, now: float, claim: Claim, node_id: NodeId) -> None:
        """Take note that a member does not deliver.

        A fetch that is under way all the same is welcome to end well.
        """
        claim.sources = tuple(each for each in claim.sources if each != node_id)
        if node_id != claim.source:
            return
        claim.missing |= {node_id}
        claim.elsewhere -= {node_id}
        claim.source = ""
        self._desk.timers.drop(claim.key)
        if claim.sources:
            source, *others = claim.sources
            claim.sources = tuple(others)
            self._fetch(now, claim, source)
        elif claim.tenure is not None and not claim.computing:
            self._runs.hand_over(now, claim)
        elif not claim.is_ours and not claim.call:
            self._claim_again(now, claim)

    def _fetch(self, now: float, claim: Claim, source: NodeId) -> None:
        settings = self._desk.settings
        claim.source = source
        self._desk.out.do(Fetch(claim.key, source))
        patience_s = settings.fetch_factor * claim.estimate_s
        patience_s = max(settings.fetch_least_s, patience_s)
        self._desk.timers.set(claim.key, now + patience_s)
        if not claim.is_told:
            left_s = min(FETCH_S, claim.estimate_s)
            self._runs.tell_waiting(now, claim, source, left_s)
