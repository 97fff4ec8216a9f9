"""What nobody wants any more, because a result arrived or something failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from scheduler import (
    MIGRATIONS,
    OnArrived,
    Progress,
    RunOptions,
    RunReport,
    explain_plan,
    run_plan,
)
from scheduler.plan import Plan
from store import Batch, NodeKey, SqliteStore, open_store

from .neighbourhood import StoreNeighbours
from .sketch import Sketch, _Node, run, trial_registry, values


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "theirs", migrations=[MIGRATIONS])
    yield opened
    opened.close()


class Racers(StoreNeighbours):
    """Bring a result once the run computes something else beside that."""

    def __init__(
        self, theirs: SqliteStore, ours: SqliteStore, progress: Progress, running: int
    ) -> None:
        super().__init__(theirs, ours)
        self._progress = progress
        self._running = running

    def fetch(
        self, keys: Sequence[NodeKey], answer: OnArrived, spares_s: Sequence[float] = ()
    ) -> None:
        def wait() -> None:
            until = time.monotonic() + 20
            while time.monotonic() < until:
                if len(self._progress.running) >= self._running:
                    break
                time.sleep(0.005)
            super(Racers, self).fetch(keys, answer, spares_s)

        threading.Thread(target=wait, daemon=True).start()


def race(
    plan: Plan, theirs: SqliteStore, ours: SqliteStore, running: int = 1, jobs: int = 1
) -> RunReport:
    progress = Progress()
    neighbours = Racers(theirs, ours, progress, running)
    try:
        return run_plan(
            plan,
            store=ours,
            registry=trial_registry(),
            options=RunOptions(jobs=jobs, timeout_s=60),
            neighbours=neighbours,
            progress=progress,
        )
    finally:
        neighbours.join()


def chain(draw: Sketch, seed: float, seconds: float, links: int = 4) -> _Node:
    image = draw("trial.ramp", seed)
    for _ in range(links):
        image = draw("trial.linger", image, seconds)
    return image


def teach(theirs: SqliteStore, draw: Sketch, node: _Node) -> None:
    """Let neighbours have a node's value without the time that it takes."""
    plan = draw.plan(node)
    explained = explain_plan(plan, store=theirs, registry=trial_registry())
    (key,) = [each.key for each in explained.nodes if each.is_goal]
    assert key is not None
    quick = Sketch()
    report = run(quick.plan(chain(quick, 1.0, 0.0)), theirs)
    assert report.goals[0].key is not None
    known = theirs.lookup([report.goals[0].key])[report.goals[0].key].result
    theirs.commit(Batch(results=[replace(known, key=key, cost_s=60.0)])).result()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs compute at once beside what they fetch."""
    monkeypatch.setattr("scheduler.patience.PATIENCE_S", 0.06)
    monkeypatch.setattr("scheduler.patience.TRUST_SHARE", 0.0001)
    monkeypatch.setattr("scheduler.asking.TRUST_SHARE", 0.0001)
    monkeypatch.setattr("scheduler.asking.LATE_S", 0.001)


@pytest.mark.usefixtures("impatient")
def test_of_a_chain_that_is_raced_no_further_link_is_begun_after_the_result_came(
    theirs: SqliteStore, store: SqliteStore
) -> None:
    draw = Sketch()
    goal = chain(draw, 1.0, 0.3, links=20)
    teach(theirs, draw, goal)
    other = draw("trial.total", draw("trial.ramp", 7.0))
    other = draw("+", other, draw("trial.total", chain(draw, 2.0, 0.2, links=3)))
    report = race(draw.plan(goal, other), theirs, store)
    assert report.progress.from_peers == 1
    # The ramp, the link that ran, and the other goal's ramps, links, totals and sum.
    assert report.progress.executed <= 2 + 8
    assert report.progress.nodes == report.progress.done
    assert report.progress.remaining_s < 0.01
    assert report.seconds < 20 * 0.3


@pytest.mark.usefixtures("impatient")
def test_what_another_goal_wants_too_is_computed_all_the_same(
    theirs: SqliteStore, store: SqliteStore, tmp_path: Path
) -> None:
    """A diamond: both goals are above one image, one of them through a long chain."""
    draw = Sketch()
    shared = chain(draw, 3.0, 0.1, links=2)
    left = shared
    for _ in range(20):
        left = draw("trial.linger", left, 0.3)
    right = draw("trial.at_least", shared, 100.0)
    fetched = draw("trial.masked", right, left)
    teach(theirs, draw, fetched)
    with open_store(tmp_path / "alone", migrations=[MIGRATIONS]) as alone:
        expected = values(run(draw.plan(draw("trial.total", right)), alone))
    report = race(draw.plan(fetched, draw("trial.total", right)), theirs, store)
    assert values(report)[1:] == expected
    assert report.progress.from_peers == 1
    assert report.progress.executed <= 5 + 1
    assert report.progress.failed == 0
    assert report.progress.nodes == report.progress.done


@pytest.mark.usefixtures("impatient")
def test_of_a_loop_that_is_raced_no_further_element_is_begun(
    theirs: SqliteStore, store: SqliteStore
) -> None:
    draw = Sketch()
    body = draw.function(draw("trial.linger", draw("trial.ramp", draw.variable()), 0.3))
    goal = draw.fold("max", draw("map", draw("range", 1.0, 21.0), body))
    teach(theirs, draw, goal)
    other = draw("trial.total", chain(draw, 2.0, 0.2, links=3))
    report = race(draw.plan(goal, other), theirs, store)
    assert report.progress.from_peers == 1
    assert report.seconds < 20 * 0.3


def test_what_was_let_go_of_is_computed_when_it_is_wanted_again(
    store: SqliteStore,
) -> None:
    """A failure lets go of a chain that a loop asks for later."""
    draw = Sketch()
    links = chain(draw, 4.0, 0.02, links=3)
    refused = draw("trial.refuse", draw("trial.ramp", 5.0))
    both = draw("trial.masked", draw("trial.at_least", refused, 1.0), links)
    count = draw("trial.total", chain(draw, 6.0, 0.05, links=4))
    items = draw("range", draw("-", count, count), 2.0)
    body = draw.function(draw("+", draw("trial.total", links), draw.variable()))
    plan = draw.plan(both, draw.fold("+", draw("map", items, body)))
    report = run(plan, store, options=RunOptions(jobs=1, timeout_s=60))
    assert report.goals[0].failure is not None
    assert report.goals[0].failure.message.startswith("refused")
    (total,) = values(run(draw.plan(draw("trial.total", links)), store))
    assert report.goals[1].value == 2 * total + 1.0


def test_what_only_a_failed_node_wanted_is_not_begun(store: SqliteStore) -> None:
    draw = Sketch()
    refused = draw("trial.refuse", draw("trial.ramp", 5.0))
    both = draw(
        "trial.masked",
        draw("trial.at_least", refused, 1.0),
        chain(draw, 4.0, 0.5, links=10),
    )
    plan = draw.plan(both, draw("trial.total", chain(draw, 1.0, 0.1, links=2)))
    report = run(plan, store, options=RunOptions(jobs=1, timeout_s=60))
    assert report.goals[0].failure is not None
    assert report.goals[1].failure is None
    assert report.progress.executed < 8
    assert report.seconds < 10 * 0.5
