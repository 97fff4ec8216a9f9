"""Several processes on one store: together, and killed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scheduler import MIGRATIONS
from store import open_store

from .sketch import Sketch, run, values

pytestmark = pytest.mark.slow

PROGRAM = """
import json, sys
from pathlib import Path
from scheduler import MIGRATIONS
from store import open_store
from tests.scheduler.sketch import run, values
from tests.scheduler.test_processes import cases

store = open_store(Path(sys.argv[1]), migrations=[MIGRATIONS])
report = run(cases(), store)
store.close()
print(json.dumps([values(report), report.progress.executed]))
"""
CASES = 8


def cases() -> object:
    """Eight goals of three heavy nodes each, two of which are worth keeping."""
    draw = Sketch()
    goals = []
    for seed in range(1, CASES + 1):
        image = draw("trial.linger", draw("trial.ramp", float(seed)), 0.15)
        goals.append(draw("trial.total", image))
    return draw.plan(*goals)


def start(store: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(store)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )


def finish(process: subprocess.Popen[str]) -> tuple[list[float], int]:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    found, executed = json.loads(output)
    return found, executed


def test_two_runs_at_once_compute_each_goal_once(tmp_path: Path) -> None:
    open_store(tmp_path / "store", migrations=[MIGRATIONS]).close()
    first, second = start(tmp_path / "store"), start(tmp_path / "store")
    (one, executed_one), (two, executed_two) = finish(first), finish(second)
    assert one == two
    store = open_store(tmp_path / "store", migrations=[MIGRATIONS])
    kept = sum(1 for _ in store.results())
    store.close()
    # The nodes that were kept were computed once in total; only nodes below them
    # that are not worth keeping may have been computed in both processes.
    assert kept >= CASES
    assert executed_one + executed_two <= 3 * CASES + (3 * CASES - kept)


def test_a_killed_run_leaves_a_clean_store_and_is_resumed(tmp_path: Path) -> None:
    alone = open_store(tmp_path / "alone", migrations=[MIGRATIONS])
    expected = values(run(cases(), alone))  # type: ignore[arg-type]
    alone.close()
    dice = random.Random(20)
    place = tmp_path / "store"
    for _ in range(4):
        process = start(place)
        time.sleep(dice.uniform(0.3, 1.6))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    store = open_store(place, migrations=[MIGRATIONS])
    assert values(run(cases(), store)) == expected  # type: ignore[arg-type]
    assert list(store.check()) == []
    store.close()
