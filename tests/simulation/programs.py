"""What the runs of a world compute."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from peer.claims.messages import Key

SHARED_S = 0.02
"""Nodes that are estimated to take less are not claimed."""


@dataclass(frozen=True, slots=True)
class Task:
    """One node of a program.

    Attributes:
        number: its place in the program; arguments come before.
        key: what it is claimed as.
        seconds: how long it takes on a machine of ordinary speed.
        arguments: numbers of the nodes that it is computed from.
        fails: whether it has no value.
    """

    number: int
    key: Key
    seconds: float
    arguments: tuple[int, ...]
    fails: bool


@dataclass(frozen=True, slots=True)
class Program:
    """A directed acyclic graph of tasks, arguments first."""

    tasks: tuple[Task, ...]

    @property
    def goals(self) -> tuple[int, ...]:
        """The tasks that no other task needs."""
        needed = {number for task in self.tasks for number in task.arguments}
        return tuple(task.number for task in self.tasks if task.number not in needed)

    def below(self, goals: tuple[int, ...]) -> set[int]:
        """Return the goals and all that they are computed from."""
        needed = set(goals)
        for task in reversed(self.tasks):
            if task.number in needed:
                needed.update(task.arguments)
        return needed


def draw_program(
    random: Random,
    tasks: int,
    *,
    seconds: tuple[float, float] = (0.05, 2.0),
    failing: float = 0.0,
    short: float = 0.0,
) -> Program:
    """Draw a program of cases: some wide, some a chain, most between.

    Args:
        random: where chance comes from.
        tasks: how many.
        seconds: shortest and longest task; drawn evenly by order of magnitude.
        failing: share of tasks that have no value.
        short: share of tasks that are not worth a claim.
    """
    depth = random.choice((0.0, 0.2, 0.5))
    least, most = seconds
    drawn: list[Task] = []
    for number in range(tasks):
        arguments: tuple[int, ...] = ()
        if number and random.random() < depth:
            count = 1 if number == 1 or random.random() < 0.6 else 2
            near = range(max(0, number - 6), number)
            arguments = tuple(sorted(random.sample(near, count)))
        if random.random() < short:
            duration = random.uniform(0.001, SHARED_S * 0.9)
        else:
            duration = least * (most / least) ** random.random()
        fails = random.random() < failing
        drawn.append(Task(number, random.randbytes(32), duration, arguments, fails))
    return Program(tuple(drawn))
