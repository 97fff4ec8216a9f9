"""The claim protocol at work: its lock, its clock, and its ways in and out.

The protocol (:mod:`peer.claims`) is a state machine without I/O.  Here events are
brought to it under one lock, and what it wants done is carried out without the lock:
calls on threads of their own, answers to runs by whoever decided them.  One thread
brings it the time.

==================== ===========================================================
:mod:`.runs`         what the runs of this machine say, and are told
:mod:`.policy`       which of their claims are worth making
:mod:`.calls`        calls to other members
:mod:`.arbiters`     who can be asked
:mod:`.results`      results that others have
==================== ===========================================================
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import TypeAlias

import grpc

from peer.claims import Claims
from peer.claims.messages import (
    Action,
    Answer,
    Ask,
    Count,
    Event,
    Fetch,
    Item,
    Lease,
    Release,
    Released,
    Renew,
    TellArrived,
    TellFree,
    TellGranted,
    TellHeld,
    Tick,
)
from peer.daemon.company import Company
from peer.daemon.fetching import Fetching
from peer.daemon.realm import Realm
from peer.events import mistake
from peer.exchange import Refusal
from peer.identity import NodeId
from peer.local import messages
from peer.local.server import Reply
from peer.wire import limits
from store import NodeKey

from .arbiters import Arbiters
from .calls import ClaimCalls
from .outbox import Outbox
from .policy import ClaimPolicy
from .results import ClaimResults
from .runs import Runs
from .times import ClaimTimes

LOCK_S = 0.2
"""How long a member that calls waits for the protocol; its own deadline is near."""

RETRY_MS = 100
LEAST_PAUSE_S = 0.002
"""Between two ticks: what is always due must not take the machine."""

LATE_S = 1.0
"""A tick that comes so late tells that this process was stopped."""

MAX_ESTIMATE_S = 1e6

Doings: TypeAlias = "tuple[Iterable[Event], Iterable[Outbox]]"
"""What happened, and where there is something to be sent besides."""


class Claiming:
    """The claims of one daemon and its runs.  Any thread may use it."""

    def __init__(
        self,
        realm: Realm,
        boot_id: bytes,
        company: Company,
        fetching: Fetching,
        policy: ClaimPolicy,
        refresh: Callable[[], None],
    ) -> None:
        """Prepare; :meth:`start` brings it the time.

        Args:
            realm: in which it counts.
            boot_id: of this process.
            company: the neighbours.
            fetching: brings results here.
            policy: which claims are made.
            refresh: called when others than :meth:`look` said may be arbiters.
        """
        me = realm.identity.node_id
        self.times = ClaimTimes()
        self._realm = realm
        self._boot_id = boot_id
        self._policy = policy
        self._refresh = refresh
        self._machine = Claims(me, boot_id, Random())
        self._runs = Runs(realm.directory.name, self.times)
        self._results = ClaimResults(fetching, company, self.tell, self._estimate_s)
        self._arbiters = Arbiters(me, company, self.tell)
        self._calls = ClaimCalls(boot_id, company, self.tell, self._exclude)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._wakes_at = float("-inf")
        self._is_stopping = False
        self._clock = threading.Thread(target=self._run, name="claims", daemon=True)

    # ---- life --------------------------------------------------------------

    def start(self) -> None:
        """Let time pass."""
        self._clock.start()

    def stop(self) -> None:
        """End; leases are given back, so that nobody waits for them to lapse."""
        self._work(lambda _: (self._runs.end(), ()))
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        if self._clock.is_alive():
            self._clock.join()
        self._calls.stop()

    def _run(self) -> None:
        while True:
            with self._changed:
                late_s = self._wait_until_due()
                if self._is_stopping:
                    return
                if late_s > LATE_S:  # what runs said has not been read yet
                    self._runs.excuse(time.monotonic())
            try:
                self._work(self._tick, is_clock=True)
            except Exception as error:  # without a clock no claim would ever end
                mistake("claims, clock", error)

    def _tick(self, now: float) -> Doings:
        lapsed, told = self._runs.lapse(now)
        if told:
            self._realm.counters.add("claims_lapsed_runs", len(told))
        return [*lapsed, Tick()], told

    def _wait_until_due(self) -> float:
        """Wait, with the lock, for the next tick; return how late it comes."""
        planned = float("inf")
        least = time.monotonic() + LEAST_PAUSE_S
        while not self._is_stopping:
            now = time.monotonic()
            due = max(least, self._next_due(now))
            if due <= now:
                break
            self._wakes_at = planned = due
            self._changed.wait(None if due == float("inf") else due - now)
        self._wakes_at = float("-inf")
        return time.monotonic() - planned

    def _next_due(self, now: float) -> float:
        dues = (self._machine.next_due(now), self._runs.next_lapse())
        return min((due for due in dues if due is not None), default=float("inf"))

    # ---- what happens ------------------------------------------------------

    def tell(self, *events: Event) -> None:
        """Bring events to the protocol, and do what follows from them."""
        self._work(lambda _: (events, ()))

    def look(self) -> tuple[NodeId, ...]:
        """See who is there; return all who decide about claims, us among them."""
        return self._arbiters.look()

    def heard_of(self, node_id: NodeId) -> None:
        """A neighbour's inventory has changed: it may have what is claimed here."""
        with self._lock:
            keys = self._runs.awaited(time.monotonic())
        self._results.look_at(node_id, keys)

    def settle(self, is_shared: Callable[[NodeKey], bool]) -> None:
        """Look which published results are shared by now."""
        if self._runs.is_settling:
            self._work(lambda now: self._runs.settle(now, is_shared))

    def computed(self) -> set[NodeKey]:
        """Return the nodes that runs here compute while others may wait for them."""
        with self._lock:
            return self._runs.computed()

    def states(self) -> dict[str, int]:
        """Return numbers for status."""
        with self._lock:
            return self._machine.states()

    # ---- what runs say -----------------------------------------------------

    def claim(self, request: messages.Claim, reply: Reply) -> None:
        """A run claims nodes.

        Raises:
            ValueError: an item is none.
        """
        for item in request.items:
            _check(item)
        shareable = self._policy.shareable(request.items, self._arbiters.others)
        wanted = {NodeKey(item.key): item.estimate_s for item in shareable}
        free = [NodeKey(it.key) for it in request.items if it.key not in wanted]
        if free:
            self._realm.counters.add("claims_unshared", len(free))
        # Arbiters forget in a minute what is done; neighbours' inventories do not.
        self._results.look_for(list(wanted))
        self._work(
            lambda now: self._runs.claim(now, reply, request.id, wanted.items(), free)
        )

    def begin(self, keys: Sequence[NodeKey], reply: Reply) -> None:
        """A run computes claimed nodes without a grant."""
        self._work(lambda now: (self._runs.begin(now, reply, keys), ()))

    def release(
        self, keys: Sequence[NodeKey], reply: Reply, *, has_failed: bool
    ) -> None:
        """A run ends claims without a result."""
        self._work(
            lambda now: (
                self._runs.release(now, reply, keys, has_failed=has_failed),
                (),
            )
        )

    def publish(self, keys: Sequence[NodeKey], reply: Reply) -> None:
        """Results of a run are in the store; they are settled once they are shared."""
        with self._lock:
            self._runs.publish(time.monotonic(), reply, keys)

    def alive(self, reply: Reply) -> None:
        """A run lives."""
        with self._lock:
            self._runs.alive(time.monotonic(), reply)

    def ended(self, connection: int) -> None:
        """A connection is over."""
        self._work(lambda _: (self._runs.ended(connection), ()))

    # ---- what other members ask --------------------------------------------

    def asked(
        self, caller: NodeId, boot_id: bytes, items: Sequence[Item]
    ) -> tuple[bytes, Sequence[Answer]]:
        """Answer claims of a member, as an arbiter."""
        with self._held() as now:
            return self._boot_id, self._machine.claim(now, caller, boot_id, items)

    def renewed(
        self, caller: NodeId, boot_id: bytes, leases: Sequence[Lease]
    ) -> Sequence[bytes]:
        """Prolong leases of a member; return those that others hold."""
        with self._held() as now:
            return self._machine.renew(now, caller, boot_id, leases)

    def released(
        self, caller: NodeId, boot_id: bytes, released: Sequence[Released]
    ) -> None:
        """End leases of a member."""
        with self._held() as now:
            self._machine.release(now, caller, boot_id, released)

    @contextmanager
    def _held(self) -> Iterator[float]:
        """Hold the lock, or refuse: who waits for an answer goes elsewhere."""
        if not self._lock.acquire(timeout=LOCK_S):
            busy = grpc.StatusCode.RESOURCE_EXHAUSTED
            raise Refusal(busy, "no time for claims", RETRY_MS)
        try:
            now = time.monotonic()
            yield now
            self._wake_clock(now)
        finally:
            self._lock.release()

    # ---- the protocol ------------------------------------------------------

    def _work(
        self, happens: Callable[[float], Doings], *, is_clock: bool = False
    ) -> None:
        """Let something happen, and carry out what follows from it.

        Args:
            happens: called with the time, under the lock.
            is_clock: whether a run that takes no answers must not hold us up.
        """
        actions: list[Action] = []
        held: list[NodeKey] = []
        with self._lock:
            now = time.monotonic()
            events, outboxes = happens(now)
            told: dict[int, Outbox] = {id(outbox): outbox for outbox in outboxes}
            for event in events:
                actions += self._step(event, now)
            for action in actions:
                if isinstance(action, TellGranted | TellHeld | TellFree | TellArrived):
                    outbox = self._runs.tell(now, action)
                    if outbox is not None:
                        told[id(outbox)] = outbox
                        if isinstance(action, TellHeld) and action.holder:
                            held.append(NodeKey(action.key))
            self._wake_clock(now)
        self._carry_out(actions)
        for outbox in told.values():
            if is_clock:
                self._calls.soon(outbox.send)
            else:
                outbox.send()
        if held:
            self._results.look_for(held)

    def _step(self, event: Event, now: float) -> list[Action]:
        try:
            return self._machine.step(event, now)
        except Exception as error:  # a run must not wait for ever for a mistake of ours
            mistake(f"claims, {type(event).__name__}", error)
            return []

    def _wake_clock(self, now: float) -> None:
        if self._next_due(now) < self._wakes_at:
            self._changed.notify_all()

    def _carry_out(self, actions: Iterable[Action]) -> None:
        fetches: list[Fetch] = []
        for action in actions:
            match action:
                case Ask():
                    self._calls.ask(action)
                case Renew():
                    self._calls.renew(action)
                case Release():
                    self._calls.release(action)
                case Fetch():
                    fetches.append(action)
                case Count():
                    self._realm.counters.add(action.name, action.by)
                case TellArrived():
                    self._realm.counters.add("claims_arrived")
        if fetches and not self._is_stopping:
            self._results.fetch(fetches)

    # ---- details -----------------------------------------------------------

    def _estimate_s(self, key: NodeKey) -> float:
        with self._lock:
            return self._runs.estimate_s(key)

    def _exclude(self, node_id: NodeId) -> None:
        self._arbiters.exclude(node_id)
        self._realm.counters.add("claims_not_offered")
        self._refresh()


def _check(item: messages.ClaimItem) -> None:
    if len(item.key) != limits.KEY_BYTES:
        raise ValueError("node keys have 32 bytes each")
    if not 0 <= item.estimate_s <= MAX_ESTIMATE_S or item.size_bytes < 0:
        raise ValueError("an estimate or a size that is none")
