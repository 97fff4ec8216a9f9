"""One world from its beginning until nothing is wanted in it any more."""

from __future__ import annotations

from random import Random

from peer.claims.messages import NodeId

from .daemon import Daemon
from .faults import Fault
from .invariants import Checker, Violation
from .ledger import Ledger
from .machine import Makers, Stage
from .network import Network
from .outcome import Outcome, outcome
from .realm import Realm
from .setup import Setup
from .transcript import Transcript
from .world import World

BEGINNING_S = 0.1
"""By then all daemons know each other."""

DRAIN_S = 30.0
"""So long after the last demand all tables are empty."""

PATIENCE_S = 300.0
"""So long beyond all faults, and all work on one machine, a world may last."""


class Simulation:
    """A world under way.

    Attributes:
        stage: what its processes share.
        realm: its machines.
    """

    def __init__(
        self,
        setup: Setup,
        random: Random,
        *,
        transcript: Transcript | None = None,
        makers: Makers,
    ) -> None:
        """Put everything up.

        Args:
            setup: the world.
            random: where its chance comes from.
            transcript: takes what happens.
            makers: of the machines under test.
        """
        self._setup = setup
        self._world = world = World(random, transcript)
        ledger = Ledger()
        daemons: dict[NodeId, Daemon] = {}
        self.stage = Stage(
            world=world,
            network=Network(world, daemons, ledger.disturb),
            program=setup.program,
            ledger=ledger,
            checker=Checker(),
            machines={},
            daemons=daemons,
            settings=setup.settings,
            makers=makers,
        )
        self.stage.checker.stage = self.stage
        self.realm = Realm(setup, self.stage)
        names = self.stage.names
        names.update({task.key: f"task{task.number}" for task in setup.program.tasks})
        world.note("world", "is", *map(str, setup.machines))
        if transcript is not None:
            transcript.names = names

    def play(self) -> Outcome:
        """Let everything happen.

        Raises:
            Violation: something happened that must not.
        """
        setup, world, realm = self._setup, self._world, self.realm
        for task in setup.program.tasks:
            world.note("world", "has", task)
        for place in range(len(realm.machines)):
            realm.begin_daemon(place)
        world.play(BEGINNING_S)
        self.stage.ledger.disturbances.clear()
        for fault in setup.faults:
            world.at(fault.at, None, self._befall, fault)
        realm.pending = len(setup.runs)
        for plan in setup.runs:
            world.at(plan.starts, None, realm.begin_run, plan)
        self._play_until_done()
        self._drain()
        self.stage.checker.check_end(realm.runs, is_calm=setup.is_calm)
        return outcome(self.stage, realm.runs)

    def _befall(self, fault: Fault) -> None:
        self._world.note("world", "suffers", fault)
        self.stage.ledger.disturb(self._world.now)
        fault.happen(self.realm)

    def _play_until_done(self) -> None:
        world, setup, realm = self._world, self._setup, self.realm
        work_s = sum(task.seconds for task in setup.program.tasks)
        slowest = min(machine.speed for machine in setup.machines)
        last = max(run.starts for run in setup.runs)
        until = last + 3 * work_s / slowest + PATIENCE_S
        while not realm.is_done:
            if world.now > until:
                late = [run.name for run in realm.runs if not run.is_over]
                raise Violation("I3", f"{late} and {realm.pending} more do not finish")
            world.play(world.now + 1.0)

    def _drain(self) -> None:
        """Let nothing be wanted any more, and some time pass."""
        self._world.note("world", "wants no more")
        self.stage.is_over = True
        for place in range(len(self.realm.machines)):
            self.realm.end_runs(place)
        self._world.play(self._world.now + DRAIN_S)
