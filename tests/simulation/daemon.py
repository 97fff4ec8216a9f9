"""A simulated daemon: the real claim machine, and a shell that carries out actions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count as numbers
from random import Random
from typing import Any

from peer.claims.messages import (
    Action,
    Answered,
    Ask,
    Begun,
    Count,
    Event,
    Fetch,
    Fetched,
    Finished,
    GivenUp,
    Grant,
    Key,
    NodeId,
    Offered,
    Release,
    Renew,
    RunEnded,
    RunId,
    TellArrived,
    TellFree,
    TellGranted,
    TellHeld,
    Tick,
    Wanted,
)
from scheduler.neighbours import Arrived, ClaimAnswer, Free, Granted, Held
from store import NodeKey

from .alarm import Alarm
from .calls import Calls
from .fetching import Fetching
from .gossip import Gossip
from .machine import Machine, Stage
from .run import LOCAL_S, Run
from .service import Service
from .view import View
from .world import Process

ACT_S = 1.9
"""So often those do something who mean no good."""

MANY_KEYS = 1000
"""Tables that hold so many do not become full in a world."""


class Daemon(Process):
    """One life of a machine's daemon.

    Attributes:
        me: node id.
        boot_id: of this life.
        machine: where it lives.
        stage: where the machine stands.
        claims: the claim machine under test.
        calls: to other daemons.
        service: what other daemons can ask.
        gossip: what is heard of other daemons.
    """

    def __init__(self, machine: Machine, stage: Stage) -> None:
        super().__init__()
        random = stage.world.random
        self.me = machine.me
        self.boot_id = random.randbytes(16)
        self.machine = machine
        self.stage = stage
        seed = random.getrandbits(32)
        self.claims = stage.makers.claims(
            self.me, self.boot_id, Random(seed), stage.settings
        )
        self.calls = Calls(self)
        self.service = Service(self)
        self.gossip = Gossip(self)
        self._fetching = Fetching(self)
        self.find = self._fetching.find
        self._runs: dict[RunId, Run] = {}
        self._numbers = numbers(1)
        self._awaited: set[Key] = set()
        self._alarm = Alarm(stage.world, self, self._tick)
        self._do: dict[type[Any], Callable[[Any], None]] = {
            Ask: self.calls.ask,
            Renew: self.calls.renew,
            Release: self.calls.release,
            Fetch: self._fetching.fetch,
            TellGranted: self._tell,
            TellHeld: self._tell,
            TellFree: self._tell,
            TellArrived: self._tell,
            Count: self._count,
        }

    @property
    def now(self) -> float:
        """What this machine's clock shows."""
        return self.machine.clock.read(self.stage.world.now)

    @property
    def view(self) -> View:
        """Who is believed to be there."""
        return self.gossip.view

    def begin(self) -> None:
        """Say hello to everybody."""
        self.gossip.hello()
        if not self.machine.nature.is_truthful:
            self._act()

    def _act(self) -> None:
        """Do what nobody has asked for, from time to time."""
        if self.stage.is_over:
            return
        self.stage.ledger.disturb(self.stage.world.now)
        self.machine.nature.act(self)
        self.stage.world.after(ACT_S, self, self._act)

    # ---- the claim machine -------------------------------------------------

    def step(self, event: Event) -> None:
        """Let the claim machine know, and do what it wants done."""
        stage = self.stage
        if stage.world.transcript is not None and not isinstance(event, Tick):
            stage.world.note(self.me, "hears", event)
        for action in self.claims.step(event, self.now):
            if type(action) is TellGranted and not action.is_hedge:
                self._check_grant(event, action.key)
            self._carry_out(action)
        if stage.settings.max_keys < MANY_KEYS:
            stage.checker.looked(self)
        self.wind()

    def _check_grant(self, event: Event, key: Key) -> None:
        """Let the checker know of what no other machine has granted."""
        if type(event) is Answered:
            is_granted = any(type(answer) is Grant for answer in event.answers)
        else:  # another run of this machine may have had a grant
            is_granted = type(event) in (GivenUp, RunEnded)
        if not is_granted:
            self.stage.checker.granted_itself(self, key)

    def _carry_out(self, action: Action) -> None:
        world = self.stage.world
        if world.transcript is not None and not isinstance(action, Count):
            world.note(self.me, "does", action)
        self._do[type(action)](action)

    def wind(self) -> None:
        """Set the alarm for when the claim machine has something to do."""
        due = self.claims.next_due(self.now)
        if due is not None:
            self._alarm.set(self.machine.clock.when(due))

    def _tick(self) -> None:
        self.step(Tick())

    def clock_jumped(self) -> None:
        """Look at the clock, which has changed."""
        self._alarm.clear()
        self.step(Tick())
        self.gossip.clock_jumped()

    # ---- what runs say -----------------------------------------------------

    def connect(self, run: Run) -> RunId:
        """Take a run's connection; return the number that it has from now on."""
        run_id = next(self._numbers)
        self._runs[run_id] = run
        return run_id

    def disconnect(self, run_id: RunId) -> None:
        """A run's connection has ended."""
        if self._runs.pop(run_id, None) is not None:
            self.step(RunEnded(run_id))

    def want(self, run_id: RunId, items: tuple[tuple[Key, float], ...]) -> None:
        """Take claims."""
        if run_id in self._runs:
            keys = [key for key, _ in items]
            self._awaited.update(keys)
            for member, offered in self.gossip.offers(keys).items():
                self.step(Offered(member, tuple(offered)))
            self.step(Wanted(run_id, items))

    def begun(self, run_id: RunId, keys: tuple[Key, ...]) -> None:
        """A run computes without a grant."""
        if run_id in self._runs:
            self.step(Begun(run_id, keys))

    def give_up(self, run_id: RunId, keys: tuple[Key, ...], has_failed: bool) -> None:
        """A run neither computes nodes nor waits for them."""
        if run_id in self._runs:
            self._awaited.difference_update(keys)
            self.step(GivenUp(run_id, keys, has_failed))

    def publish(self, run_id: RunId, keys: tuple[Key, ...]) -> None:
        """A run has put results into the store."""
        self._awaited.difference_update(keys)
        self.step(Finished(keys, run_id))
        self.gossip.publish(keys)

    def silent(self, run_id: RunId) -> None:
        """Give a run up if it is still frozen."""
        run = self._runs.get(run_id)
        if run is not None and run.is_frozen:
            run.cut_off()
            self.disconnect(run_id)

    # ---- what runs are told ------------------------------------------------

    def _tell(self, told: TellGranted | TellHeld | TellFree | TellArrived) -> None:
        answer = _as_answer(told)
        if not isinstance(answer, Granted | Held):
            self._awaited.discard(answer.key)
        run = self._runs.get(told.run)
        if run is not None:
            world = self.stage.world
            world.after(LOCAL_S, run, run.hear, answer, world.now)

    def _count(self, count: Count) -> None:
        """Of all counters one matters: an arbiter that is asked no more."""
        if count.name == "arbiters_struck":
            self.stage.ledger.disturb(self.stage.world.now)

    # ---- what comes from others --------------------------------------------

    def fetched(self, fetched: Fetched) -> None:
        """A result is in the store."""
        self._awaited.discard(fetched.key)
        self.step(fetched)

    def hear_of(self, member: NodeId, keys: tuple[Key, ...]) -> None:
        """A member has results; those that are waited for here matter."""
        self.gossip.hear(member, keys)
        awaited = tuple(key for key in keys if key in self._awaited)
        if awaited:
            self.step(Offered(member, awaited))


def _as_answer(
    told: TellGranted | TellHeld | TellFree | TellArrived,
) -> ClaimAnswer:
    """Return what the claim machine says, as a run's port has it."""
    if isinstance(told, TellArrived):
        fetched = told.fetched
        key = NodeKey(fetched.key)
        return Arrived(key, fetched.source or "this machine", fetched.seconds)
    key = NodeKey(told.key)
    if isinstance(told, TellGranted):
        return Granted(key, told.is_hedge)
    if isinstance(told, TellHeld):
        return Held(key, told.holder, told.left_s)
    return Free(key)
