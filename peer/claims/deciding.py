"""What follows from what arbiters and holders say."""

from __future__ import annotations

from .claim import Claim, Tenure
from .desk import Desk
from .fetching import Fetching
from .holding import Holding
from .messages import (
    Answer,
    Better,
    DoneAt,
    Grant,
    HeldBy,
    Item,
    NodeId,
    Released,
)
from .runs import Runs
from .walk import Walk

GRID_S = 0.05
"""Claims are made again at multiples of this, so that many are one message."""


class Deciding:
    """Takes the answers to claims."""

    def __init__(self, desk: Desk, holding: Holding, runs: Runs) -> None:
        """Begin with nothing asked."""
        self._desk = desk
        self._holding = holding
        self._runs = runs
        self.walk = Walk(desk, self._take, self._spare, self._deny)
        self.fetching = Fetching(desk, runs, self.walk.begin)

    def doubt(self, now: float, claim: Claim, arbiter: NodeId, holder: NodeId) -> None:
        """An arbiter's word was empty: it is not asked about this node again."""
        if arbiter == self._desk.me:
            return
        claim.avoided |= {arbiter}
        if self._desk.strikes.empty(now, arbiter, holder):
            self._desk.out.count("arbiters_struck")

    def _take(
        self, now: float, claim: Claim, node: NodeId, boot_id: bytes, answer: Answer
    ) -> None:
        if isinstance(answer, Grant):
            self._granted(now, claim, node, boot_id, answer)
        elif isinstance(answer, HeldBy):
            self._held(now, claim, node, answer)
        elif isinstance(answer, DoneAt):
            self._done_at(now, claim, node, answer)
        elif isinstance(answer, Better):
            self.walk.redirect(now, claim, node, answer)
        else:
            self._runs.free(now, claim)

    # ---- the answers ---------------------------------------------------------------

    def _granted(
        self, now: float, claim: Claim, node: NodeId, boot_id: bytes, grant: Grant
    ) -> None:
        tenure = claim.tenure
        if tenure is not None:
            if (tenure.arbiter, tenure.token) != (node, grant.token):
                released = Released(claim.key, boot_id, grant.token, False)
                self._desk.out.release(node, released)
            return
        is_first = node == self._desk.order(claim)[0]
        claim.tenure = Tenure(node, boot_id, grant.token, grant.is_hedge, is_first)
        if grant.is_hedge:
            self._desk.out.count("hedges_granted")
        self._holding.start(now, claim)
        if claim.computing:
            for run in claim.computing:
                self._runs.tell_granted(claim, run)
        elif not claim.source:
            self._runs.hand_over(now, claim)

    def _held(self, now: float, claim: Claim, node: NodeId, answer: HeldBy) -> None:
        desk = self._desk
        holder = answer.holder
        if holder == desk.me:
            if not claim.is_ours:
                self.doubt(now, claim, node, holder)
                self.walk.go_on(now, claim)
            return
        if self._is_denied(now, claim, node, holder):
            self.doubt(now, claim, node, holder)
            self.walk.go_on(now, claim)
            return
        if not claim.said_by:
            desk.out.count("claims_held")
        # What a holder says of itself counts only so far against what is known here.
        most_s = 10 * claim.estimate_s + desk.settings.ttl_s
        left_s = min(max(0.0, answer.left_ms / 1000), most_s)
        claim.said_by = node
        claim.believe(now, holder, now + left_s + desk.settings.grace_s)
        for run in claim.computing:
            self._runs.tell_held(claim, run, holder, left_s)
        if not claim.computing and not claim.source:
            self._runs.tell_waiting(now, claim, holder, left_s)
            self._ask_again(now, claim, answer.retry_ms / 1000)

    def _ask_again(self, now: float, claim: Claim, pause_s: float) -> None:
        settings = self._desk.settings
        pause_s = min(settings.max_retry_s, max(settings.least_retry_s, pause_s))
        pause_s *= 0.9 + 0.2 * self._desk.random.random()
        # When a holder's time is over, its word is looked into without delay.
        check_at = max(claim.check_at, now + settings.least_retry_s)
        due = min(now + pause_s, check_at)
        self._desk.timers.set(claim.key, (due // GRID_S + 1) * GRID_S)

    def _done_at(self, now: float, claim: Claim, node: NodeId, answer: DoneAt) -> None:
        self._desk.out.count("claims_done")
        source = answer.node_id
        if source != self._desk.me and source not in claim.missing:
            self.fetching.has(now, claim, source)
        elif not claim.is_denied:
            # It may have been missed before this arbiter was asked: say so to it.
            claim.is_denied = True
            claim.missing |= {source}
            self.walk.begin(now, claim)
        else:
            self.doubt(now, claim, node, source)
            self.walk.go_on(now, claim)

    def _is_denied(
        self, now: float, claim: Claim, node: NodeId, holder: NodeId
    ) -> bool:
        """Return whether a holder has just said that it is none, and is named again."""
        if claim.denied is None or claim.denied[:2] != (node, holder):
            return False
        return now < claim.denied[2] + 2 * self._desk.settings.ask_s

    def _deny(self, now: float, claim: Claim, is_silent: bool) -> None:
        """An alleged holder says that it is none, or says nothing."""
        holder, said_by = claim.holder, claim.said_by
        claim.holder = None
        if holder is not None and said_by != self._desk.me:
            if is_silent or claim.denied is not None:
                self.doubt(now, claim, said_by, holder)
            else:  # it may have given the node back just now
                claim.denied = said_by, holder, now
        elif holder is not None and not is_silent:
            self._desk.arbiter.forget(now, claim.key, holder)
        self.walk.begin(now, claim)

    def _spare(
        self, now: float, node: NodeId, boot_id: bytes, item: Item, grant: Grant
    ) -> None:
        """A grant came for what nobody here wants any more."""
        is_done = self._desk.here.get(now, item.key) is not None
        released = Released(item.key, boot_id, grant.token, is_done)
        self._desk.out.release(node, released)
