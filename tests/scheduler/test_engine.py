"""Runs of hand-written plans: what is computed, kept, shared, stopped."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from primitives.values import Image
from scheduler import (
    MIGRATIONS,
    GoalOutcome,
    InterruptedRunError,
    PlanError,
    RunOptions,
    list_goals,
)
from scheduler.plan import Plan
from store import SqliteStore, open_store

from .sketch import Sketch, run, values


def pipeline(draw: Sketch, seed: float = 3.0) -> tuple[Plan, int]:
    """A goal above three image operations; returns the number of operations."""
    image = draw("trial.ramp", seed)
    volume = draw("trial.total", draw("trial.at_least", image, 100.0))
    return draw.plan(draw("/", volume, 2.0)), 4


def test_a_value_is_computed_and_the_second_run_answers_from_the_store(
    store: SqliteStore,
) -> None:
    plan, operations = pipeline(Sketch())
    first = run(plan, store)
    second = run(plan, store)
    assert values(first) == values(second)
    assert first.progress.executed == operations
    assert (second.progress.executed, second.progress.from_store) == (0, 1)


def test_goals_are_told_in_program_order(store: SqliteStore) -> None:
    draw = Sketch()
    slow = draw("trial.total", draw("trial.linger", draw("trial.ramp", 1.0), 0.2))
    told: list[GoalOutcome] = []
    run(draw.plan(slow, draw("+", 1.0, 2.0)), store, on_goal=told.append)
    assert [goal.label for goal in told] == ["0", "1"]


def test_an_unused_node_is_never_run(store: SqliteStore) -> None:
    draw = Sketch()
    draw("trial.refuse", 1.0)
    assert values(run(draw.plan(draw("+", 1.0, 2.0)), store)) == [3.0]


def test_a_failed_node_fails_its_dependants_and_nothing_else(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    bad = draw("trial.refuse", 7.0)
    report = run(draw.plan(bad, draw("+", bad, 1.0), draw("+", 1.0, 1.0)), store)
    messages = [goal.failure.message if goal.failure else None for goal in report.goals]
    assert messages == ["refused 7.0", "refused 7.0", None]
    assert report.goals[1].failure is not None
    assert report.goals[1].failure.primitive == "trial.refuse"
    assert report.goals[2].value == 2.0
    assert report.progress.failed == 1


def test_an_unforeseen_exception_fails_the_node_not_the_run(store: SqliteStore) -> None:
    draw = Sketch()
    image = draw("trial.ramp", 1.0)
    report = run(draw.plan(draw("trial.crash", image), draw("+", 1.0, 1.0)), store)
    assert report.goals[0].failure is not None
    assert "ZeroDivisionError" in report.goals[0].failure.message
    assert report.goals[1].value == 2.0


def test_a_failure_is_not_remembered_across_runs(store: SqliteStore) -> None:
    draw = Sketch()
    plan = draw.plan(draw("trial.refuse", 7.0))
    assert run(plan, store).progress.failed == 1
    assert run(plan, store).progress.failed == 1


def test_on_failure_stop_starts_nothing_more(store: SqliteStore) -> None:
    draw = Sketch()
    chain = draw("trial.linger", draw("trial.ramp", 2.0), 0.05)
    for _ in range(20):
        chain = draw("trial.linger", chain, 0.05)
    plan = draw.plan(draw("trial.refuse", 7.0), draw("trial.total", chain))
    options = RunOptions(jobs=2, on_failure="stop")
    report = run(plan, store, options=options)
    assert all(goal.failure for goal in report.goals)
    assert report.progress.executed < 10


def test_independent_nodes_run_at_the_same_time(store: SqliteStore) -> None:
    draw = Sketch()
    goals = [draw("trial.meet", draw("trial.ramp", float(seed))) for seed in (1, 2)]
    assert values(run(draw.plan(*goals), store)) == [0.0, 0.0]


def test_a_narrow_plan_gives_all_cores_to_one_kernel(store: SqliteStore) -> None:
    draw = Sketch()
    plan = draw.plan(draw("trial.threads_given", draw("trial.ramp", 1.0)))
    assert values(run(plan, store, options=RunOptions(jobs=4))) == [4]


def test_the_sequential_engine_gives_the_same_digests(
    tmp_path: Path, store: SqliteStore
) -> None:
    plan, _ = pipeline(Sketch())
    one = run(plan, store)
    other = open_store(tmp_path / "other", migrations=[MIGRATIONS])
    two = run(plan, other, options=RunOptions(execution_engine="sequential"))
    other.close()
    assert [goal.digest for goal in one.goals] == [goal.digest for goal in two.goals]


@pytest.mark.parametrize("policy", ["worth", "all", "goals", "none"])
def test_every_store_policy_gives_the_same_answers(
    policy: str, store: SqliteStore
) -> None:
    draw = Sketch()
    plan, operations = pipeline(draw)
    options = RunOptions(jobs=2, store_policy=policy)  # type: ignore[arg-type]
    first = run(plan, store, options=options)
    second = run(plan, store, options=options)
    assert values(first) == values(second)
    expected = operations if policy == "none" else 0
    assert second.progress.executed == expected


def test_policy_all_answers_intermediate_nodes(store: SqliteStore) -> None:
    draw = Sketch()
    image = draw("trial.ramp", 5.0)
    inner = draw("trial.at_least", image, 100.0)
    run(
        draw.plan(draw("trial.total", inner)),
        store,
        options=RunOptions(store_policy="all"),
    )
    report = run(draw.plan(inner, draw("trial.total", image)), store)
    assert report.progress.executed == 1


def test_costly_intermediate_results_are_kept_by_worth(store: SqliteStore) -> None:
    draw = Sketch()
    lingered = draw("trial.linger", draw("trial.ramp", 1.0), 0.3)
    plan = draw.plan(draw("trial.total", lingered))
    run(plan, store)  # learns what lingering costs
    again = Sketch()
    lingered = again("trial.linger", again("trial.ramp", 2.0), 0.3)
    run(again.plan(again("trial.total", lingered)), store)
    report = run(
        again.plan(again("trial.total", again("trial.at_least", lingered, 1.0))), store
    )
    assert report.progress.executed == 2


def test_without_cache_everything_is_computed_again(store: SqliteStore) -> None:
    plan, operations = pipeline(Sketch())
    run(plan, store)
    again = run(plan, store, options=RunOptions(use_cache=False, store_policy="none"))
    assert again.progress.executed == operations


def test_an_image_goal_can_be_used_and_is_named(store: SqliteStore) -> None:
    draw = Sketch()
    plan = draw.plan(draw("trial.ramp", 4.0))
    first, second = run(plan, store).goals[0], run(plan, store).goals[0]
    assert isinstance(first.value, Image)
    assert isinstance(second.value, Image)
    assert (first.value.array == second.value.array).all()
    assert first.digest == second.digest is not None


def test_a_damaged_artifact_is_computed_again(
    store: SqliteStore, tmp_path: Path
) -> None:
    draw = Sketch()
    image = draw("trial.ramp", 4.37)
    expected = values(run(draw.plan(draw("trial.total", image), image), store))[0]
    store.close()
    blobs = [
        path for path in (tmp_path / "store" / "blobs").rglob("*") if path.is_file()
    ]
    assert blobs
    for path in blobs:
        path.chmod(0o600)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    reopened = open_store(tmp_path / "store", migrations=[MIGRATIONS])
    other = draw("+", draw("trial.total", draw("trial.at_least", image, -1.0)), 0.0)
    report = run(draw.plan(other, image), reopened)
    assert values(report)[0] == 40 * 30 * 20
    assert float(values(report)[1].array.sum(dtype="f8")) == expected
    reopened.close()


def test_a_save_is_written_once_and_left_alone_when_unchanged(
    store: SqliteStore, tmp_path: Path
) -> None:
    draw = Sketch()
    plan = draw.plan(saves={"out/image.nii.gz": draw("trial.ramp", 4.0)})
    first = run(plan, store, directory=tmp_path).goals[0]
    assert first.saved == tmp_path / "out" / "image.nii.gz"
    assert first.saved.is_file()
    assert not first.is_unchanged
    assert run(plan, store, directory=tmp_path).goals[0].is_unchanged
    first.saved.unlink()
    assert not run(plan, store, directory=tmp_path).goals[0].is_unchanged
    assert first.saved.is_file()


def test_two_saves_to_one_path_are_refused_before_anything_runs(
    store: SqliteStore, tmp_path: Path
) -> None:
    draw = Sketch()
    saves = {"a.json": draw("+", 1.0, 1.0), "./a.json": draw("+", 2.0, 1.0)}
    with pytest.raises(PlanError, match="saved twice"):
        run(draw.plan(saves=saves), store, directory=tmp_path)


def test_a_missing_input_is_found_before_anything_runs(store: SqliteStore) -> None:
    draw = Sketch()
    plan = draw.plan(draw("load", "nowhere.nii.gz"), draw("+", 1.0, 1.0))
    with pytest.raises(PlanError, match=r"nowhere\.nii\.gz"):
        run(plan, store)


def test_a_failed_save_fails_its_goal_only(store: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    draw = Sketch()
    node = draw("+", 1.0, 1.0)
    report = run(
        draw.plan(node, saves={"taken/x.nii": node}), store, directory=tmp_path
    )
    assert report.goals[0].value == 2.0
    assert report.goals[1].failure is not None


def test_the_time_limit_stops_a_run_and_keeps_what_was_finished(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    done = draw("trial.total", draw("trial.ramp", 1.0))
    endless = draw("trial.total", draw("trial.linger", draw("trial.ramp", 2.0), 60.0))
    options = RunOptions(jobs=2, timeout_s=0.4)
    with pytest.raises(InterruptedRunError) as caught:
        run(draw.plan(done, endless), store, options=options)
    assert [goal.label for goal in caught.value.report.goals] == ["0"]
    assert run(draw.plan(done), store).progress.executed == 0


def test_an_interrupt_stops_cleanly_and_the_next_run_goes_on(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    done = draw("trial.total", draw("trial.ramp", 1.0))
    endless = draw("trial.total", draw("trial.linger", draw("trial.ramp", 2.0), 60.0))

    def interrupt(_: GoalOutcome) -> None:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()

    started = time.monotonic()
    with pytest.raises(InterruptedRunError):
        run(draw.plan(done, endless), store, on_goal=interrupt)
    assert time.monotonic() - started < 30
    assert run(draw.plan(done), store).progress.executed == 0


def test_a_long_chain_needs_no_recursion(store: SqliteStore) -> None:
    draw = Sketch()
    total = draw("+", 0.0, 1.0)
    for _ in range(20_000):
        total = draw("+", total, 1.0)
    assert values(run(draw.plan(total), store)) == [20_001.0]


def test_goals_of_earlier_runs_are_listed_newest_first(store: SqliteStore) -> None:
    for seed in (1.0, 2.0):
        draw = Sketch()
        run(draw.plan(draw("+", seed, 1.0)), store)
    listed = list_goals(store, label="0")
    assert len(listed) == 2
    assert listed[0].started_ms >= listed[1].started_ms
    assert listed[0].digest is not None


OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(OPERATORS)), st.integers(0, 9), st.integers(0, 9)
        ),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(["worth", "all", "goals", "none"]),
)
def test_random_programs_agree_with_a_plain_evaluator(
    store: SqliteStore, steps: list[tuple[str, int, int]], policy: str
) -> None:
    draw = Sketch()
    nodes: list[object] = [draw("+", float(n), 0.5) for n in range(3)]
    plain = [n + 0.5 for n in range(3)]
    for operator, left, right in steps:
        left, right = left % len(nodes), right % len(nodes)
        nodes.append(draw(operator, nodes[left], nodes[right]))  # type: ignore[arg-type]
        plain.append(OPERATORS[operator](plain[left], plain[right]))
    options = RunOptions(jobs=2, store_policy=policy)  # type: ignore[arg-type]
    plan = draw.plan(*nodes)  # type: ignore[arg-type]
    for _ in range(2):
        assert values(run(plan, store, options=options)) == plain
