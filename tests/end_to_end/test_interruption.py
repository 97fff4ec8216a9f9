"""What is left after ``kill -9``, and two runs at once."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from .workplace import EXAMPLE, T1, Workplace, finish, kill_after

pytestmark = pytest.mark.slow

KILLS = 20

REGIONS = Path("regions.imgql")
REGIONS_TEXT = f"""import "vox1"
let t1 = intensity(load("brain/{T1}"))
let brain = maxvol(t1 >. 0)
let rank = percentiles(t1, brain, 0.5)
print "white" volumeml(touch(rank >=. 0.667, maxvol(rank >=. 0.8)))
print "deep" volumeml(distgeq(10, !brain))
print "around" volumeml(near(brain))
"""
"""Operations on images only; sums of two numbers are done where they are needed."""


def test_after_kill_nine_at_any_moment_results_are_those_of_an_undisturbed_run(
    small_brain: Path, tmp_path: Path
) -> None:
    undisturbed = Workplace(tmp_path / "undisturbed", small_brain)
    started = time.monotonic()
    expected = undisturbed.run(EXAMPLE, "--store-policy", "all")
    takes_s = time.monotonic() - started
    dice = random.Random(20)
    hits = 0

    for number in range(KILLS):
        place = Workplace(tmp_path / f"killed-{number}", small_brain)
        victim = place.start("run", str(EXAMPLE), "--store-policy", "all")
        hits += kill_after(victim, dice.uniform(0.0, takes_s))
        after = place.run(EXAMPLE, "--store-policy", "all")
        check = place.voxpeer("store", "check")

        assert after.results == expected.results
        assert place.saved() == undisturbed.saved()
        assert check.exit_code == 0, check.stdout + check.stderr
    assert hits >= KILLS // 2, "most kills must come before the end of the run"


def test_kills_in_a_row_on_one_store_lose_nothing_and_leave_it_clean(
    small_workplace: Workplace,
) -> None:
    dice = random.Random(5)
    for _ in range(5):
        victim = small_workplace.start("run", str(EXAMPLE), "--store-policy", "all")
        kill_after(victim, dice.uniform(0.2, 0.8))
    small_workplace.run(EXAMPLE, "--store-policy", "all")
    assert small_workplace.voxpeer("store", "check").exit_code == 0
    assert small_workplace.run(EXAMPLE, "--store-policy", "all").executed == 0


def test_two_runs_at_once_execute_each_kept_node_once_in_total(
    workplace: Workplace, brain: Path, tmp_path: Path
) -> None:
    alone = Workplace(tmp_path / "alone", brain)
    for place in (alone, workplace):
        (place.folder / REGIONS.name).write_text(REGIONS_TEXT)
    expected = alone.run(REGIONS, "--store-policy", "all")
    command = ("run", str(REGIONS), "--json", "--store-policy", "all")
    outcomes = [finish(p) for p in [workplace.start(*command) for _ in range(2)]]

    for outcome in outcomes:
        assert outcome.exit_code == 0, outcome.stderr
        assert outcome.results == expected.results
    assert sum(outcome.executed for outcome in outcomes) == expected.executed


def test_two_runs_of_the_example_at_once_give_equal_results(
    workplace: Workplace, brain: Path, tmp_path: Path
) -> None:
    expected = Workplace(tmp_path / "alone", brain).run()
    command = ("run", str(EXAMPLE), "--json")
    outcomes = [finish(p) for p in [workplace.start(*command) for _ in range(2)]]

    assert [outcome.exit_code for outcome in outcomes] == [0, 0]
    assert all(outcome.results == expected.results for outcome in outcomes)
    assert workplace.voxpeer("store", "check").exit_code == 0
    assert workplace.run().executed == 0
