"""What a run does when something goes wrong around it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from scheduler import MIGRATIONS, InterruptedRunError, RunOptions
from scheduler.plan import Plan
from store import SqliteStore, open_store

from .sketch import Sketch, run, values


def test_a_run_that_stops_at_a_failure_says_which(store: SqliteStore) -> None:
    draw = Sketch()
    slow = draw("trial.total", draw("trial.linger", draw("trial.ramp", 1.0), 0.3))
    plan = draw.plan(slow, draw("trial.refuse", draw("trial.ramp", 2.0)))
    report = run(plan, store, options=RunOptions(jobs=2, on_failure="stop"))
    assert report.goals[1].failure is not None
    assert report.goals[1].failure.message.startswith("refused")
    assert report.goals[0].failure is not None
    assert "not run" in report.goals[0].failure.message


def test_the_time_limit_is_named_even_after_a_failure(store: SqliteStore) -> None:
    draw = Sketch()
    endless = draw("trial.total", draw("trial.linger", draw("trial.ramp", 2.0), 60.0))
    plan = draw.plan(draw("trial.refuse", 1.0), endless)
    with pytest.raises(InterruptedRunError, match="time limit"):
        run(plan, store, options=RunOptions(jobs=2, timeout_s=0.3))


@pytest.mark.parametrize("bad", ["text", True])
def test_a_range_of_something_else_fails_its_node_alone(
    bad: str | bool, store: SqliteStore
) -> None:
    draw = Sketch()
    bound = draw("index", draw("sequence", bad, 1.0), draw("-", 1.0, 1.0))
    loop = draw("map", draw("range", bound), draw.function(draw.variable()))
    report = run(draw.plan(loop, draw("+", 1.0, 1.0)), store)
    assert report.goals[0].failure is not None
    assert "internal" not in report.goals[0].failure.message
    assert report.goals[1].value == 2.0


def test_an_unknown_operator_of_a_fold_fails_its_node_alone(store: SqliteStore) -> None:
    draw = Sketch()
    folded = draw.fold("?", draw("sequence", 1.0, 2.0))
    report = run(draw.plan(folded, draw("+", 1.0, 1.0)), store)
    assert report.goals[0].failure is not None
    assert "operator" in report.goals[0].failure.message
    assert report.goals[1].value == 2.0


def remove_largest(place: Path, count: int) -> None:
    blobs = [path for path in (place / "blobs").rglob("*") if path.is_file()]
    for path in sorted(blobs, key=lambda path: path.stat().st_size)[-count:]:
        path.unlink()


def test_a_kept_sequence_whose_image_is_gone_is_computed_again(
    store: SqliteStore, tmp_path: Path
) -> None:
    draw = Sketch()
    body = draw.function(draw("trial.ramp", draw.variable()))
    images = draw("map", draw("sequence", 4.37, 5.11), body)
    plan = draw.plan(images, draw("+", 0.5, 0.5))
    expected = [image.array.tobytes() for image in values(run(plan, store))[0]]
    remove_largest(tmp_path / "store", 1)
    for _ in range(2):
        found = values(run(plan, store))[0]
        assert [image.array.tobytes() for image in found] == expected


def test_an_image_sequence_from_kept_elements_is_printed_whole(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    body = draw.function(draw("trial.ramp", draw.variable()))
    run(draw.plan(draw("trial.ramp", 4.37), draw("trial.ramp", 5.11)), store)
    images = draw("map", draw("sequence", 4.37, 5.11), body)
    found = values(run(draw.plan(images), store))[0]
    assert [type(image).__name__ for image in found] == ["Image", "Image"]


def test_a_kept_value_used_again_later_is_computed_once(store: SqliteStore) -> None:
    draw = Sketch()
    image = draw("trial.ramp", 3.0)
    again = draw("trial.total", draw("trial.linger", image, 0.0))
    first = draw("trial.total", image)
    seed = draw("-", first, first)
    items = draw("map", draw("range", seed, 3.0), draw.function(draw("+", again, 0.0)))
    plan = draw.plan(draw.fold("+", items))
    options = RunOptions(jobs=2, store_policy="all")
    assert run(plan, store, options=options).goals[0].failure is None
    assert run(plan, store, options=options).progress.executed == 0


def test_a_file_changed_after_it_was_hashed_is_planned_anew(
    store: SqliteStore, tmp_path: Path
) -> None:
    path = tmp_path / "case.txt"
    path.write_text("a\n", encoding="utf-8")
    draw = Sketch()
    # On one core the first node runs first, so the file changes before it is read.
    change = draw("trial.scribble", str(path), "a\nb\nc\n")
    counted = draw("length", draw("load", "case.txt"))
    goal = draw("+", counted, change)
    alone = Sketch()
    plan = alone.plan(alone("length", alone("load", "case.txt")))
    before = run(plan, store, directory=tmp_path, options=RunOptions(jobs=1))
    options = RunOptions(jobs=1, store_policy="all", use_cache=False)
    report = run(draw.plan(goal, counted), store, directory=tmp_path, options=options)
    assert values(report) == [3, 3]
    after = run(plan, store, directory=tmp_path)
    assert (values(before), values(after)) == ([1], [3])
    assert after.goals[0].key == report.goals[1].key != before.goals[0].key
    path.write_text("a\n", encoding="utf-8")
    assert values(run(plan, store, directory=tmp_path)) == [1]


def test_a_store_without_room_does_not_stop_a_run(tmp_path: Path) -> None:
    draw = Sketch()
    plan = draw.plan(draw("trial.ramp", 4.37), draw("+", 1.0, 1.0))
    place = tmp_path / "tiny"
    with open_store(place, migrations=[MIGRATIONS], cap_bytes=1000) as store:
        for _ in range(2):
            report = run(plan, store, options=RunOptions(store_policy="all"))
            assert values(report)[1] == 2.0


HOLDER = """
import sys
from pathlib import Path
from scheduler import MIGRATIONS
from store import open_store
from tests.scheduler.sketch import run
from tests.scheduler.test_recovery import held

with open_store(Path(sys.argv[1]), migrations=[MIGRATIONS]) as store:
    run(held(), store)
"""


def held() -> Plan:
    draw = Sketch()
    return draw.plan(draw("trial.linger", draw("trial.ramp", 1.0), 1.5))


@pytest.mark.slow
def test_who_waits_for_a_killed_run_takes_over_at_once(tmp_path: Path) -> None:
    place = tmp_path / "store"
    open_store(place, migrations=[MIGRATIONS]).close()
    root = Path(__file__).resolve().parents[2]
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(place)],
        cwd=root,
    )
    with open_store(place, migrations=[MIGRATIONS]) as store:
        _wait_for_lease(store)
        killed: list[float] = []

        def kill() -> None:
            killed.append(time.monotonic())
            os.kill(holder.pid, signal.SIGKILL)
            holder.wait()

        threading.Timer(0.3, kill).start()
        report = run(held(), store)
        waited = time.monotonic() - killed[0]
    assert len(values(report)) == 1
    assert report.progress.executed == 2
    assert waited < 1.5 + 1.0  # its own computing, and a moment


def _wait_for_lease(store: SqliteStore) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with store.database.read() as connection:
            if connection.execute("SELECT count(*) FROM leases").fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("the holder never began")
