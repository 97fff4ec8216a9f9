"""Runs of whole programs on machines of one realm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from peer.local import DaemonNeighbours, status
from peer.programs import load_program
from primitives.catalog import standard_registry
from scheduler import RunOptions, RunReport, run_plan
from tests.peer.daemon.conftest import Realm
from tests.peer.daemon.harness import Asker, Peer, eventually

pytestmark = pytest.mark.slow

PROGRAM = """
load image = "image.nii.gz"
let bright = intensity(image) >=. 50
let near = bright | (distlt(9, bright) & (intensity(image) >=. 20))
print "volume" volume(near)
print "parts" [volume(bright), volume(near)]
save "mask.nii.gz" near
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(7)
    voxels = rng.integers(0, 100, (96, 96, 96)).astype(np.float32)
    made = tmp_path / "program"
    made.mkdir()
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(made / "image.nii.gz"))
    (made / "program.imgql").write_text(PROGRAM, encoding="utf-8")
    return made


def run(peer: Peer, folder: Path) -> RunReport:
    program = load_program(str(folder / "program.imgql"), peer.store, parameters={})
    neighbours = DaemonNeighbours(peer.store.path)
    try:
        return run_plan(
            program.plan,
            store=peer.store,
            registry=standard_registry(),
            options=RunOptions(jobs=2),
            directory=folder,
            neighbours=neighbours,
        )
    finally:
        neighbours.close()


def digests(report: RunReport) -> list[object]:
    assert [goal.failure for goal in report.goals if goal.failure] == []
    return [(goal.label, goal.digest) for goal in report.goals]


def test_the_second_machine_executes_nothing(realm: Realm, folder: Path) -> None:
    anna, bert = realm("anna", "bert")
    anna.start()
    bert.start(anna)
    eventually(lambda: bert.neighbours and anna.neighbours)
    first = run(anna, folder)
    saved = (folder / "mask.nii.gz").read_bytes()
    (folder / "mask.nii.gz").unlink()
    goals = [goal.key for goal in first.goals if goal.key is not None]
    asker = Asker(bert)
    eventually(lambda: set(asker.locate(*goals)) == set(goals))
    asker.close()
    second = run(bert, folder)
    assert first.progress.executed > 0
    assert second.progress.executed == 0
    assert second.progress.from_peers > 0
    assert second.progress.executed_because == {}
    (there,) = status(bert.store.path).peers
    assert there.saved_s > 0
    assert digests(second) == digests(first)
    assert (folder / "mask.nii.gz").read_bytes() == saved


def test_with_a_neighbour_that_has_nothing_a_run_computes(
    realm: Realm, folder: Path
) -> None:
    anna, bert = realm("anna", "bert")
    anna.start(share="none")
    bert.start(anna)
    eventually(lambda: bert.neighbours and anna.neighbours)
    first, second = run(anna, folder), run(bert, folder)
    assert second.progress.executed > 0
    because = second.progress.executed_because
    assert because["reveals_input"] == 2  # the image as it was read, its intensity
    assert sum(because.values()) == second.progress.executed
    assert digests(second) == digests(first)


def test_without_a_daemon_a_run_computes(realm: Realm, folder: Path) -> None:
    (anna,) = realm("anna")
    report = run(anna, folder)
    assert report.progress.executed > 0
    assert report.progress.from_peers == 0
