"""What becomes of the nodes that runs of this machine want.

A claim asks its way to an arbiter (:mod:`.walk`), and does what that says
(:mod:`.deciding`).  Then this machine holds the node (:mod:`.holding`) until its run
has the result or gives up; or somebody else does, and the claim waits, asks again from
time to time, and fetches the result (:mod:`.fetching`) once somebody has it.  A run is
never kept from computing: it may begin at any time.
"""

from __future__ import annotations

from .arbiter import MAX_S
from .claim import Claim
from .deciding import Deciding
from .desk import Desk
from .duplicates import Duplicates
from .holding import Holding
from .messages import (
    Begun,
    Fetched,
    Finished,
    GivenUp,
    Key,
    NodeId,
    NotFetched,
    Offered,
    Released,
    RunEnded,
    RunId,
    TellArrived,
    Wanted,
)
from .runs import Runs


class Claimant:
    """All claims of this machine."""

    def __init__(self, desk: Desk) -> None:
        """Begin with nothing wanted."""
        self._desk = desk
        self.holding = Holding(desk)
        self._runs = Runs(desk, self.holding)
        self._deciding = Deciding(desk, self.holding, self._runs)
        self.walk = self._deciding.walk
        self._fetching = self._deciding.fetching
        self.duplicates = Duplicates(desk.settings, desk.view)

    # ---- runs ----------------------------------------------------------------------

    def wanted(self, now: float, event: Wanted) -> None:
        """Find out for each node whether the run is to compute it."""
        begun: list[Claim] = []
        for key, estimate_s in event.items:
            claim = self._desk.claims.get(key)
            if claim is not None:
                self._join(now, claim, event.run)
            elif not self._is_told(now, event.run, key):
                claim = Claim(key, min(MAX_S, max(0.0, estimate_s)))
                self._desk.claims[key] = claim
                self._runs.add(claim, event.run)
                begun.append(claim)
        self._desk.workload.expect(now, event.run, begun)
        for claim in begun:
            source = self._desk.offered.get(now, claim.key)
            if source is None:
                self.walk.begin(now, claim)
            else:
                self._fetching.has(now, claim, source)

    def begun(self, now: float, event: Begun) -> None:
        """Take note that a run does not wait any longer, but computes."""
        for key in event.keys:
            claim = self._desk.claims.get(key)
            if claim is None or event.run not in claim.waiting:
                continue  # its result came, or it was told to go ahead
            self._desk.out.count("begun_without_grant")
            is_first = not claim.computing
            self._runs.compute(now, claim, event.run)
            if is_first:
                claim.has_begun = claim.tenure is None
                self.holding.start(now, claim)
                self._runs.tell_waiting(now, claim, "", claim.left_s(now))

    def finished(self, now: float, event: Finished) -> None:
        """Take note of results; whoever waits for them is told."""
        for key in event.keys:
            claim = self._desk.claims.get(key)
            if claim is not None:
                self._finished(now, claim, event.run)
            else:
                self._finished_unclaimed(now, key)

    def given_up(self, now: float, event: GivenUp) -> None:
        """Take note that a run needs no answer, or has none."""
        for key in event.keys:
            self._leave(now, key, event.run, has_failed=event.has_failed)

    def run_ended(self, now: float, event: RunEnded) -> None:
        """Give up all that a run wanted."""
        for key in self._runs.keys(event.run):
            self._leave(now, key, event.run, has_failed=False)

    # ---- results -------------------------------------------------------------------

    def offered(self, now: float, event: Offered) -> None:
        """Fetch what is waited for from who has it, or will be in a moment."""
        if event.node_id == self._desk.me:
            return
        for key in event.keys:
            claim = self._desk.claims.get(key)
            if claim is not None:
                self._fetching.has(now, claim, event.node_id)
            else:
                self._desk.offered.put(now, key, event.node_id)
                cause = self.duplicates.offered(now, event.node_id, key)
                self._count_duplicate(cause)

    def fetched(self, now: float, event: Fetched) -> None:
        """Tell everybody that a result is here."""
        claim = self._desk.claims.get(event.key)
        if claim is None:
            return
        if claim.computing:
            self.duplicates.arrived(now, claim)
        if claim.start:
            self.holding.end(now, claim, is_done=True)
        self._arrive(now, claim, event, [*claim.waiting, *claim.computing])

    def not_fetched(self, now: float, event: NotFetched) -> None:
        """Try another source, or claim again."""
        claim = self._desk.claims.get(event.key)
        if claim is not None:
            self._fetching.lacks(now, claim, event.node_id)

    # ---- members and time ----------------------------------------------------------

    def gone(self, now: float, node_id: NodeId) -> None:
        """Do not wait for a member that is not there, and learn who follows it."""
        for claim in list(self._desk.claims.values()):
            self._fetching.lacks(now, claim, node_id)
            is_waited_for = claim.holder == node_id and not claim.is_ours
            if is_waited_for and not claim.call and not claim.source:
                self._desk.timers.set(claim.key, now)
        self.holding.gone(now, node_id)

    def hear(self, now: float, key: Key) -> None:
        """Look at a claim at once: something was heard of its node here."""
        claim = self._desk.claims.get(key)
        if claim is not None and not claim.source:
            self._desk.timers.set(key, now)

    def tick(self, now: float) -> None:
        """Look at the claims that are due."""
        for key in self._desk.timers.pop_due(now):
            claim = self._desk.claims.get(key)
            if claim is not None:
                self._look(now, claim)
        self.holding.tick(now)

    def _look(self, now: float, claim: Claim) -> None:
        done_at = self._desk.arbiter.done_at(now, claim.key)
        if claim.source:
            self._fetching.lacks(now, claim, claim.source)  # not in time, at least
            return
        if done_at and done_at != self._desk.me and done_at not in claim.missing:
            self._fetching.has(now, claim, done_at)
        if claim.is_ours or claim.call or claim.source:
            return
        self._desk.workload.expect(now, next(iter(claim.waiting)), [claim])
        if now >= claim.check_at and claim.said_by != claim.holder:
            self.walk.ask_holder(now, claim)
        else:
            self.walk.begin(now, claim)

    # ---- how claims begin ----------------------------------------------------------

    def _is_told(self, now: float, run: RunId, key: Key) -> bool:
        """Tell a run at once what is known without asking."""
        desk = self._desk
        told = desk.here.get(now, key)
        if told is not None and run not in told:
            told.add(run)
            desk.out.do(TellArrived(run, Fetched(key, "", 0.0)))
            return True
        if not desk.view.live or desk.arbiter.has_failed(now, key):
            self._runs.tell_free(run, key)
            return True
        return False

    def _join(self, now: float, claim: Claim, run: RunId) -> None:
        """Let one more run wait for a node, or answer once more."""
        runs = self._runs
        if run in claim.computing:
            if claim.tenure is not None:
                runs.tell_granted(claim, run)
                return
            self._stop(now, claim, run)  # it had begun, and waits again
        runs.add(claim, run)
        if claim.computing:
            runs.tell_held(claim, run, "", claim.left_s(now))
        elif claim.tenure is not None and not claim.source:
            runs.hand_over(now, claim)
        elif claim.is_told:
            left_s = max(0.0, claim.eta - now)
            runs.tell_held(claim, run, claim.source or claim.told_holder, left_s)

    # ---- how claims end ------------------------------------------------------------

    def _finished(self, now: float, claim: Claim, run: RunId | None) -> None:
        told = [each for each in (*claim.waiting, *claim.computing) if each != run]
        if run is None and len(claim.computing) == 1:
            told = list(claim.waiting)  # it must have been the one that computes
        if claim.computing:
            self._judge(now, claim)
        if claim.start or claim.call or claim.said_by:
            self.holding.end(now, claim, is_done=True)
        self._arrive(now, claim, Fetched(claim.key, "", 0.0), told)

    def _finished_unclaimed(self, now: float, key: Key) -> None:
        """A result came that was not claimed, or whose claim had ended."""
        desk = self._desk
        self._count_duplicate(self.duplicates.finished_late(now, key))
        if desk.arbiter.holders(now, key):
            released = Released(key, b"", 0, True)
            desk.arbiter.release(now, desk.me, desk.boot_id, (released,))

    def _judge(self, now: float, claim: Claim) -> None:
        """Count what this execution was."""
        desk = self._desk
        rivals = set(desk.arbiter.holders(now, claim.key)) - {desk.me}
        if claim.holder is not None:
            rivals.add(claim.holder)
        cause = self.duplicates.finished(now, claim, frozenset(rivals))
        self._count_duplicate(cause)
        is_hedge = claim.tenure is not None and claim.tenure.is_hedge
        if is_hedge and not claim.elsewhere:
            desk.out.count("hedges_won")
        # A holder that is its own arbiter confirms itself; what is left is to see that
        # we began after it and were done before it.
        is_vain = claim.holder is not None and not claim.is_believed(now)
        if is_vain and claim.has_begun and claim.holder == claim.said_by:
            self._deciding.doubt(now, claim, claim.said_by, claim.said_by)

    def _arrive(
        self, now: float, claim: Claim, fetched: Fetched, told: list[RunId]
    ) -> None:
        for run in told:
            self._desk.out.do(TellArrived(run, fetched))
        self._desk.here.put(now, claim.key, {*claim.waiting, *claim.computing})
        self._runs.close(now, claim)

    def _leave(self, now: float, key: Key, run: RunId, *, has_failed: bool) -> None:
        """Go on without a run."""
        claim = self._desk.claims.get(key)
        if claim is None:
            return
        if run in claim.computing:
            if has_failed:
                self.holding.end(now, claim, is_done=False, has_failed=True)
                self._runs.remove(now, claim, run)
                self._runs.free(now, claim)
                return
            self._stop(now, claim, run)
        self._runs.remove(now, claim, run)
        self._runs.close_if_idle(now, claim)

    def _stop(self, now: float, claim: Claim, run: RunId) -> None:
        """A run does not compute a node any more; another may."""
        self._runs.stop(now, claim, run)
        if claim.computing:
            return
        if claim.tenure is None:
            self.holding.end(now, claim, is_done=False)
            claim.eta = float("-inf")  # who waited for it has to be told anew
            if not claim.call and not claim.source:
                self._desk.timers.set(claim.key, now)
        elif claim.waiting:
            self._runs.hand_over(now, claim)

    def _count_duplicate(self, cause: str | None) -> None:
        if cause is not None:
            self._desk.out.count(f"duplicate_executions_{cause}")

    def states(self) -> dict[str, int]:
        """Return how many claims are in which state, and how many runs have any."""
        counted = {"asking": 0, "held": 0, "fetching": 0, "granted": 0, "begun": 0}
        for claim in self._desk.claims.values():
            counted[claim.state] += 1
        return {**counted, "waiting_runs": len(self._runs)}
