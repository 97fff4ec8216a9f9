"""Several machines run one program at once: each node is executed by one of them."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path

import pytest

from .lab import Lab
from .machine import Machine, Run
from .naps import NAP, PROGRAM, begun, cases, napper, phantom
from .programs import meet

PEERS = 4
CASES = 24
ONE_AT_A_TIME = ("--jobs", "1")


def test_once_each_node_is_executed_by_one_of_the_machines(
    lab: Lab,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    count: int = request.config.getoption("--peers", default=PEERS)
    image, program = phantom(tmp_path), cases(0, CASES)
    alone = napper(lab, "alone", image, program)
    machines = [napper(lab, f"lab-{n}", image, program) for n in range(1, count + 1)]
    expected = alone.execute(PROGRAM, *ONE_AT_A_TIME)
    join_all(machines)

    started = time.monotonic()
    processes = [each.start(PROGRAM, *ONE_AT_A_TIME) for each in machines]
    runs = [
        each.finish(process) for each, process in zip(machines, processes, strict=True)
    ]
    span_s = time.monotonic() - started

    times = begun(machines)
    with capsys.disabled():
        print(f"\n\n{table(machines, runs)}\n")
        print(
            f"{CASES} nodes, {len(machines)} machines: {sum(times.values())} executions"
            f" ({sum(times.values()) / CASES:.3f} a node), all done after"
            f" {span_s:.2f} s, {span_s / expected.seconds:.2f} of one machine's"
            f" {expected.seconds:.2f} s"
        )
    for run in runs:
        assert run.results == expected.results
        assert run.saved == expected.saved
    # One that a busy machine did not hear of in time is one too many, and no mistake.
    assert len(times) == CASES
    assert sum(times.values()) <= 1.1 * CASES


def join_all(machines: list[Machine]) -> None:
    """Have all machines in one realm, each a neighbour of each."""
    first, *others = machines
    token = first.found()
    for other in others:
        other.join(token)
        token = first.invite()
    meet(*machines)


def table(machines: list[Machine], runs: list[Run]) -> str:
    """Return who executed each node, and who fetched it from whom."""
    executed: dict[str, list[str]] = defaultdict(list)
    fetched: dict[str, list[str]] = defaultdict(list)
    for machine, run in zip(machines, runs, strict=True):
        for node in machine.nodes(run):
            if node.primitive == NAP and node.how == "computed":
                executed[node.key].append(machine.name)
            elif node.primitive == NAP and node.how == "peer":
                fetched[node.key].append(machine.name)
    lines = [f"{'node':<14}{'executed by':<16}fetched by"]
    lines += [
        f"{key[:12].lower():<14}{', '.join(executed[key]):<16}{', '.join(fetched[key])}"
        for key in sorted({*executed, *fetched})
    ]
    return "\n".join(lines)
