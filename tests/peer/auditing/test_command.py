"""``voxpeer audit`` as a process: what it prints, how it ends and is ended."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from peer.identity import found_realm
from store import NodeKey, SqliteStore
from tests.peer.auditing.lies import PROGRAM, receive
from tests.peer.conftest import Bench
from tests.peer.daemon.harness import Peer, let_in, new_store

pytestmark = pytest.mark.slow

MANY = "\n".join(
    [
        'load image = "image.nii.gz"',
        *(f"let m{it} = distlt(3, intensity(image) >=. {it})" for it in range(1, 40)),
        *(f'print "{it}" volume(m{it})' for it in range(1, 40)),
    ]
)


class Desk(Bench):
    """A machine that has the program, and fetched its results from a liar."""

    def prepare(self, text: str, size: int, lies: int) -> list[NodeKey]:
        """Run a program elsewhere; have the liar sign its masks, some of them wrong.

        Returns:
            the nodes of which there is a lie.
        """
        voxels = np.random.default_rng(7).integers(0, 100, (size,) * 3)
        made = sitk.GetImageFromArray(voxels.astype(np.float32))
        sitk.WriteImage(made, str(self.folder / "image.nii.gz"))
        self.program(text)
        truth, victim = self.folder / "truth", self.folder / "store"
        told = self.voxpeer("run", "program.imgql", "--store", str(truth), "--json")
        assert told.returncode == 0, told.stderr
        goals = {bytes.fromhex(it["key"]) for it in json.loads(told.stdout)["goals"]}
        with new_store(truth) as oracle, new_store(victim) as store:
            keys = self._lie(oracle, store, lies, goals)
        done = self.voxpeer("run", "program.imgql")
        assert done.returncode == 0, done.stderr
        return keys

    def _lie(
        self, oracle: SqliteStore, store: SqliteStore, lies: int, goals: set[bytes]
    ) -> list[NodeKey]:
        """Lie about goals first: nobody asks for what is below one that is known."""
        liar = Peer(oracle, found_realm(oracle, "liar"))
        victim = Peer(store, let_in(liar, store, "victim"))
        masks = sorted(
            (it.key for it in oracle.results() if it.kind == "mask"),
            key=lambda key: (bytes(key) not in goals, key),
        )
        for at, key in enumerate(masks):
            receive(victim, liar, oracle, key, at + 1, is_lie=at < lies)
        return masks[:lies]

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Start a command whose input is a pipe."""
        return subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for each in started:
        each.kill()
        each.communicate()


def test_a_lie_is_found_and_said_with_an_exit_code_of_its_own(desk: Desk) -> None:
    (lie,) = desk.prepare(PROGRAM, 24, lies=1)
    done = desk.voxpeer("audit", "--all", "--json")
    assert done.returncode == 9, done.stderr
    said = json.loads(done.stdout)
    verdicts = {each["key"]: each["verdict"] for each in said["audits"]}
    assert verdicts[lie.hex()] == "differs"
    assert [each["end"] for each in said["files"]].count("replaced") == 1
    assert said["left"] == 0
    assert not said["stopped"]
    again = desk.voxpeer("audit", "--all")
    assert again.returncode == 0
    assert "0 left to do" in again.stderr


def test_people_are_told_once_of_files_that_were_wrong(desk: Desk) -> None:
    desk.prepare(PROGRAM, 24, lies=1)
    done = desk.voxpeer("audit", "--all")
    assert done.returncode == 9, done.stderr
    assert "WRONG: liar signed something else" in done.stdout
    assert "'voxpeer peers' says who" in done.stderr
    assert "look again" in done.stderr
    assert "written anew" in desk.voxpeer("status").stdout
    (known,) = json.loads(desk.voxpeer("status", "--json").stdout)["corrected_files"]
    name = Path(known["path"]).name
    for is_told in (True, False):
        again = desk.voxpeer("run", "program.imgql")
        assert f"unchanged {name}" in again.stderr
        assert (f"warning: {name} rested on a result" in again.stderr) is is_told
    assert json.loads(desk.voxpeer("status", "--json").stdout)["corrected_files"] == []


def test_without_json_each_outcome_has_a_line(desk: Desk) -> None:
    desk.prepare(PROGRAM, 24, lies=1)
    done = desk.voxpeer("audit", "--all", "--no-such-option")
    assert done.returncode == 2
    done = desk.voxpeer("audit", "--all", "--limit", "1")
    assert done.returncode in (0, 9)
    assert len([line for line in done.stdout.splitlines() if "here" in line]) == 1
    done = desk.voxpeer("audit", "--all")
    assert "voxels" not in done.stdout
    assert "of program.imgql)" in done.stdout


def test_the_next_run_and_status_tell_of_files_that_cannot_be_made_right(
    desk: Desk,
) -> None:
    desk.prepare(PROGRAM, 24, lies=1)
    for name in ("bright.nii.gz", "dark.nii.gz"):
        (desk.folder / name).write_bytes(b"notes of mine")
    done = desk.voxpeer("audit", "--all")
    assert done.returncode == 9, done.stderr
    assert "it was changed since it was saved" in done.stdout
    other = desk.run('print "six" 2 * 3', name="other.imgql")
    assert "rests on somebody who was found wrong, and was changed" in other.stderr
    shown = desk.voxpeer("status")
    assert "make right" in shown.stdout
    assert "1 wrong" in shown.stdout
    assert "of CPU" in shown.stdout


def test_ctrl_c_ends_it_and_leaves_the_rest_to_do(
    desk: Desk, processes: list[subprocess.Popen[str]]
) -> None:
    desk.prepare(MANY, 64, lies=0)
    process = desk.begin("audit", "--all")
    processes.append(process)
    assert process.stdout is not None
    assert "the same here" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "interrupted" in stderr
    left = json.loads(desk.voxpeer("audit", "--limit", "1", "--json").stdout)["left"]
    assert left > 0


def test_in_the_background_it_ends_with_its_input(
    desk: Desk, processes: list[subprocess.Popen[str]]
) -> None:
    desk.prepare(MANY, 64, lies=0)
    process = desk.begin("audit", "--all", "--background")
    processes.append(process)
    assert process.stdout is not None
    assert process.stdin is not None
    assert "the same here" in process.stdout.readline()
    process.stdin.close()
    process.stdin = None
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_no_audit_is_begun_beyond_the_cpu_time(desk: Desk) -> None:
    desk.prepare(PROGRAM, 24, lies=0)
    # To start takes longer than that.
    done = desk.voxpeer("audit", "--all", "--cpu-time", "1ms", "--json")
    said = json.loads(done.stdout)
    assert said["audits"] == []
    assert said["left"] > 0


def test_why_tells_that_a_fetched_result_was_computed_here_too(desk: Desk) -> None:
    desk.prepare(PROGRAM, 24, lies=0)
    before = desk.voxpeer("why", "bright.nii.gz")
    assert "computed here too" not in before.stdout
    assert desk.voxpeer("audit", "--all").returncode == 0
    after = desk.voxpeer("why", "bright.nii.gz")
    assert "computed here too on " in after.stdout
    assert ": the same" in after.stdout
