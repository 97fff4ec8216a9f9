"""The engine without a front end: ``engine_alone SHAPE NODES POLICY FOLDER``.

Builds the plan in memory, runs it on an empty store and once more on the same store,
and prints the seconds of both runs and the process's peak memory as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import get_args

from primitives.catalog import standard_registry
from scheduler import MIGRATIONS, RunOptions, RunReport, run_plan
from scheduler.options import StorePolicy
from scheduler.plan import Goal, Plan, PlanBuilder
from store import open_store

from .rivals import plain, steps


def build(shape: str, nodes: int) -> tuple[Plan, float]:
    """Return the plan of a graph and the value that its goal must have."""
    builder = PlanBuilder()
    refs: list[int] = []
    graph = steps(shape, nodes)
    for left, right, is_difference in graph:
        operation = "default.subtraction" if is_difference else "default.addition"
        operands = [
            refs[each] if each >= 0 else builder.const(float(-each))
            for each in (left, right)
        ]
        refs.append(builder.app(operation, operands))
    return builder.plan([Goal("print", "last", refs[-1])]), plain(graph, Path())


def run_once(plan: Plan, folder: Path, policy: StorePolicy) -> tuple[RunReport, float]:
    """Run a plan on the store in ``folder``; return the report and the seconds."""
    registry = standard_registry()
    started = time.perf_counter()
    store = open_store(folder / "store", migrations=[MIGRATIONS])
    try:
        report = run_plan(
            plan,
            store=store,
            registry=registry,
            options=RunOptions(store_policy=policy),
        )
    finally:
        store.close()
    return report, time.perf_counter() - started


def main() -> None:
    """Run the command line."""
    shape, nodes, policy, folder = sys.argv[1:]
    chosen = next(each for each in get_args(StorePolicy) if each == policy)
    plan, expected = build(shape, int(nodes))
    cold, cold_s = run_once(plan, Path(folder), chosen)
    warm, warm_s = run_once(plan, Path(folder), chosen)
    assert cold.goals[0].value == warm.goals[0].value == expected
    assert warm.progress.executed == 0
    unit = 1024 if sys.platform == "linux" else 1024 * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(json.dumps({"cold_s": cold_s, "warm_s": warm_s, "peak_mib": peak}))


if __name__ == "__main__":
    main()
