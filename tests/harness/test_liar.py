"""A member signs wrong results: it is found out, and all that it touched is undone."""

from __future__ import annotations

from pathlib import Path

from .lab import Lab
from .machine import Machine
from .naps import PROGRAM, cases, napper, phantom
from .programs import know_all
from .test_once import ONE_AT_A_TIME, join_all
from .waiting import wait_until

CASES = 24
LIES = 10
"""Of a hundred."""

FOUND_WRONG = 9
"""Exit code of an audit that found a wrong result."""

AUDIT_LIMIT_S = 120.0


def test_a_liar_is_found_out_and_no_file_of_the_others_stays_wrong(
    lab: Lab, tmp_path: Path
) -> None:
    image, program = phantom(tmp_path), cases(0, CASES)
    alone = napper(lab, "alone", image, program)
    honest = [napper(lab, f"lab-{n}", image, program) for n in range(1, 4)]
    liar = napper(lab, "liar", image, program, lies=LIES)
    truth = alone.execute(PROGRAM, "--jobs", "8")
    machines = [*honest, liar]
    join_all(machines)
    said = liar.execute(PROGRAM, *ONE_AT_A_TIME)
    assert said.saved != truth.saved
    know_all(*machines)
    processes = [each.start(PROGRAM, *ONE_AT_A_TIME) for each in honest]
    for machine, process in zip(honest, processes, strict=True):
        assert machine.finish(process).saved != truth.saved

    for machine in honest:
        # Another's word, or a drawn audit, may have found the liar out before.
        found = machine.voxpeer("audit", "--all", limit_s=AUDIT_LIMIT_S, check=False)
        assert found.exit_code in (0, FOUND_WRONG), found.stderr
    for machine in honest:
        wait_until_right(machine, truth.saved)
    # And from now on, whoever runs it.
    for machine in honest:
        again = machine.execute(PROGRAM, *ONE_AT_A_TIME)
        assert again.results == truth.results
        assert again.saved == truth.saved


def wait_until_right(machine: Machine, saved: dict[str, str]) -> None:
    """Wait until a machine believes everybody but the liar, and its files are right."""
    wait_until(
        lambda: machine.disbelieved() == ["liar"],
        f"{machine.name} does not believe the liar, and everybody else",
        limit_s=AUDIT_LIMIT_S,
    )
    wait_until(
        lambda: files(machine, saved) == saved,
        f"the files of {machine.name} are right",
        limit_s=AUDIT_LIMIT_S,
    )


def files(machine: Machine, saved: dict[str, str]) -> dict[str, str]:
    """Return what lies on a machine under the names of saved files."""
    return machine.digests(list(saved))
