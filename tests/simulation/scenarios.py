"""Worlds to play: each scenario draws one from chance."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from peer.claims import Settings

from .faults import (
    Changes,
    DaemonDies,
    Divides,
    Fault,
    Freezes,
    Jumps,
    MachineDies,
    RunDies,
    Sleeps,
)
from .natures import HONEST, LIES, Boaster, LyingArbiter, Nature, Squatter
from .network import Weather
from .programs import Program, draw_program
from .setup import MachineSetup, RunSetup, Setup

ALL_NATURES = (
    *(HONEST,) * 20,
    LyingArbiter("any lie"),
    Squatter("squatter"),
    Boaster("boaster"),
    Nature("liar", lie_rate=0.5),
)
SHORT_S = (0.05, 2.0)
LONG_S = (0.5, 15.0)
FOREVER_S = float("inf")


def _peers(random: Random) -> int:
    return random.choice((2, 2, 3, 3, 4, 4, 5, 8))


def _program(random: Random, peers: int) -> Program:
    seconds = random.choice((SHORT_S, SHORT_S, SHORT_S, SHORT_S, LONG_S))
    return draw_program(
        random, random.randint(4, 6) + peers, seconds=seconds, short=0.1
    )


def _base(random: Random, peers: int | None = None) -> Setup:
    """Peers that begin the same program within a second, or nearly so."""
    peers = peers or _peers(random)
    spread = random.choice((0.0, 0.1, 1.0))
    machines = [
        MachineSetup(estimate_factor=random.uniform(0.9, 1.1)) for _ in range(peers)
    ]
    runs = [RunSetup(place, 1.0 + random.random() * spread) for place in range(peers)]
    return Setup(_program(random, peers), machines, runs)


def _duration_s(setup: Setup) -> float:
    """Guess how long the runs of a world take."""
    work_s = sum(task.seconds for task in setup.program.tasks)
    return 0.3 + work_s / len(setup.machines)


def _while_runs(random: Random, setup: Setup) -> float:
    """Draw a time at which runs are under way."""
    return 1.0 + random.random() * _duration_s(setup)


def calm(random: Random) -> Setup:
    """Nothing goes wrong."""
    setup = _base(random)
    setup.is_calm = True
    return setup


def long(random: Random) -> Setup:
    """Nothing goes wrong, and tasks take longer than a lease lives."""
    setup = _base(random)
    setup.machines = [MachineSetup() for _ in setup.machines]
    setup.program = draw_program(random, 5, seconds=(5.0, 40.0))
    setup.is_calm = True
    return setup


def many(random: Random) -> Setup:
    """Nothing goes wrong among many peers."""
    peers = random.choice((16, 32))
    setup = _base(random, peers)
    setup.program = draw_program(random, peers)
    setup.is_calm = True
    return setup


def estimates(random: Random) -> Setup:
    """Machines guess badly how long a task takes; some tasks have no value."""
    setup = _base(random)
    setup.program = draw_program(random, 8, failing=0.15, short=0.1)
    setup.machines = [
        MachineSetup(estimate_factor=3.0 ** random.uniform(-1.0, 1.0))
        for _ in setup.machines
    ]
    return setup


def late(random: Random) -> Setup:
    """Some begin when others have finished; some want only a part; some have slots."""
    setup = _base(random)
    goals = setup.program.goals
    duration_s = _duration_s(setup)
    setup.runs = [
        RunSetup(
            place,
            1.0 + random.choice((0.0, 1.0, 2.0, 60.0)) * random.random() * duration_s,
            slots=random.choice((1, 2)),
            goals=tuple(random.sample(goals, random.randint(1, len(goals)))),
        )
        for place in range(len(setup.machines))
    ]
    return setup


def two_runs(random: Random) -> Setup:
    """A machine has several runs."""
    setup = _base(random, random.choice((1, 2, 3)))
    setup.runs += [
        RunSetup(random.randrange(len(setup.machines)), 1.0 + random.random())
        for _ in range(random.randint(1, 2))
    ]
    if random.random() < 0.3:
        setup.faults.append(RunDies(_while_runs(random, setup), 0, 0.5))
    return setup


def loss(random: Random) -> Setup:
    """One message in twenty or in ten is lost; others late, doubled, overtaken."""
    setup = _base(random)
    setup.weather = Weather(
        loss=random.choice((0.05, 0.1)), jitter_s=0.02, doubled=0.05
    )
    return setup


def _crashes(random: Random, setup: Setup, share: float) -> list[Fault]:
    faults: list[Fault] = []
    for place in range(len(setup.machines)):
        if random.random() >= share:
            continue
        at, for_s = _while_runs(random, setup), random.choice((0.2, 2.0, 8.0, 30.0))
        kind = random.randrange(4)
        if kind == 0:
            faults.append(DaemonDies(at, place, for_s))
        elif kind == 1:
            faults.append(RunDies(at, place, for_s))
        else:
            faults.append(MachineDies(at, place, for_s, loses_store=kind == 3))
    return faults


def crashes(random: Random) -> Setup:
    """Daemons, runs and machines die and begin anew, some without their store."""
    setup = _base(random)
    setup.faults = _crashes(random, setup, 0.5)
    return setup


def storm(random: Random) -> Setup:
    """One message in twenty is lost, and a third of the machines fail for a while."""
    setup = _base(random)
    setup.weather = Weather(loss=0.05, jitter_s=0.005)
    for place in range(len(setup.machines)):
        if random.random() < 0.3:
            at = _while_runs(random, setup)
            setup.faults.append(MachineDies(at, place, random.choice((5.0, 30.0))))
    return setup


def _division(random: Random, setup: Setup, for_s: float, at: float) -> Divides:
    groups = random.choice((2, 2, 3))
    places = range(len(setup.machines))
    return Divides(at, {place: random.randrange(groups) for place in places}, for_s)


def partition(random: Random) -> Setup:
    """The network falls into parts, for a while or for good."""
    setup = _base(random)
    at = random.choice((0.5, _while_runs(random, setup)))
    for_s = random.choice((1.0, 6.0, 20.0, FOREVER_S))
    setup.faults.append(_division(random, setup, for_s, at))
    return setup


def drift(random: Random) -> Setup:
    """Clocks run up to a tenth too fast or too slow.

    To who waits that is as if an estimate was wrong; tasks are short, so that nobody
    loses patience over it.
    """
    setup = _base(random)
    setup.program = draw_program(random, 10, seconds=SHORT_S, short=0.1)
    setup.machines = [
        MachineSetup(clock_rate=random.uniform(0.9, 1.1)) for _ in setup.machines
    ]
    setup.is_calm = True
    return setup


def jumps(random: Random) -> Setup:
    """Laptops sleep; clocks jump."""
    setup = _base(random)
    for place in range(len(setup.machines)):
        kind = random.randrange(4)
        at = _while_runs(random, setup)
        jump_s = random.choice((6.0, 60.0, 86_400.0))
        if kind == 0:
            for_s = random.choice((1.0, 20.0))
            setup.faults.append(Sleeps(at, place, for_s, random.choice((0.0, jump_s))))
        elif kind == 1:
            setup.faults.append(Jumps(at, place, jump_s))
    return setup


def frozen(random: Random) -> Setup:
    """Some or nearly all others stop to answer, before or while they are needed."""
    setup = _base(random)
    others = list(range(1, len(setup.machines)))
    for place in random.sample(others, random.randint(1, len(others))):
        at = random.choice((0.9, _while_runs(random, setup)))
        for_s = random.choice((3.0, 12.0, FOREVER_S))
        what = random.choice(("machine", "machine", "daemon", "runs"))
        setup.faults.append(Freezes(at, place, for_s, what))
    return setup


def overloaded(random: Random) -> Setup:
    """Others answer late, or too late."""
    setup = _base(random)
    setup.machines = [
        MachineSetup(lag_s=random.choice((0.0, 0.1, 0.24, 0.3, 1.5)) if place else 0.0)
        for place in range(len(setup.machines))
    ]
    return setup


def _with_others(random: Random, setup: Setup, nature: Callable[[], Nature]) -> None:
    """Give one to all machines but the first another nature."""
    count = random.randint(1, max(1, len(setup.machines) - 1))
    for place in random.sample(range(1, len(setup.machines)), count):
        setup.machines[place] = MachineSetup(nature=nature())


def lying(random: Random) -> Setup:
    """Arbiters lie about who computes what."""
    setup = _base(random)
    lie = random.choice((*LIES, "any lie"))
    _with_others(random, setup, lambda: LyingArbiter(lie))
    return setup


def squatters(random: Random) -> Setup:
    """Members say that they compute everything, or that they have it."""
    setup = _base(random)
    kind = random.choice((Squatter, Boaster))
    _with_others(random, setup, lambda: kind(kind.__name__.lower()))
    return setup


def hoarder(random: Random) -> Setup:
    """Members claim everything and compute nothing."""
    setup = _base(random)
    _with_others(random, setup, lambda: Nature("hoarder", hoards=True))
    setup.runs.sort(key=lambda run: setup.machines[run.machine].nature.name == "honest")
    return setup


def slow(random: Random) -> Setup:
    """Some machines take twenty times as long, and do not know it."""
    setup = _base(random)
    for place in range(1, len(setup.machines)):
        if random.random() < 0.3:
            factor = random.choice((1.0, 0.05))
            setup.machines[place] = MachineSetup(speed=0.05, estimate_factor=factor)
    return setup


def laggards(random: Random) -> Setup:
    """Machines of very different speed, that know it, want many short tasks."""
    setup = _base(random, random.choice((2, 3)))
    setup.program = draw_program(random, random.choice((8, 24)), seconds=(0.04, 0.3))
    setup.machines = [
        MachineSetup(
            speed=random.choice((1.0, 0.5, 0.2, 0.1)) if place else 1.0,
            estimate_factor=random.uniform(0.8, 1.2),
        )
        for place in range(len(setup.machines))
    ]
    return setup


def liars(random: Random) -> Setup:
    """Members sign wrong results."""
    setup = _base(random)
    rate = random.choice((0.1, 0.5, 1.0))
    _with_others(random, setup, lambda: Nature("liar", lie_rate=rate))
    setup.has_audits = True
    return setup


def flood(random: Random) -> Setup:
    """More is claimed than the tables hold."""
    setup = _base(random)
    setup.settings = Settings(max_keys=4, max_keys_per_holder=2)
    return setup


def everything(random: Random) -> Setup:
    """All of it at once."""
    setup = _base(random)
    setup.weather = Weather(loss=0.1, jitter_s=0.01, doubled=0.02)
    setup.machines = [
        MachineSetup(
            speed=random.choice((1.0, 1.0, 1.0, 0.2)),
            estimate_factor=2.0 ** random.uniform(-1.0, 1.0),
            clock_rate=random.uniform(0.9, 1.1),
            nature=random.choice(ALL_NATURES) if place else HONEST,
        )
        for place in range(len(setup.machines))
    ]
    setup.runs.append(RunSetup(0, 1.0 + random.random(), slots=2))
    setup.has_audits = True
    setup.faults = _crashes(random, setup, 0.3)
    setup.faults.append(_division(random, setup, 6.0, _while_runs(random, setup)))
    setup.faults.append(Changes(30.0, Weather()))
    return setup


SCENARIOS: dict[str, Callable[[Random], Setup]] = {
    scenario.__name__: scenario
    for scenario in (
        calm,
        long,
        many,
        estimates,
        late,
        two_runs,
        loss,
        crashes,
        storm,
        partition,
        drift,
        jumps,
        frozen,
        overloaded,
        lying,
        squatters,
        hoarder,
        slow,
        laggards,
        liars,
        flood,
        everything,
    )
}
