"""How long a run would take if there were nobody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .programs import Task


def seconds_alone(
    tasks: Sequence[Task], slots: int, seconds: Callable[[Task], float]
) -> float:
    """Return how long tasks take at most, in any order that keeps all slots busy.

    Graham's bound for list scheduling (Bounds on Multiprocessing Timing Anomalies,
    1969): the work that all slots share, and the longest chain.  With one slot it is
    the sum.

    Args:
        tasks: what is computed, arguments before what needs them.
        slots: how many at a time.
        seconds: that a task takes.
    """
    work = chain = 0.0
    ends: dict[int, float] = {}
    for task in tasks:
        duration = seconds(task)
        work += duration
        begins = max((ends.get(number, 0.0) for number in task.arguments), default=0.0)
        ends[task.number] = begins + duration
        chain = max(chain, ends[task.number])
    return work / slots + chain * (slots - 1) / slots
