"""The machines of a world, and what can be done to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .auditing import Auditor
from .clock import Clock
from .daemon import Daemon
from .machine import Machine, Stage
from .network import Weather
from .run import Run
from .setup import MachineSetup, RunSetup, Setup
from .world import Process

RUN_SILENT_S = 10.0
"""A run that says nothing for so long is given up by its daemon."""

FOR_EVER_S = float("inf")


class Realm:
    """All machines, by place, with their daemons and runs.

    Attributes:
        machines: in the order of the setup.
        runs: all that ever began.
        pending: runs that are to begin.
    """

    def __init__(self, setup: Setup, stage: Stage) -> None:
        """Put the machines up; nothing runs on them yet."""
        self._stage = stage
        self._world = stage.world
        self.machines = [self._put_up(each) for each in setup.machines]
        self.runs: list[Run] = []
        self.pending = 0
        self._back_at: dict[int, float] = {}
        if setup.has_audits:
            for machine in self.machines:
                machine.auditor = Auditor(machine, stage)

    def _put_up(self, setup: MachineSetup) -> Machine:
        stage, random = self._stage, self._world.random
        me = random.randbytes(8).hex()
        clock = Clock(setup.clock_rate, random.uniform(0.0, 1e6))
        machine = Machine(me, clock, setup.speed, setup.estimate_factor, setup.nature)
        stage.names[me] = f"peer{len(stage.machines)}"
        stage.machines[me] = machine
        if setup.lag_s:
            stage.network.lags[me] = setup.lag_s
        return machine

    @property
    def is_done(self) -> bool:
        """Whether nobody wants anything any more."""
        return (
            not self.pending
            and all(run.is_over or run.is_hopeless for run in self.runs)
            and all(
                each.auditor is None or each.auditor.is_idle for each in self.machines
            )
        )

    def later(self, delay: float, act: Callable[..., None], *args: Any) -> None:
        """Let something happen after ``delay`` seconds."""
        self._world.after(delay, None, act, *args)

    # ---- daemons -----------------------------------------------------------

    def begin_daemon(self, place: int) -> None:
        """Begin a life of a machine's daemon, if there is none."""
        machine = self.machines[place]
        if machine.daemon is not None and machine.daemon.is_alive:
            return
        daemon = machine.daemon = Daemon(machine, self._stage)
        self._stage.daemons[machine.me] = daemon
        self._world.note(machine.me, "begins", "boot", daemon.boot_id)
        daemon.begin()
        for run in machine.runs:
            run.find_daemon_soon()

    def end_daemon(self, place: int) -> None:
        """End a daemon's life; what it held is forgotten."""
        machine = self.machines[place]
        if machine.daemon is not None and machine.daemon.is_alive:
            machine.daemon.is_alive = False
            for run in machine.runs:
                self._world.after(0.0, run, run.lose_daemon)

    # ---- runs --------------------------------------------------------------

    def begin_run(self, plan: RunSetup) -> None:
        """Begin a run, at once or when its machine is there again."""
        machine = self.machines[plan.machine]
        back = self._back_at.get(plan.machine, 0.0)
        if self._world.now < back < FOR_EVER_S:
            self._world.at(back, None, self.begin_run, plan)
            return
        self.pending -= 1
        if self._world.now >= back:
            run = Run(self._stage, machine, plan, len(self.runs))
            self.runs.append(run)
            machine.runs.append(run)
            run.begin()

    def end_runs(self, place: int) -> list[RunSetup]:
        """Let a machine's runs die; return what they were to do."""
        dying = list(self.machines[place].runs)
        for run in dying:
            run.die()
        return [run.plan for run in dying]

    def begin_runs(self, after_s: float, plans: list[RunSetup]) -> None:
        """Begin runs after a while that :meth:`end_runs` has ended."""
        self.pending += len(plans)
        for plan in plans:
            self.later(after_s, self.begin_run, plan)

    # ---- machines ----------------------------------------------------------

    def away(self, place: int, for_s: float) -> None:
        """Let nobody begin anything on a machine for a while."""
        back = self._world.now + for_s
        self._back_at[place] = max(self._back_at.get(place, 0.0), back)

    def lose_store(self, place: int) -> None:
        """Lose all results of a machine."""
        shelf = self.machines[place].shelf
        self._stage.ledger.lost_results.update(list(shelf.kept))
        shelf.kept.clear()

    def freeze(self, place: int, what: str, for_s: float) -> None:
        """Stop processes of a machine; for ever, if ``for_s`` is not finite."""
        if what != "daemon":
            self.away(place, for_s)
        if for_s < FOR_EVER_S:
            self.later(for_s, self._thaw, place, what)
        for process in self._processes(place, what):
            process.is_frozen = True
            if isinstance(process, Run):
                self._freeze_run(process, for_s)

    def _freeze_run(self, run: Run, for_s: float) -> None:
        run.froze()
        run.is_hopeless |= for_s == FOR_EVER_S
        daemon = run.machine.daemon
        if daemon is not None:
            self._world.after(RUN_SILENT_S, daemon, daemon.silent, run.run_id)

    def _thaw(self, place: int, what: str) -> None:
        """Let processes of a machine go on, and what they missed happen."""
        self._stage.ledger.disturb(self._world.now)
        for process in self._processes(place, what):
            if process.is_frozen:
                process.is_frozen = False
                if isinstance(process, Run):
                    process.thawed()
                for act, args in process.take_missed():
                    self._world.after(0.0, process, act, *args)

    def _processes(self, place: int, what: str) -> list[Process]:
        machine = self.machines[place]
        processes: list[Process] = []
        if what != "runs" and machine.daemon is not None:
            processes.append(machine.daemon)
        if what != "daemon":
            processes.extend(machine.runs)
        return processes

    def jump(self, place: int, seconds: float) -> None:
        """Let a machine's monotonic clock jump."""
        machine = self.machines[place]
        self._stage.ledger.disturb(self._world.now)
        machine.clock.jump(seconds)
        for run in machine.runs:
            run.clock_jumped(seconds)
        if machine.daemon is not None and machine.daemon.is_alive:
            daemon = machine.daemon
            self._world.after(0.0, daemon, daemon.clock_jumped)

    # ---- the network -------------------------------------------------------

    def change_weather(self, weather: Weather) -> None:
        """Let the network become better or worse."""
        self._stage.network.weather = weather

    def divide(self, groups: Mapping[int, int]) -> None:
        """Cut the network into groups of machines."""
        by_id = {self.machines[place].me: group for place, group in groups.items()}
        self._stage.network.divide(by_id)
        self._stage.checker.divided()

    def heal(self) -> None:
        """Make the network whole."""
        self._stage.ledger.disturb(self._world.now)
        self._stage.network.heal()
