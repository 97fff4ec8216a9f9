"""Results of neighbours that are values, but not those of their nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scheduler import MIGRATIONS, RunOptions, RunReport, explain_plan, run_plan
from scheduler.options import StorePolicy
from scheduler.plan import Plan
from store import Batch, SqliteStore, open_store

from .neighbourhood import StoreNeighbours
from .sketch import Sketch, _Node, run, trial_registry, values


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "theirs", migrations=[MIGRATIONS])
    yield opened
    opened.close()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "alone", migrations=[MIGRATIONS])
    yield opened
    opened.close()


def lie(theirs: SqliteStore, draw: Sketch, node: _Node, truth: _Node) -> None:
    """Let neighbours have the value of ``truth`` as that of ``node``."""
    run(draw.plan(truth), theirs)
    key, known = (_key(theirs, draw, each) for each in (node, truth))
    found = theirs.lookup([known])[known].result
    theirs.commit(Batch(results=[replace(found, key=key, cost_s=60.0)])).result()


def _key(store: SqliteStore, draw: Sketch, node: _Node):  # type: ignore[no-untyped-def]
    explained = explain_plan(draw.plan(node), store=store, registry=trial_registry())
    (key,) = [each.key for each in explained.nodes if each.is_goal]
    assert key is not None
    return key


def run_beside(
    plan: Plan, theirs: SqliteStore, store: SqliteStore, policy: StorePolicy = "all"
) -> RunReport:
    neighbours = StoreNeighbours(theirs, store)
    try:
        return run_plan(
            plan,
            store=store,
            registry=trial_registry(),
            options=RunOptions(jobs=2, store_policy=policy, timeout_s=60),
            neighbours=neighbours,
        )
    finally:
        neighbours.join()


def slow_ramp(draw: Sketch, seed: float) -> _Node:
    return draw("trial.linger", draw("trial.ramp", seed), 0.03)


def refusing_plan(draw: Sketch) -> tuple[_Node, Plan]:
    """A goal that is fine for the true value and fails for the lie.

    Between them are kept results, large and small: indices of the lie are out of range.
    """
    source = draw("trial.total", slow_ramp(draw, 0.0))  # truly zero
    doubled = draw("*", source, 2.0)
    image = draw("trial.ramp", doubled)
    total = draw("trial.total", image)
    item = draw("index", draw("sequence", 10.0, 11.0, 12.0), total)
    return source, draw.plan(draw("+", item, doubled))


@pytest.mark.parametrize("policy", ["worth", "all"])
def test_what_was_computed_from_a_lie_leaves_the_store_and_is_computed_anew(
    policy: StorePolicy, theirs: SqliteStore, store: SqliteStore, alone: SqliteStore
) -> None:
    draw = Sketch()
    source, plan = refusing_plan(draw)
    expected = values(run(plan, alone))
    lie(theirs, draw, source, draw("trial.total", draw("trial.ramp", 3.0)))
    report = run_beside(plan, theirs, store, policy)
    assert report.progress.from_peers >= 1
    assert values(report) == expected
    assert report.progress.failed == 0
    again = run(plan, store, options=RunOptions(store_policy=policy))
    assert values(again) == expected
    assert again.progress.executed == 0
    assert_undisputed(store, alone, plan)


def assert_undisputed(store: SqliteStore, alone: SqliteStore, plan: Plan) -> None:
    """Check that what both stores have is the same."""
    run(plan, alone, options=RunOptions(store_policy="all", use_cache=False))
    mine = {result.key: result.digest for result in alone.results()}
    for result in store.results():
        if result.key in mine:
            assert (
                store.lookup([result.key])[result.key].result.digest == mine[result.key]
            )


def test_other_goals_above_a_lie_leave_the_store_too(
    theirs: SqliteStore, store: SqliteStore, alone: SqliteStore
) -> None:
    draw = Sketch()
    source, plan = refusing_plan(draw)
    first = draw("trial.ramp", draw("+", source, 5.0))
    late = draw("trial.linger", draw("trial.ramp", draw("+", source, 2.0)), 0.2)
    both = draw.plan(first, _Node(plan.goals[0].node), draw("trial.total", late))
    lie(theirs, draw, source, draw("trial.total", draw("trial.ramp", 3.0)))
    run_beside(both, theirs, store)
    again = run(both, store, options=RunOptions(store_policy="all"))
    assert [goal.digest for goal in again.goals] == [
        goal.digest for goal in run(both, alone).goals
    ]
    third = run(both, store, options=RunOptions(store_policy="all"))
    assert third.progress.executed == 0
    assert_undisputed(store, alone, both)


def test_a_loop_that_fails_over_a_lie_is_tried_again(
    theirs: SqliteStore, store: SqliteStore, alone: SqliteStore
) -> None:
    draw = Sketch()
    source = draw("trial.total", slow_ramp(draw, 0.0))
    body = draw.function(
        draw("index", draw("sequence", 10.0, 11.0), draw("+", source, draw.variable()))
    )
    plan = draw.plan(draw.fold("+", draw("map", draw("range", 2.0), body)))
    expected = values(run(plan, alone))
    lie(theirs, draw, source, draw("trial.total", draw("trial.ramp", 3.0)))
    report = run_beside(plan, theirs, store)
    assert values(report) == expected
    again = run(plan, store, options=RunOptions(store_policy="all"))
    assert (values(again), again.progress.executed) == (expected, 0)


def test_results_of_neighbours_that_are_right_are_not_taken_back(
    theirs: SqliteStore, store: SqliteStore
) -> None:
    """A node that fails for its own reasons has what is above its arguments kept."""
    draw = Sketch()
    source = draw("trial.total", slow_ramp(draw, 2.0))
    image = draw("trial.ramp", draw("*", source, 2.0))
    plan = draw.plan(image, draw("trial.refuse", source))
    run(draw.plan(source), theirs)
    report = run_beside(plan, theirs, store)
    assert report.goals[1].failure is not None
    assert report.progress.failed == 1
    again = run(plan, store, options=RunOptions(store_policy="all"))
    assert again.goals[0].digest == report.goals[0].digest
    assert again.progress.executed == 0
