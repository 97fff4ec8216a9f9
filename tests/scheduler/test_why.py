"""Where a result came from, and what differs from last time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from primitives.context import Context
from primitives.formats.write import write_value
from primitives.registry import Registry
from scheduler import (
    MIGRATIONS,
    AmbiguousKeyError,
    ExplainedNode,
    ResultExplanation,
    RunOptions,
    explain_result,
    goal_keys,
    run_plan,
)
from scheduler.plan import Plan
from store import SqliteStore, open_store

from .neighbourhood import StoreNeighbours
from .sketch import Sketch, _Node, ramp, run, trial_registry, trial_table

EVERYTHING = RunOptions(jobs=2, store_policy="all")


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "theirs", migrations=[MIGRATIONS])
    yield opened
    opened.close()


def explain(store: SqliteStore, name: str = "0") -> ResultExplanation:
    explanation = explain_result(store, name)
    assert explanation is not None
    return explanation


def node(explanation: ResultExplanation, label: str) -> ExplainedNode:
    (found,) = [node for node in explanation.nodes if node.label == label]
    return found


def volume(draw: Sketch, level: float = 100.0, seed: float = 3.0) -> _Node:
    return draw("trial.total", draw("trial.at_least", draw("trial.ramp", seed), level))


def plan_of(level: float = 100.0, seed: float = 3.0) -> Plan:
    draw = Sketch()
    return draw.plan(volume(draw, level, seed))


def test_what_was_computed_is_told_with_its_time(store: SqliteStore) -> None:
    report = run(plan_of(), store, options=EVERYTHING)
    found = explain(store)
    assert found.key == report.goals[0].key
    assert found.run_id == report.run_id
    assert [node.label for node in found.nodes] == [
        *("trial.total", "trial.at_least", "trial.ramp", "100.0", "3.0")
    ]
    assert [node.depth for node in found.nodes] == [0, 1, 2, 2, 3]
    for label in ("trial.total", "trial.at_least", "trial.ramp"):
        shown = node(found, label)
        assert (shown.how, shown.source, shown.is_held) == ("computed", "", True)
        assert shown.when_ms == found.started_ms
        assert shown.size_bytes > 0
    assert node(found, "3.0").kind == "constant"
    assert found.previous is None


def test_what_was_there_is_told_with_its_origin(store: SqliteStore) -> None:
    first = run(plan_of(), store, options=EVERYTHING)
    run(plan_of(), store)
    found = explain(store)
    total = node(found, "trial.total")
    assert total.how == "store"
    assert total.when_ms <= found.started_ms
    assert explain(store, first.goals[0].key.hex()).key == found.key  # type: ignore[union-attr]
    # What lies below it was not needed this time, but is known from before.
    assert node(found, "trial.ramp").how == ""
    assert node(found, "trial.ramp").when_ms > 0
    assert found.previous is not None
    assert found.previous.differences == ()


def test_what_was_computed_beside_neighbours_is_told_with_the_reason(
    theirs: SqliteStore, store: SqliteStore
) -> None:
    neighbours = StoreNeighbours(theirs, store)
    run_plan(plan_of(), store=store, registry=trial_registry(), neighbours=neighbours)
    neighbours.join()
    total = node(explain(store), "trial.total")
    assert (total.how, total.because) == ("computed", "nobody")
    run(plan_of(), store)
    assert node(explain(store), "trial.total").because == ""


def test_what_was_fetched_is_told_with_its_peer_ever_after(
    theirs: SqliteStore, store: SqliteStore
) -> None:
    run(plan_of(), theirs)
    neighbours = StoreNeighbours(theirs, store)
    run_plan(plan_of(), store=store, registry=trial_registry(), neighbours=neighbours)
    neighbours.join()
    total = node(explain(store), "trial.total")
    assert (total.how, total.source) == ("peer", "ada")
    assert total.seconds > 0
    run(plan_of(), store)
    total = node(explain(store), "trial.total")
    assert (total.how, total.source) == ("store", "ada")


def test_elements_of_a_loop_belong_to_its_goal(store: SqliteStore) -> None:
    draw = Sketch()
    body = draw.function(draw("trial.total", draw("trial.ramp", draw.variable())))
    items = draw("map", draw("sequence", 2.0, 5.0), body)
    other = draw("trial.total", draw("trial.ramp", 9.0))
    run(draw.plan(draw.fold("+", items), other), store, options=EVERYTHING)
    labels = [node.label for node in explain(store).nodes if node.how]
    assert labels.count("trial.ramp") == 2
    assert labels.count("trial.total") == 2


# ---- what differs -----------------------------------------------------------


def differences(store: SqliteStore) -> list[tuple[str, tuple[str, ...], str, str]]:
    previous = explain(store).previous
    assert previous is not None
    return [(it.kind, it.where, it.before, it.now) for it in previous.differences]


def test_a_changed_constant_is_told(store: SqliteStore) -> None:
    run(plan_of(100.0), store)
    run(plan_of(120.5), store)
    where = ("trial.total", "trial.at_least")
    assert differences(store) == [("constant", where, "100.0", "120.5")]


def test_changed_content_of_a_file_is_told(store: SqliteStore, tmp_path: Path) -> None:
    draw = Sketch()
    plan = draw.plan(draw("trial.total", draw("load", "case.nii")))
    for seed in (2.0, 3.0):
        write_value(ramp(Context(), seed), tmp_path / "case.nii")
        run(plan, store, directory=tmp_path)
    path = str(tmp_path / "case.nii")
    where = ("trial.total", "default.load")
    assert differences(store) == [("file", where, path, path)]


def test_a_new_version_of_a_primitive_is_told(store: SqliteStore) -> None:
    draw = Sketch()
    plan = draw.plan(draw("trial.total", draw("trial.ramp", 3.0)))
    run(plan, store)
    newer = Registry(
        {
            "trial": lambda: trial_table(version=2),
            "default": lambda: trial_registry().table("default"),
        }
    )
    run(plan, store, registry=newer)
    assert ("version", ("trial.total",), "1", "2") in differences(store)


def test_another_expression_is_told(store: SqliteStore) -> None:
    draw = Sketch()
    image = draw("trial.ramp", 3.0)
    run(draw.plan(draw("trial.total", image)), store)
    mask = draw("trial.at_least", image, 3.0)
    run(draw.plan(draw("trial.total", mask)), store)
    where = ("trial.total",)
    assert differences(store) == [("expression", where, "trial.ramp", "trial.at_least")]


def test_a_change_inside_a_loop_is_told(store: SqliteStore) -> None:
    for step in (1.0, 2.0):
        draw = Sketch()
        body = draw.function(draw("*", draw.variable(), step))
        run(draw.plan(draw.fold("+", draw("map", draw("range", 4.0), body))), store)
    kinds = [(kind, before, now) for kind, _, before, now in differences(store)]
    assert kinds == [("constant", "1.0", "2.0")]


# ---- names, limits ----------------------------------------------------------


def test_nothing_of_that_name_is_no_error(store: SqliteStore) -> None:
    assert explain_result(store, "0") is None
    assert explain_result(store, "abcd1234") is None


def test_a_prefix_of_several_keys_is_refused(store: SqliteStore) -> None:
    draw = Sketch()
    # Of so many keys, two begin with the same four digits.
    goals = [draw("+", 0.5, float(number)) for number in range(1500)]
    report = run(draw.plan(*goals), store)
    seen: set[str] = set()
    for goal in report.goals:
        assert goal.key is not None
        prefix = goal.key.hex()[:4]
        if prefix in seen:
            break
        seen.add(prefix)
    with pytest.raises(AmbiguousKeyError, match="give more digits"):
        explain_result(store, prefix)


def test_keys_of_recent_goals_are_listed(store: SqliteStore) -> None:
    draw = Sketch()
    bad = draw("trial.refuse", 1.0)
    report = run(draw.plan(volume(draw), bad), store)
    assert goal_keys(store) == {report.goals[0].key}
    assert goal_keys(store, since_days=-1) == set()


def test_where_results_came_from_is_forgotten_after_many_runs(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.history.KEPT_RUNS", 3)
    for number in range(6):
        draw = Sketch()
        run(draw.plan(draw("+", float(number), 1.0)), store)
        time.sleep(0.002)  # runs are told apart by the millisecond they began
    with store.database.read() as connection:
        runs = connection.execute("SELECT count(DISTINCT run_id) FROM node_runs")
        assert runs.fetchone() == (3,)
        rows = connection.execute("SELECT label FROM node_descriptions").fetchall()
    labels = {label for (label,) in rows}
    assert "5.0" in labels
    assert "0.0" not in labels


def test_a_large_plan_leaves_a_bounded_history(store: SqliteStore) -> None:
    draw = Sketch()
    total = draw("+", 0.0, 1.0)
    for number in range(5000):
        total = draw("+", total, float(number))
    run(draw.plan(total), store)
    with store.database.read() as connection:
        for table in ("node_runs", "node_descriptions"):
            query = f"SELECT count(*) FROM {table}"
            assert connection.execute(query).fetchone()[0] <= 1000
