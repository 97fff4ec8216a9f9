"""One machine of the realm, and the stage on which all of them stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from peer.claims import Claims, Settings
from peer.claims.messages import Key, NodeId
from scheduler.patience import Patience
from scheduler.turns import Turns

from .clock import Clock
from .ledger import Ledger
from .natures import HONEST, Nature
from .network import Network
from .programs import SHARED_S, Program, Task
from .shelf import Shelf
from .world import World

if TYPE_CHECKING:
    from .auditing import Auditor
    from .daemon import Daemon
    from .invariants import Checker
    from .run import Run

MakeTurns: TypeAlias = Callable[[Patience, int], Turns]
MakeClaims: TypeAlias = Callable[[NodeId, bytes, Random, Settings], Claims]


@dataclass(slots=True, eq=False)
class Machine:
    """A computer with a store, a daemon and runs.

    Attributes:
        me: node id.
        clock: monotonic clock of all its processes.
        speed: how fast it computes; 1 is ordinary.
        estimate_factor: estimates are durations times this.
        nature: how its daemon and its runs behave.
        shelf: its store.
        daemon: the one that runs now.
        runs: those that run now.
        leases: rows of the store that say which run computes a node.
        auditor: computes results of others again, if anybody does.
    """

    me: NodeId
    clock: Clock
    speed: float = 1.0
    estimate_factor: float = 1.0
    nature: Nature = HONEST
    shelf: Shelf = field(default_factory=Shelf)
    daemon: Daemon | None = None
    runs: list[Run] = field(default_factory=list)
    leases: dict[Key, Run] = field(default_factory=dict)
    auditor: Auditor | None = None

    def seconds(self, task: Task) -> float:
        """Return how long a task takes here."""
        return task.seconds / self.speed

    def estimate_s(self, task: Task) -> float:
        """Return how long runs of this machine think that a task takes."""
        return self.seconds(task) * self.estimate_factor

    @property
    def is_there(self) -> bool:
        """Whether it answers, and does what it should."""
        daemon = self.daemon
        return (
            daemon is not None
            and daemon.is_alive
            and not daemon.is_frozen
            and not self.nature.hoards
        )


@dataclass(frozen=True, slots=True)
class Makers:
    """How the machines under test are made; tests of the tests make broken ones.

    Attributes:
        claims: begins the claim machine of a daemon.
        turns: begins the waiting of a run.
    """

    claims: MakeClaims = Claims
    turns: MakeTurns = Turns


@dataclass(slots=True, eq=False)
class Stage:
    """All that the processes of a world share.

    Attributes:
        world: time and chance.
        network: the way from daemon to daemon.
        program: what all runs want, or a part of it.
        ledger: what was executed and what went wrong.
        checker: told of everything that an invariant is about.
        machines: by node id.
        daemons: the one that was begun last on each machine.
        settings: of the claim protocol.
        makers: of the machines under test.
        names: what members and nodes are called.
        is_over: whether nobody wants anything any more.
    """

    world: World
    network: Network
    program: Program
    ledger: Ledger
    checker: Checker
    machines: dict[NodeId, Machine]
    daemons: dict[NodeId, Daemon]
    settings: Settings
    makers: Makers
    names: dict[object, str] = field(default_factory=dict)
    is_over: bool = False

    def is_shared(self, task: Task) -> bool:
        """Return whether a task is worth a claim on every machine, and has a value."""
        return not task.fails and all(
            machine.estimate_s(task) >= SHARED_S for machine in self.machines.values()
        )

    def is_had(self, key: Key, besides: Machine) -> bool:
        """Return whether somebody within reach has a result, or computes it."""
        return any(
            machine is not besides
            and machine.is_there
            and (key in machine.shelf.kept or key in machine.leases)
            and self.network.reaches(machine.me, besides.me)
            for machine in self.machines.values()
        )

    def name(self, thing: NodeId | Key) -> str:
        """Return what a member or a node is called in transcripts."""
        return self.names[thing]
