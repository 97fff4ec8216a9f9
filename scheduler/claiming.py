"""The claims of one run: ready nodes on their way to a slot, or to somebody else.

With company, a ready node that is worth it (:mod:`scheduler.claimable`) is claimed
before it is computed, in the order in which machines that want the same meet late.
Those that are granted wait here for a slot; those that others compute wait for their
results while the run does other work.  What is decided, and how long is waited, is in
:mod:`scheduler.turns`; this carries it out.

Whatever befalls a claimed node ends its claim: its result is committed, it fails, its
value comes from elsewhere, its arguments are lost, or nobody wants it any more.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from store import NodeKey

from .claimable import Claimable
from .jobs import Job
from .neighbours import Arrived, Claim, ClaimAnswer, Neighbours
from .patience import Patience
from .plan import Ref
from .reasons import Reasons
from .slots import Slots
from .states import DONE, HELD, READY, RUNNING
from .turns import AHEAD_S, MORE, Move, Turns
from .work_order import Ranked, WorkOrder

if TYPE_CHECKING:
    from .engine import Engine


AGAIN_S = 0.5
"""Seconds between two questions whether others by now have what is to be claimed."""

AGAIN_NODES = 1000
"""Nodes of one such question."""


@dataclass(frozen=True, slots=True)
class Told:
    """An answer to a claim, on its way to the engine's thread.

    ``batch`` numbers the claims that went out together: answers that come after the end
    of a claim must not be taken for answers to the next one of the same node.
    """

    batch: int
    answer: ClaimAnswer


@dataclass(slots=True)
class _Entry:
    """A claim that is out, or computed for.  Nodes of equal keys share one."""

    rank: int
    claim: Claim
    refs: list[Ref]
    batch: int = 0


class Claiming:
    """The claims of one run; used by its engine's thread alone.

    Attributes:
        waited: for nodes that others were at, who that was, and for how many seconds.
    """

    def __init__(
        self,
        engine: Engine,
        neighbours: Neighbours,
        patience: Patience,
        claimable: Claimable,
        reasons: Reasons,
        capacity: int,
        *,
        keeps_order: bool = False,
    ) -> None:
        """Begin without claims.

        Args:
            engine: of the run.
            neighbours: whom to tell and ask.
            patience: the account of the run.
            claimable: which nodes are worth it.
            reasons: takes note of why nodes are computed.
            capacity: cores of the run.
            keeps_order: whether the order of the program is kept in any case.
        """
        self.waited: dict[Ref, tuple[str, float]] = {}
        self._engine = engine
        self._neighbours = neighbours
        self._claimable = claimable
        self._reasons = reasons
        self._turns = Turns(patience, capacity)
        self._slots = Slots(capacity, claimable.job_s)
        self._queue = WorkOrder(neighbours, keeps_order=keeps_order)
        self._entries: dict[NodeKey, _Entry] = {}
        self._starts: list[tuple[int, Ref]] = []
        """What may start, a heap."""
        self._released: list[NodeKey] = []
        self._batches = 0
        self._next_again = 0.0
        """When to ask again for what is in the queue."""
        self._is_stopped = False

    # ---- what is taken -----------------------------------------------------

    def takes(self, ref: Ref) -> bool:
        """Take a ready node that is to be claimed, or was granted; False if not.

        What was lost or is doubted is computed here: the answer to a claim would be
        the result that is not believed.
        """
        if self._neighbours.is_alone or ref in self._engine.recovery.lost:
            return False
        key = self._engine.graph.keys[ref]
        entry = self._entries.get(key) if key is not None else None
        if key is not None and entry is not None:
            self._join(key, entry, ref)
            return True
        cores = self._slots.capacity // (1 + self.width)
        claim = self._claimable.claim(ref, cores)
        if claim is not None:
            self._queue.add(ref, claim)
        return claim is not None

    def _join(self, key: NodeKey, entry: _Entry, ref: Ref) -> None:
        """Take a node whose key is claimed: another one, or one to try again."""
        if ref not in entry.refs:
            entry.refs.append(ref)
        if self._turns.may_start(key):
            heapq.heappush(self._starts, (entry.rank, ref))
        elif self._turns.waited(key, 0.0) is not None:
            self._engine.states[ref] = HELD

    @property
    def width(self) -> int:
        """How many nodes could be computed here, as far as is known."""
        return len(self._queue) + len(self._starts)

    # ---- what is started ---------------------------------------------------

    @property
    def can_start(self) -> bool:
        """Whether there is a node that may start."""
        return bool(self._starts) or self._is_left_alone

    @property
    def _is_left_alone(self) -> bool:
        """Whether what was to be claimed is not: there is nobody any more.

        It starts one by one, so that the rest is claimed should somebody come back.
        """
        return bool(self._queue) and self._neighbours.is_alone

    def next(self) -> Ref | None:
        """Return the next node to start, or None; it must be started or let go of."""
        while self._starts:
            _, ref = heapq.heappop(self._starts)
            key = self._engine.graph.keys[ref]
            if key is not None and key in self._turns:
                if not self._turns.may_start(key):
                    continue  # it was left to somebody else meanwhile
                self._turns.start(key, time.monotonic())
                cause = self._turns.cause(key)
                if cause:
                    self._reasons.note(ref, cause)
            return ref
        while self._is_left_alone:
            ref = self._queue.pop().ref
            if self._is_wanted(ref):
                return ref
        return None

    def is_claimed(self, ref: Ref) -> bool:
        """Return whether others wait for a node's result: it has to be kept."""
        key = self._engine.graph.keys[ref]
        return key is not None and key in self._turns

    def began(self, job: Job) -> None:
        """Take note that the job of a node runs."""
        self._slots.begin(job, time.monotonic())

    def ended(self, job: Job) -> None:
        """Take note that a job has ended."""
        self._slots.end(job)

    # ---- claims that go out ------------------------------------------------

    @property
    def is_due(self) -> bool:
        """Whether :meth:`send` has something to do."""
        if self._released:
            return True
        if not self._queue or self._neighbours.is_alone:
            return False
        now = time.monotonic()
        return now >= self._next_again or self._may_ask(self._soon(now), now)

    def send(self) -> None:
        """Claim ahead of free slots, in one batch, and tell what has ended."""
        self._hand_back()
        self._release()
        if not self._queue or self._neighbours.is_alone:
            return
        claims = self._next_claims()
        if claims:
            refs = [ref for claim in claims for ref in self._entries[claim.key].refs]
            self._engine.found.note_inputs(refs)
            self._claim(claims)
        self._ask_again()

    def _ask_again(self) -> None:
        """Have fetched what others have finished since the queue was asked for.

        Else it would be heard of only when it is claimed, a few at a time.
        """
        now = time.monotonic()
        if now < self._next_again or self._engine.asking is None:
            return
        is_first = not self._next_again  # it was asked for just now
        self._next_again = now + AGAIN_S
        refs = [] if is_first else self._queue.some(AGAIN_NODES)
        wanted = [ref for ref in refs if self._is_wanted(ref)]
        if wanted:
            self._engine.asking.ask_again(wanted)

    def _claim(self, claims: Sequence[Claim]) -> None:
        self._batches += 1
        batch, tell = self._batches, self._engine.messages.tell
        for claim in claims:
            self._entries[claim.key].batch = batch
        self._neighbours.claim(claims, lambda answer: tell(Told(batch, answer)))

    def _may_ask(self, soon: int, now: float) -> bool:
        """Return whether another claim may go out.

        What was freed and has not started counts, too: else all that is ready would be
        freed at once, and be claimed no more when there is somebody again.
        """
        return self._turns.may_ask(soon, now, len(self._freed()))

    def _freed(self) -> list[tuple[int, Ref]]:
        """Return what may start without a claim, in its order."""
        keys, turns = self._engine.graph.keys, self._turns
        return sorted(
            each
            for each in self._starts
            if (key := keys[each[1]]) is None or key not in turns
        )

    def _hand_back(self) -> None:
        """Leave to others what was granted, or freed, and will not start soon."""
        if not self._starts:
            return
        soon = self._soon(time.monotonic())
        self._take_back(soon)
        surplus = self._turns.surplus(soon)
        for key in surplus:
            entry = self._entries.pop(key)
            for ref in entry.refs:
                self._queue.put_back(Ranked(entry.rank, ref, entry.claim))
                if (entry.rank, ref) in self._starts:
                    self._starts.remove((entry.rank, ref))
        if surplus:
            heapq.heapify(self._starts)
            self._released += surplus

    def _take_back(self, soon: int) -> None:
        """Let what was freed and will not start soon be claimed again, later."""
        unclaimed = set(self._freed()[soon + MORE :])
        if not unclaimed:
            return
        self._starts = [each for each in self._starts if each not in unclaimed]
        heapq.heapify(self._starts)
        for _, ref in unclaimed:
            self._engine.dispatch.add(ref)

    def _next_claims(self) -> list[Claim]:
        now = time.monotonic()
        soon = self._soon(now)
        claims: list[Claim] = []
        while self._queue and self._may_ask(soon, now):
            ranked = self._queue.pop()
            ref, claim = ranked.ref, ranked.claim
            if not self._is_wanted(ref):
                continue
            entry = self._entries.get(claim.key)
            if entry is not None:
                self._join(claim.key, entry, ref)
                continue
            self._entries[claim.key] = _Entry(ranked.rank, claim, [ref])
            self._turns.ask(claim.key, claim.estimate_s, now, ranked.rank)
            claims.append(claim)
        return claims

    def _is_wanted(self, ref: Ref) -> bool:
        engine = self._engine
        return engine.states[ref] is READY and engine.uses[ref] > 0

    def _soon(self, now: float) -> int:
        """Return for how many nodes there is or will soon be a core, and memory."""
        dispatch = self._engine.dispatch
        if not dispatch.is_short_of_memory:
            return self._slots.soon(dispatch.free, now + AHEAD_S)
        # One at a time: the next when nothing runs any more.
        free = 0 if dispatch.running else 1
        return min(1, self._slots.soon(free, now + AHEAD_S))

    # ---- what is answered --------------------------------------------------

    def on_told(self, told: Told) -> None:
        """Do what an answer asks for."""
        answer = told.answer
        entry = self._entries.get(answer.key)
        if entry is None or entry.batch != told.batch or self._is_stopped:
            return
        now = time.monotonic()
        waited = self._turns.waited(answer.key, now)
        move = self._turns.answer(answer, now)
        if move in (Move.START, Move.USE) and waited is not None:
            self.waited.update(dict.fromkeys(entry.refs, waited))
        if move is Move.USE:
            assert isinstance(answer, Arrived)
            self._use(entry, answer, now)
        elif move is Move.START:
            self._let_start(answer.key, entry)
        elif move is Move.WAIT:
            self._wait(entry)
        elif move is Move.ABANDON:
            self._abandon(entry)
        if answer.key not in self._turns:
            self._entries.pop(answer.key, None)
        self._show()

    def _use(self, entry: _Entry, arrived: Arrived, now: float) -> None:
        """Use a result that came, whatever is under way for it here."""
        engine, key = self._engine, arrived.key
        del self._entries[key]
        found = engine.store.lookup([key]).get(key)
        if found is not None:
            engine.found.note_arrived(
                entry.refs[0], found, wants_audit=arrived.wants_audit
            )
        used = [
            ref
            for ref in entry.refs
            if found is not None
            and not engine.found.is_settled(ref)
            and engine.found.arrive(ref, found)
        ]
        is_foreign = found is not None and found.result.origin == "peer"
        for ref in used:
            if is_foreign and engine.asking is not None:
                engine.asking.took(ref, arrived)
            else:
                engine.found.from_store.add(ref)
                engine.progress.from_store += 1
        if used:
            self._turns.took(key, now)
        elif self._turns.missed(key, now) is Move.START:
            for ref in entry.refs:
                self._reasons.note(ref, "late")
            self._let_start(key, entry)

    def _let_start(self, key: NodeKey, entry: _Entry) -> None:
        states = self._engine.states
        for ref in entry.refs:
            if states[ref] in (READY, HELD):
                states[ref] = READY
                heapq.heappush(self._starts, (entry.rank, ref))

    def _wait(self, entry: _Entry) -> None:
        states = self._engine.states
        for ref in entry.refs:
            if states[ref] is READY:
                states[ref] = HELD

    def _abandon(self, entry: _Entry) -> None:
        """Stop what was begun, and wait for somebody else who is at it."""
        engine = self._engine
        for ref in entry.refs:
            if engine.states[ref] is RUNNING:
                engine.dispatch.overtake(ref)
                engine.states[ref] = HELD
        self._wait(entry)
        self._neighbours.release([entry.claim.key])
        self._claim([entry.claim])

    def goes_on(self, ref: Ref) -> bool:
        """Return whether the value of a job that was to stop is used all the same.

        That is so when the node was left to somebody else, whose result is not here.
        """
        key = self._engine.graph.keys[ref]
        if key is None or self._engine.states[ref] is not HELD:
            return False
        entry = self._entries.get(key)
        if entry is None:
            return False
        self._turns.start(key, time.monotonic())
        self._let_start(key, entry)  # others of this key wait for nobody now
        return True

    # ---- waiting -----------------------------------------------------------

    @property
    def is_waiting(self) -> bool:
        """Whether a claim is waited for."""
        return self._turns.is_waiting

    @property
    def is_silent(self) -> bool:
        """Whether more is waited for than what others have said will take so long."""
        return self._turns.is_silent(time.monotonic())

    def wait_s(self) -> float | None:
        """Return after how many idle seconds to look; None if there is no need to."""
        now = time.monotonic()
        waits: list[float] = []
        is_starved = self._engine.dispatch.is_starved
        if is_starved and self._turns.is_waiting:
            waits.append(self._turns.wait_s(now))
        if self._queue and not self._neighbours.is_alone:
            waits.append(max(0.0, self._next_again - now))
        if self._queue:
            end = self._slots.next_end(now + AHEAD_S)
            if end is not None:
                waits.append(end - AHEAD_S - now)
            if is_starved and (slow := self._turns.next_slow(now)) is not None:
                waits.append(slow)
        return min(waits, default=None)

    def spend(self, seconds: float) -> None:
        """Take note of time in which a core waited for claims alone."""
        free = max(1, self._engine.dispatch.free)
        self._turns.spend(seconds, time.monotonic(), free)

    def look(self) -> None:
        """Begin what is not waited for any longer, if there is nothing else to do."""
        dispatch = self._engine.dispatch
        if not dispatch.is_starved:
            return
        now = time.monotonic()
        keys = self._turns.overdue(now, dispatch.free)
        if not keys:
            return
        self._neighbours.begin(keys)
        for key in keys:
            entry = self._entries[key]
            waited = self._turns.waited(key, now)
            if waited is not None:
                self.waited.update(dict.fromkeys(entry.refs, waited))
            self._let_start(key, entry)
        self._show()

    # ---- ends --------------------------------------------------------------

    def let_go(self, ref: Ref) -> None:
        """End a node's claim without a result, and without a failure."""
        self._queue.discard(ref)
        key = self._engine.graph.keys[ref]
        entry = self._entries.get(key) if key is not None else None
        if key is None or entry is None or ref not in entry.refs:
            return
        entry.refs.remove(ref)
        if not entry.refs:
            self._end(key)
            self._released.append(key)

    def fail(self, ref: Ref) -> None:
        """End the claim of a node that was computed and has no value."""
        key = self._engine.graph.keys[ref]
        if key is not None and self._end(key):
            self._neighbours.release([key], has_failed=True)

    def settle(self, ref: Ref) -> None:
        """End the claim of a node whose result another process has stored here."""
        key = self._engine.graph.keys[ref]
        if key is not None and key in self._turns:
            self.publish([key])

    def give_up(self, keys: Sequence[NodeKey]) -> None:
        """End the claims of nodes whose results could not be kept."""
        self._released += [key for key in keys if self._end(key)]

    def publish(self, keys: Sequence[NodeKey]) -> None:
        """Tell of results that were committed, which ends their claims."""
        for key in keys:
            self._end(key)
        self._neighbours.publish(keys)

    def _end(self, key: NodeKey) -> bool:
        self._entries.pop(key, None)
        is_open = self._turns.end(key)
        if is_open:
            self._show()
        return is_open

    def stop(self) -> None:
        """Take no answers any more, and end all claims but those being computed."""
        self._is_stopped = True
        states = self._engine.states
        waiting = [
            key
            for key, entry in self._entries.items()
            if not any(states[ref] in (RUNNING, DONE) for ref in entry.refs)
        ]
        self.give_up(waiting)
        self._release()

    def close(self) -> None:
        """End what is left."""
        self.give_up(self._turns.keys())
        self._release()

    def _release(self) -> None:
        released, self._released = self._released, []
        if released:
            self._neighbours.release(released)

    def _show(self) -> None:
        self._engine.progress.held_elsewhere = self._turns.held
