"""Playing seeds: one, or many on several cores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from random import Random

from .invariants import Violation
from .machine import Makers
from .outcome import Outcome
from .scenarios import SCENARIOS
from .simulation import Simulation
from .transcript import Transcript

RARE = frozenset({"many"})
RARE_EVERY = 10
"""Worlds of many peers take long: one in so many of their turns is played."""

SHOWN_LINES = 60
REAL = Makers()
BATCH = 50


@dataclass(frozen=True, slots=True)
class Failure:
    """A world in which something happened that must not.

    Attributes:
        scenario: its name.
        seed: of its chance.
        what: happened.
    """

    scenario: str
    seed: int
    what: str

    @property
    def command(self) -> str:
        """What to type to see it."""
        return (
            f"python -m tests.simulation --seed {self.seed} "
            f"--scenario {self.scenario} --transcript"
        )

    def __str__(self) -> str:
        lines = replay(self.scenario, self.seed).lines[-SHOWN_LINES:]
        return "\n".join([self.what, "replay: " + self.command, "...", *lines])


@dataclass(frozen=True, slots=True)
class Played:
    """One seed, and what came of it."""

    scenario: str
    seed: int
    result: Outcome | Failure


def play(
    scenario: str,
    seed: int,
    transcript: Transcript | None = None,
    makers: Makers = REAL,
) -> Outcome:
    """Play one world.

    Args:
        scenario: name of a function of :mod:`.scenarios`.
        seed: of its chance.
        transcript: takes what happens.
        makers: of the machines under test.

    Raises:
        Violation: something happened that must not.
    """
    random = Random(f"{scenario} {seed}")
    setup = SCENARIOS[scenario](random)
    return Simulation(setup, random, transcript=transcript, makers=makers).play()


def replay(scenario: str, seed: int) -> Transcript:
    """Return what happens in a world, to its end or to what must not happen."""
    transcript = Transcript()
    try:
        play(scenario, seed, transcript)
    except Exception as error:
        transcript.lines.append(_what(error))
    return transcript


def try_out(scenario: str, seed: int) -> Played:
    """Play one world; what goes wrong is part of what comes of it."""
    try:
        return Played(scenario, seed, play(scenario, seed))
    except Exception as error:  # a machine that raises is as bad as one that errs
        return Played(scenario, seed, Failure(scenario, seed, _what(error)))


def _what(error: Exception) -> str:
    return str(error) if isinstance(error, Violation) else repr(error)


def seeds(number: int, names: Sequence[str] | None = None) -> list[tuple[str, int]]:
    """Return so many worlds, of all scenarios in turn."""
    chosen: list[tuple[str, int]] = []
    names = names or list(SCENARIOS)
    seed = 0
    while len(chosen) < number:
        for name in names:
            is_rare = name in RARE and len(names) > 1
            if not is_rare or seed % RARE_EVERY == 0:
                chosen.append((name, seed))
        seed += 1
    return chosen[:number]


def play_many(worlds: Sequence[tuple[str, int]], jobs: int) -> Iterator[Played]:
    """Play worlds on several cores, and yield what came of each."""
    if jobs <= 1:
        yield from (try_out(*world) for world in worlds)
        return
    batches = [worlds[i : i + BATCH] for i in range(0, len(worlds), BATCH)]
    with ProcessPoolExecutor(jobs) as pool:
        for played in pool.map(_play_batch, batches):
            yield from played


def _play_batch(worlds: Sequence[tuple[str, int]]) -> list[Played]:
    return [try_out(*world) for world in worlds]
