"""What became of a world, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .ledger import Cause
from .machine import Stage
from .run import Run

LEAST_WORK_S = 0.25
"""Runs with less to do say nothing about how long runs take."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a world.

    Attributes:
        tasks: nodes that were worth a claim and were executed.
        executions: how often they were.
        worst: how often the one that was executed most was.
        needless: executions of what somebody within reach had, or was at.
        spans: for each run with work, its time in shares of its time alone.
        waited: for each of them, the share of its time in which a slot only waited.
        hedges: executions beside a slow holder.
        ungranted: executions that began because a run waited no longer.
        audits: executions to see whether others tell the truth.
        seconds: how long the world lasted.
        events: how many things happened in it.
    """

    tasks: int
    executions: int
    worst: int
    needless: int
    spans: tuple[float, ...]
    waited: tuple[float, ...]
    hedges: int
    ungranted: int
    audits: int
    seconds: float
    events: int


def outcome(stage: Stage, runs: Sequence[Run]) -> Outcome:
    """Return what became of a world in which nothing is wanted any more."""
    ledger, world = stage.ledger, stage.world
    executions = [
        [one for one in ledger.executions[task.key] if one.cause is not Cause.AUDIT]
        for task in stage.program.tasks
        if task.key in ledger.executions and stage.is_shared(task)
    ]
    counts = [len(each) for each in executions]
    ended = [run for run in runs if run.ended is not None]
    worked = [run for run in ended if run.alone_s > LEAST_WORK_S]
    return Outcome(
        tasks=len(counts),
        executions=sum(counts),
        worst=max(counts, default=0),
        needless=sum(one.is_needless for each in executions for one in each),
        spans=tuple(run.elapsed_s / run.alone_s for run in worked),
        waited=tuple(run.waited_s / run.elapsed_s for run in worked),
        hedges=ledger.total(Cause.HEDGE),
        ungranted=ledger.total(Cause.UNGRANTED),
        audits=ledger.total(Cause.AUDIT),
        seconds=world.now,
        events=world.events,
    )
