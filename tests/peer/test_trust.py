"""Whom a machine believes, from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from peer.cli.reports import show_corrected
from peer.identity import NodeId
from peer.local import nudge
from peer.stores import open_store
from peer.trust.quarantine import Quarantine, Quarantined, now_ms
from scheduler import GoalOutcome, Progress, RunReport
from store import Digest, Reliance

from .realm_bench import Machine, wait_until

pytestmark = pytest.mark.slow

LIAR, VICTIM = NodeId("l" * 16), NodeId("v" * 16)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Return a machine with a daemon that does not believe everybody."""
    made = Machine(tmp_path / "lab", "lab-1")
    made.join()
    with open_store(made.store) as opened:
        quarantine = Quarantine(opened)
        quarantine.begin(Quarantined(LIAR, 7, now_ms(), "computed here"))
        excuses = (Reliance(LIAR, 3),)
        entry = Quarantined(VICTIM, 9, now_ms(), "computed here", excuses=excuses)
        quarantine.begin(entry)
    nudge(made.store)
    yield made
    made.stop()


def refused(machine: Machine) -> dict[str, int]:
    peers = json.loads(machine.voxpeer("peers", "--json").stdout)["peers"]
    return {peer["node_id"]: peer["refused_from"] for peer in peers}


def test_peers_and_status_tell_in_words_who_is_not_believed(machine: Machine) -> None:
    wait_until(lambda: len(refused(machine)) == 2, "both are refused")
    assert refused(machine) == {LIAR: 7, VICTIM: 9}
    shown = machine.voxpeer("peers").stdout
    assert "not believed" in shown
    assert f"'voxpeer peers trust {LIAR}'" in shown
    assert f"computed from results of {LIAR}" in shown
    assert "2 members not believed" in machine.voxpeer("status").stdout


def test_a_member_is_trusted_again_with_a_daemon_and_without(machine: Machine) -> None:
    wait_until(lambda: len(refused(machine)) == 2, "both are refused")
    done = machine.voxpeer("peers", "trust", LIAR[:4])
    assert done.returncode == 0, done.stderr
    assert "taken here again" in done.stderr
    wait_until(lambda: refused(machine) == {VICTIM: 9}, "one is believed")
    assert machine.voxpeer("peers", "trust", LIAR[:4]).returncode == 5
    machine.stop()
    done = machine.voxpeer("peers", "trust", VICTIM)
    assert done.returncode == 0, done.stderr
    assert "taken here again" in done.stderr
    assert machine.voxpeer("peers", "trust", VICTIM).returncode == 5


def test_a_run_says_which_of_its_files_were_wrong_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, right, other = (Digest(bytes([it]) * 32) for it in range(3))
    paths = [tmp_path / f"{name}.nii.gz" for name in ("was", "was_not", "new")]
    goals = tuple(
        GoalOutcome(it, "save", path.name, digest=right, saved=path)
        for it, path in enumerate(paths)
    )
    report = RunReport("run", goals, Progress(), 1.0)
    show_corrected(report, {paths[0]: wrong, paths[1]: right, tmp_path: other})
    assert "was.nii.gz rested on" in (said := capsys.readouterr().err)
    assert "look again" in said
    assert "was_not" not in said
    assert "new" not in said
