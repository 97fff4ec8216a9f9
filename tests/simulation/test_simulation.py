"""Peers in models of the world: every seed is one, and none breaks an invariant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .playing import Failure, play, play_many, replay, seeds, try_out
from .scenarios import SCENARIOS
from .summary import Summary

ROOT = Path(__file__).parents[2]
QUICK_SEEDS = 6
MANY_SEEDS = 10_000


def assert_clean(summary: Summary) -> None:
    """Fail with how to replay what went wrong, and its last moments."""
    if summary.failures:
        pytest.fail(f"{summary}\n\n{summary.failures[0]}", pytrace=False)


@pytest.mark.parametrize("scenario", sorted(set(SCENARIOS) - {"many"}))
def test_some_worlds_of_each_kind_break_no_invariant(scenario: str) -> None:
    assert_clean(Summary(play_many(seeds(QUICK_SEEDS, [scenario]), jobs=1)))


@pytest.mark.slow
@pytest.mark.parametrize("part", [0, 1])
def test_ten_thousand_worlds_break_no_invariant(part: int) -> None:
    """Two halves, so that two workers share them; together the simulator's summary."""
    summary = Summary(play_many(seeds(MANY_SEEDS)[part::2], jobs=1))
    print(summary)
    assert_clean(summary)
    rows = summary.rows
    assert rows["calm"].executions == rows["drift"].executions == 1.0
    assert rows["many"].executions == 1.0
    assert rows["loss"].executions <= 1.01
    assert rows["storm"].needless <= 0.15
    assert max(row.span for row in rows.values()) <= 1.0


def test_nothing_is_executed_twice_and_peers_share_the_time_when_all_is_well() -> None:
    outcome = play("calm", 5)
    assert outcome.executions == outcome.tasks
    assert outcome.hedges == outcome.ungranted == outcome.needless == 0


@pytest.mark.slow
def test_a_seed_is_the_same_world_in_every_process() -> None:
    """Also where sets and dictionaries are in another order."""
    command = [sys.executable, "-m", "tests.simulation", "--seed", "3", "--transcript"]

    def transcript(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert transcript("1") == transcript("2") != ""


def test_a_world_is_the_same_whether_anybody_reads_its_transcript() -> None:
    assert play("everything", 4) == play("everything", 4, replay("everything", 4))


def test_a_failure_says_how_to_see_it_and_shows_its_last_moments() -> None:
    text = str(Failure("loss", 2, "I0: an example"))
    assert text.startswith("I0: an example\nreplay: python -m tests.simulation ")
    assert "--seed 2 --scenario loss --transcript" in text
    assert replay("loss", 2).lines[-1] in text


def test_the_summary_has_a_row_for_each_scenario_and_one_for_all() -> None:
    played = [try_out("calm", 1), try_out("loss", 1)]
    lines = str(Summary(played)).splitlines()
    assert [line.split()[0] for line in lines] == ["scenario", "calm", "loss", "all"]
