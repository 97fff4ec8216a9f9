"""Machines run one program while everything goes wrong; all of them end up right."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from .chaos import Chaos, Runner
from .lab import Lab
from .machine import Machine, Run
from .naps import NAP_S, PROGRAM, begun, cases, levels, napper, phantom
from .test_once import ONE_AT_A_TIME, join_all

MACHINES = 5
CASES = 60
DAMAGED = 6
"""Exit code of ``store check`` that has found damage."""


def test_chaos_leaves_every_file_right_and_every_store_clean(
    lab: Lab,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed: int = request.config.getoption("--seed", default=1)
    until = time.monotonic() + 60 * request.config.getoption("--minutes", default=0.0)
    image = phantom(tmp_path)
    alone = napper(lab, "alone", image, "")
    machines = [napper(lab, f"lab-{n}", image, "") for n in range(1, MACHINES + 1)]
    join_all(machines)
    print(f"the troubles of seed {seed}")
    random = Random(seed)
    turn = 0
    while turn == 0 or time.monotonic() < until:
        program = cases(turn * CASES, CASES)
        for machine in (alone, *machines):
            machine.write(PROGRAM, program)
        expected = alone.execute(PROGRAM, "--jobs", "8")
        report = _turn(machines, levels(turn * CASES, CASES), expected, random)
        with capsys.disabled():
            print(f"\n\nseed {seed}, turn {turn}: {report}")
        turn += 1


def _turn(
    machines: list[Machine], wanted: set[str], expected: Run, random: Random
) -> str:
    """Have all machines run the program in trouble; return what came of it."""
    before = begun(machines)
    chaos = Chaos(machines, random, slots=1, nap_s=NAP_S)
    runners = [Runner(each, PROGRAM, ONE_AT_A_TIME) for each in machines]
    started = time.monotonic()
    try:
        chaos.until_done(runners)
        span_s = time.monotonic() - started
        for runner in runners:
            assert runner.run is not None
            assert runner.run.results == expected.results, runner.machine.name
            assert runner.run.saved == expected.saved, runner.machine.name
        for machine in machines:
            found = machine.voxpeer("store", "check", check=False).exit_code
            assert found in (0, DAMAGED)
            assert machine.voxpeer("store", "check", check=False).exit_code == 0
        # Results of earlier turns may be audited meanwhile.
        found_times = begun(machines) - before
        times = Counter({each: n for each, n in found_times.items() if each in wanted})
        executions = sum(times.values())
        assert len(times) == CASES
        assert executions <= CASES + chaos.executions_allowed
        # And once more in peace: what was damaged is mended, and nothing else is done.
        for machine in machines:
            again = machine.execute(PROGRAM, *ONE_AT_A_TIME)
            assert again.results == expected.results
            assert again.saved == expected.saved
    except BaseException:
        print("\n".join(chaos.transcript))
        raise
    befell = counted(chaos.befell)
    because = Counter[str]()
    for runner in runners:
        if runner.run is not None:
            because.update(runner.run.stats["executed_because"])
    restarts = sum(runner.starts - 1 for runner in runners)
    return (
        f"{befell}; {restarts} runs started again; {executions} executions"
        f" of {CASES} nodes ({executions / CASES:.3f} a node, at most"
        f" {max(times.values())} of one, {1 + chaos.executions_allowed / CASES:.2f}"
        f" allowed); {span_s:.1f} s, {span_s / (CASES * NAP_S):.2f} of the naps alone;"
        f" all files and stores right; executed because {counted(because)}"
    )


def counted(numbers: Counter[str]) -> str:
    """Return numbers by name, in words."""
    return ", ".join(f"{name} {n}" for name, n in sorted(numbers.items())) or "nothing"
