"""A simulated run: the real :class:`scheduler.turns.Turns` over a plan of tasks.

It does what the engine does with them, without computing anything: it claims ready
tasks ahead of a free slot, starts what it may, waits for others only when it has
nothing else to do, and begins without a grant when it has waited enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from peer.claims.messages import Key
from scheduler.neighbours import Arrived, ClaimAnswer, Free, Granted, Held
from scheduler.patience import Patience
from scheduler.turns import AHEAD_S, Move
from store import NodeKey

from .alarm import NEVER, Alarm
from .alone import seconds_alone
from .idling import Idling
from .ledger import Cause
from .machine import Machine, Stage
from .programs import SHARED_S, Task
from .progress import Progress, State
from .ranks import Ranks
from .setup import RunSetup
from .shelf import TRUE, Kept
from .slots import Job, Slots
from .world import Process

if TYPE_CHECKING:
    from .daemon import Daemon

LOCAL_S = 0.0002
"""A message between a run and its daemon."""

RECONNECT_S = 5.0
"""A run whose daemon has ended looks for another so often."""

POLL_S = 0.1
"""A run looks so often whether another run of its machine has ended a task."""


class Run(Process):
    """One process that computes goals.

    Attributes:
        plan: what it is to do.
        machine: where it runs.
        name: for people.
        run_id: under which its daemon knows it.
        began: when.
        ended: when its last goal was there; None before.
        alone_s: how long it would take if there were nobody else.
        longest_s: how long the longest of its tasks takes.
        is_hopeless: whether nobody expects it to end.
    """

    def __init__(
        self, stage: Stage, machine: Machine, plan: RunSetup, number: int
    ) -> None:
        super().__init__()
        self.plan = plan
        self.machine = machine
        self.name = f"run{number}"
        self.run_id = 0
        self.began = stage.world.now
        self.ended: float | None = None
        self._is_cut_off = False
        self.is_hopeless = machine.nature.hoards
        self._frozen_s = 0.0
        self._jumped_s = 0.0
        self._froze_at = 0.0
        self._stage = stage
        self._world = stage.world
        self._tasks = {task.key: task for task in stage.program.tasks}
        self._progress = Progress(stage.program, plan.goals, machine.shelf)
        self._slots = Slots(self, stage, machine, self._finish)
        self._patience = Patience(self.now)
        self._turns = stage.makers.turns(self._patience, plan.slots)
        self._daemon: Daemon | None = None
        self._claimed: dict[Key, float] = {}
        """When the present claim of a task went out."""
        self._ranks = Ranks(machine.me)
        self._startable: list[tuple[int, Task, Cause]] = []
        self._is_finding = False
        self._idling = Idling(stage.world, machine)
        self._alarm = Alarm(stage.world, self, self._go_on)

    # ---- beginning and end -------------------------------------------------

    def begin(self) -> None:
        """Connect, ask others for results, and begin to compute."""
        self._connect()
        progress, machine = self._progress, self.machine
        self._world.note(self.name, "begins", machine.me, "goals", progress.goals)
        tasks = progress.executable()
        self.longest_s = max(map(machine.seconds, tasks), default=0.0)
        self.alone_s = seconds_alone(tasks, self.plan.slots, machine.seconds)
        self._patience.expect(self.alone_s * machine.estimate_factor)
        if not self._find(progress.needed()):
            self._demand()

    def die(self) -> None:
        """End without a word; the system closes the connection and frees leases."""
        self._world.note(self.name, "dies")
        self.is_alive = False
        self._close()

    def _end(self) -> None:
        self.ended = self._world.now
        self._world.note(self.name, "ends", "after", self.elapsed_s)
        self._close()
        self._stage.checker.ended(self)

    def _close(self) -> None:
        daemon = self._daemon
        if daemon is not None:
            self._world.after(LOCAL_S, daemon, daemon.disconnect, self.run_id)
        self._slots.stop_all()
        self.machine.runs.remove(self)

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of this run."""
        return self.ended is not None or not self.is_alive

    @property
    def now(self) -> float:
        """What the machine's clock shows."""
        return self.machine.clock.read(self._world.now)

    @property
    def elapsed_s(self) -> float:
        """How long the run took, without the time in which it was frozen."""
        assert self.ended is not None
        return self.ended - self.began - self._frozen_s

    @property
    def waited_s(self) -> float:
        """How long its slots only waited."""
        return self._idling.waited_s

    @property
    def seems_s(self) -> float:
        """How much more time seemed to pass to it."""
        return self._frozen_s + self._jumped_s

    # ---- what befalls it ---------------------------------------------------

    def froze(self) -> None:
        """Stop computing."""
        self._froze_at = self._world.now
        self._slots.freeze()

    def cut_off(self) -> None:
        """The daemon has given this run up; it will know when it goes on."""
        self._is_cut_off = True
        self._slots.orphan()

    def thawed(self) -> None:
        """Go on computing where it stopped."""
        frozen_s = self._world.now - self._froze_at
        self._frozen_s += frozen_s
        self._idling.freeze(frozen_s)
        self._slots.thaw()
        if self._is_cut_off:
            self._is_cut_off = False
            self._world.after(0.0, self, self._reconnect)

    def clock_jumped(self, seconds: float) -> None:
        """Take note that more time seems to have passed."""
        self._jumped_s += seconds
        self._alarm.clear()
        self._alarm.set(self._world.now)

    # ---- the daemon --------------------------------------------------------

    def _connect(self) -> None:
        daemon = self.machine.daemon
        self._daemon = None
        if daemon is not None and daemon.is_alive:
            self._daemon = daemon
            self.run_id = daemon.connect(self)

    def find_daemon_soon(self) -> None:
        """A daemon has begun; it will be noticed."""
        delay = self._world.random.uniform(0.0, RECONNECT_S)
        self._world.after(delay, self, self._find_daemon)

    def _find_daemon(self) -> None:
        if self._daemon is None or not self._daemon.is_alive:
            self._connect()
            self._go_on()

    def lose_daemon(self) -> None:
        """The connection has ended: what was asked counts as answered with nobody."""
        self._daemon = None
        if self._is_finding:  # nothing has been claimed yet
            return
        self._idling.end(self._turns)
        keys = self._turns.keys()
        for key in keys:
            if not self._turns.may_start(key):
                self._take(Free(key), Cause.OFFLINE)
        self._go_on()

    def _reconnect(self) -> None:
        self.lose_daemon()
        self._connect()

    @property
    def _has_company(self) -> bool:
        daemon = self._daemon
        return daemon is not None and bool(daemon.view.live)

    def _say(self, what: str, *args: object) -> None:
        daemon = self._daemon
        if daemon is not None:
            act = getattr(daemon, what)
            self._world.after(LOCAL_S, daemon, act, self.run_id, *args)

    # ---- what others have --------------------------------------------------

    def _find(self, needed: Sequence[Task]) -> bool:
        """Ask others for results; return whether anybody is asked."""
        keys = tuple(
            task.key for task in needed if self.machine.estimate_s(task) >= SHARED_S
        )
        if not keys or self._daemon is None or not self._has_company:
            return False
        self._is_finding = True
        self._idling.begin()
        self._daemon.find(keys, self, self._found)
        return True

    def _found(self) -> None:
        """Go on: all has been heard, or it takes too long."""
        if self._is_finding:
            self._is_finding = False
            self._idling.end_silence(self._patience)
            self._demand()

    def _demand(self) -> None:
        self._progress.demand()
        self._go_on()

    # ---- what is done next -------------------------------------------------

    def _go_on(self) -> None:
        """Claim, start, and wait, as far as there is reason to."""
        if self.is_over or self._is_finding:
            return
        self._idling.end(self._turns)
        settled = -1
        while settled != self._progress.settled:
            if self._progress.is_over:
                self._end()
                return
            settled = self._progress.settled
            self._claim()
            self._start()
            self._hand_back()
            while self._is_idle and (late := self._overdue()):
                self._begin_late(late)
        self._wait()

    @property
    def _is_idle(self) -> bool:
        is_starved = self._slots.free > 0 and not self._startable
        return is_starved and self._turns.is_waiting

    def _wait(self) -> None:
        """Wait for answers, until they are late, or a slot will be free soon."""
        if self._is_idle:
            wait_s = self._turns.wait_s(self.now)
            self._idling.begin(self._slots.free, wait_s)
            self._wake_in(wait_s)
        if State.READY not in self._progress.states:
            return
        waits = [end - AHEAD_S for end in self._slots.ends_in() if end > AHEAD_S]
        slow = self._turns.next_slow(self.now)
        if slow is not None:
            waits.append(slow)
        if waits:
            self._wake_in(min(waits))

    def _wake_in(self, seconds: float) -> None:
        if seconds < NEVER:
            reading = self.now + max(0.0, seconds) + 1e-6
            self._alarm.set(self.machine.clock.when(reading))

    # ---- claiming ----------------------------------------------------------

    def _claim(self) -> None:
        """Claim ready tasks ahead of a free slot; queue those that need no claim."""
        ready = self._progress.ready()
        if not ready:
            return
        items: list[tuple[Key, float]] = []
        soon = self._soon()
        ranked = sorted((self._rank(task), task.number, task) for task in ready)
        for rank, _, task in ranked:
            estimate_s = self.machine.estimate_s(task)
            if self._use_store(task):
                continue
            if estimate_s < SHARED_S:
                self._enqueue(task, rank, Cause.SMALL)
            elif not self._has_company:
                self._enqueue(task, rank, Cause.FREE)
            elif self._turns.may_ask(soon, self.now):
                self._turns.ask(NodeKey(task.key), estimate_s, self.now, rank)
                self._progress.states[task.number] = State.CLAIMED
                items.append((task.key, estimate_s))
        if items:
            self._want(tuple(items))

    def _want(self, items: tuple[tuple[Key, float], ...]) -> None:
        self._claimed.update((key, self._world.now) for key, _ in items)
        self._say("want", items)

    def _rank(self, task: Task) -> int:
        live = self._daemon.view.live if self._daemon is not None else frozenset()
        return self._ranks.of(task.key, self.machine.estimate_s(task), live)

    def _soon(self) -> int:
        ending = sum(end <= AHEAD_S for end in self._slots.ends_in())
        return self._slots.free + ending

    # ---- answers -----------------------------------------------------------

    def hear(self, answer: ClaimAnswer, sent: float) -> None:
        """Take what the daemon says of a claim, unless it means an earlier one."""
        if self.is_over or sent < self._claimed[answer.key] + LOCAL_S - 1e-9:
            return
        self._idling.end(self._turns)
        self._take(answer, _cause(answer))
        self._go_on()

    def _take(self, answer: ClaimAnswer, cause: Cause) -> None:
        task = self._tasks[answer.key]
        move = self._turns.answer(answer, self.now)
        if self._world.transcript is not None:
            self._world.note(self.name, "hears", answer, move.name)
        if move is Move.START:
            self._enqueue(task, self._rank(task), cause)
        elif move is Move.USE:
            self._use(task)
        elif move is Move.ABANDON:
            self._slots.stop(task)
            self._progress.states[task.number] = State.CLAIMED
            self._say("give_up", (task.key,), False)
            self._want(((task.key, self.machine.estimate_s(task)),))
        elif isinstance(answer, Granted):
            self._slots.granted(task, cause)

    def _use(self, task: Task) -> None:
        key = NodeKey(task.key)
        if self._progress.states[task.number] in (State.DONE, State.FAILED):
            self._turns.end(key)
        elif self._use_store(task):
            self._turns.took(key, self.now)
        elif self._turns.missed(key, self.now) is Move.START:
            self._enqueue(task, 0, Cause.FREE)

    def _use_store(self, task: Task) -> bool:
        """Use the store's result of a task, if there is one."""
        kept = self.machine.shelf.kept.get(task.key)
        if kept is None:
            return False
        self._slots.stop(task)
        self._progress.settle(task, kept)
        return True

    # ---- computing ---------------------------------------------------------

    def _enqueue(self, task: Task, rank: int, cause: Cause) -> None:
        self._progress.states[task.number] = State.STARTABLE
        self._startable.append((rank, task, cause))

    def _start(self) -> None:
        """Start what may be started, as far as slots are free."""
        states = self._progress.states
        self._startable.sort(key=lambda entry: (entry[0], entry[1].number))
        waiting: list[tuple[int, Task, Cause]] = []
        for rank, task, cause in self._startable:
            if states[task.number] is not State.STARTABLE:
                continue
            if self._slots.free <= 0 or not self._start_one(task, cause):
                waiting.append((rank, task, cause))
        self._startable = waiting

    def _start_one(self, task: Task, cause: Cause) -> bool:
        if self._use_store(task):
            if self._turns.end(NodeKey(task.key)):
                self._say("give_up", (task.key,), False)
            return True
        other = self.machine.leases.get(task.key)
        if other is not None and other is not self:
            self._wake_in(POLL_S)
            return False
        self._turns.start(NodeKey(task.key), self.now)
        self._compute(task, cause)
        return True

    def _compute(self, task: Task, cause: Cause) -> None:
        self._progress.states[task.number] = State.RUNNING
        self._slots.start(task, cause)

    def _hand_back(self) -> None:
        """Leave to others what was granted and has no slot in sight."""
        states = self._progress.states
        for key in self._turns.surplus(self._soon()):
            states[self._tasks[key].number] = State.READY
            self._say("give_up", (key,), False)
        self._startable = [
            entry
            for entry in self._startable
            if states[entry[1].number] is not State.READY
        ]

    def _overdue(self) -> list[NodeKey]:
        return self._turns.overdue(self.now, self._slots.free)

    def _begin_late(self, keys: list[NodeKey]) -> None:
        """Begin without a grant."""
        self._say("begun", tuple(keys))
        for key in keys:
            task = self._tasks[key]
            if self._use_store(task):
                self._turns.end(key)
                self._say("give_up", (key,), False)
            else:
                self._compute(task, Cause.UNGRANTED)

    def _finish(self, job: Job) -> None:
        """Keep a result, and tell others of it."""
        self._idling.end(self._turns)
        task = job.task
        self._world.note(self.name, "has computed", task.key)
        has_claim = self._turns.end(NodeKey(task.key))
        if task.fails:
            if has_claim:
                self._say("give_up", (task.key,), True)
            self._progress.fail(task)
        else:
            kept = self._value(task)
            if self.machine.estimate_s(task) >= SHARED_S:
                self._stage.checker.kept(self.machine, task.key, kept)
                self.machine.shelf.put(task.key, kept)
                self._say("publish", (task.key,))
            self._progress.settle(task, kept)
        self._go_on()

    def _value(self, task: Task) -> Kept:
        """Return what the kernel makes of the arguments."""
        random = self._world.random
        arguments = [self._progress.values[number] for number in task.arguments]
        value = max((kept.value for kept in arguments), default=TRUE)
        rate = self.machine.nature.lie_rate
        if rate and random.random() < rate:
            value = random.randrange(1, 1 << 30)
        relies_on = frozenset().union(*(kept.reliances for kept in arguments))
        return Kept(value, relies_on=relies_on)


def _cause(answer: ClaimAnswer) -> Cause:
    """Return why a task begins that is computed after an answer."""
    if isinstance(answer, Granted):
        return Cause.HEDGE if answer.is_hedge else Cause.GRANTED
    if isinstance(answer, Held | Arrived):
        return Cause.UNGRANTED
    return Cause.FREE
