"""What a world is before anything happens in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from peer.claims import Settings

from .faults import Fault
from .natures import HONEST, Nature
from .network import Weather
from .programs import Program

DEFAULTS = Settings()


@dataclass(frozen=True, slots=True)
class MachineSetup:
    """A machine before it is switched on; as in :class:`.machine.Machine`."""

    speed: float = 1.0
    estimate_factor: float = 1.0
    clock_rate: float = 1.0
    nature: Nature = HONEST
    lag_s: float = 0.0
    """By how much its answers come late."""


@dataclass(frozen=True, slots=True)
class RunSetup:
    """A run before it begins.

    Attributes:
        machine: where, as a place in the list of machines.
        starts: when, in seconds of the world.
        slots: how many nodes it computes at a time.
        goals: what it wants; None for all goals of the program.
    """

    machine: int
    starts: float = 1.0
    slots: int = 1
    goals: tuple[int, ...] | None = None


@dataclass(slots=True)
class Setup:
    """A world.

    Attributes:
        program: what its runs want, or a part of it.
        machines: in the order in which others name them by number.
        runs: when and where they begin.
        weather: how the network is at first.
        faults: what happens to them.
        is_calm: whether nothing goes wrong, so that everything is executed once.
        has_audits: whether results of others are computed again, now and then.
        settings: of the claim protocol.
    """

    program: Program
    machines: list[MachineSetup]
    runs: list[RunSetup]
    weather: Weather = field(default_factory=Weather)
    faults: list[Fault] = field(default_factory=list)
    is_calm: bool = False
    has_audits: bool = False
    settings: Settings = DEFAULTS
