"""The runs of this machine: which has a part in which claim, and what it is told."""

from __future__ import annotations

from .claim import Claim
from .desk import Desk
from .holding import Holding
from .messages import Key, NodeId, RunId, TellFree, TellGranted, TellHeld

LATER_S = 0.1
SOONER_S = 0.5
"""A run is told anew if a result is to come this much later, and a tenth, or sooner."""


class Runs:
    """Who waits, who computes, and who is told."""

    def __init__(self, desk: Desk, holding: Holding) -> None:
        """Begin without runs."""
        self._desk = desk
        self._holding = holding
        self._keys: dict[RunId, set[Key]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def keys(self, run: RunId) -> list[Key]:
        """Return what a run has a part in, in an order that is always the same."""
        return sorted(self._keys.get(run, ()))

    # ---- who has a part ------------------------------------------------------------

    def add(self, claim: Claim, run: RunId) -> None:
        """Let a run wait for a node."""
        claim.waiting[run] = None
        self._keys.setdefault(run, set()).add(claim.key)

    def compute(self, now: float, claim: Claim, run: RunId) -> None:
        """Let a run that waited compute."""
        del claim.waiting[run]
        claim.computing[run] = None
        self._desk.workload.add(now, run, claim)

    def stop(self, now: float, claim: Claim, run: RunId) -> None:
        """Let a run neither compute a node nor wait for it."""
        claim.waiting.pop(run, None)
        if run in claim.computing:
            del claim.computing[run]
            self._desk.workload.remove(now, run, claim)

    def remove(self, now: float, claim: Claim, run: RunId) -> None:
        """Let a run have no part in a node any more."""
        self.stop(now, claim, run)
        keys = self._keys.get(run)
        if keys is not None:
            keys.discard(claim.key)
            if not keys:
                del self._keys[run]

    def close(self, now: float, claim: Claim) -> None:
        """End a claim."""
        del self._desk.claims[claim.key]
        self._desk.timers.drop(claim.key)
        for run in (*claim.waiting, *claim.computing):
            self.remove(now, claim, run)

    def close_if_idle(self, now: float, claim: Claim) -> None:
        """End a claim that no run has a part in; its lease ends with it."""
        if claim.waiting or claim.computing:
            return
        if claim.start:
            self._holding.end(now, claim, is_done=False)
        self.close(now, claim)

    # ---- who computes --------------------------------------------------------------

    def hand_over(self, now: float, claim: Claim) -> None:
        """Let the first run that waits compute; the others wait for it."""
        run = next(iter(claim.waiting))
        self.compute(now, claim, run)
        claim.started = now
        self._desk.workload.look(claim)
        self.tell_granted(claim, run)
        self.tell_waiting(now, claim, "", claim.whole_s)

    def free(self, now: float, claim: Claim) -> None:
        """Let every run that waits compute for itself; the node is not shared."""
        for run in list(claim.waiting):
            self.tell_free(run, claim.key)
            self.remove(now, claim, run)
        self.close_if_idle(now, claim)

    # ---- telling -------------------------------------------------------------------

    def tell_free(self, run: RunId, key: Key) -> None:
        """Tell a run to compute a node, whoever else does."""
        self._desk.out.count("claims_free")
        self._desk.out.do(TellFree(run, key))

    def tell_granted(self, claim: Claim, run: RunId) -> None:
        """Tell a run that the node is its own."""
        is_hedge = claim.tenure is not None and claim.tenure.is_hedge
        self._desk.out.count("claims_granted")
        self._desk.out.do(TellGranted(run, claim.key, is_hedge))

    def tell_held(
        self, claim: Claim, run: RunId, holder: NodeId, left_s: float
    ) -> None:
        """Tell a run who computes a node."""
        self._desk.out.do(TellHeld(run, claim.key, holder, left_s))

    def tell_waiting(
        self, now: float, claim: Claim, holder: NodeId, left_s: float
    ) -> None:
        """Tell all that wait, unless they know as much."""
        eta = now + left_s
        later_s = eta - claim.eta
        is_known = -SOONER_S < later_s < LATER_S + 0.1 * left_s
        is_known = is_known or (not left_s and claim.is_told and claim.eta <= now)
        if is_known and holder == claim.told_holder:
            return
        claim.eta = eta
        claim.told_holder = holder
        for run in claim.waiting:
            self.tell_held(claim, run, holder, left_s)
