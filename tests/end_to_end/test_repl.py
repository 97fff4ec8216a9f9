"""A session on a brain, and the program that it becomes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import voxpeer

from .workplace import EXAMPLE, T1, Workplace

pytestmark = pytest.mark.slow

LINES = f"""
import "vox1"
head = intensity(load("brain/{T1}"))
head
bright(level) =
  head >. level
bright(150)
print "voxels" volume(bright(150))
tissue = maxvol(smoothen(bright(100), 3))
tissue
for level in [100, 150, 200] do volumeml(bright(level))
save "tissue.nii.gz" tissue
:save session.imgql
"""


def session(place: Workplace, lines: str) -> subprocess.CompletedProcess[str]:
    """Have lines read by ``voxpeer repl``."""
    home = str(Path(voxpeer.__file__).parent)
    settings = {"PYTHONPATH": home, "VOXPEER_STORE": str(place.store)}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "voxpeer", "repl", "--pictures", "pictures"],
        cwd=place.folder,
        env={**os.environ, **settings},
        input=lines,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_a_session_becomes_a_program_that_computes_nothing_anew(
    small_workplace: Workplace,
) -> None:
    done = session(small_workplace, LINES)
    shown = done.stdout.splitlines()
    assert shown[0].startswith("image 98x116x94 Float32, 2x2x2 mm, min 0, max 247")
    assert [line.partition(",")[0] for line in shown if line.startswith("mask")] == [
        "mask 98x116x94"
    ] * 2
    for line in shown:
        if line.startswith("picture "):
            assert (small_workplace.folder / line.partition(" ")[2]).is_file()

    outcome = small_workplace.run(small_workplace.folder / "session.imgql")
    voxels = next(line for line in shown if line.startswith("voxels="))
    assert outcome.results["voxels"][1] == float(voxels.partition("=")[2])
    # Volumes of a sequence are cheaper to count again than to keep.
    assert outcome.executed <= 6
    again = session(small_workplace, LINES.replace(":save session.imgql", ":time"))
    assert again.stdout.splitlines()[-1].startswith("executed 0,")


def test_loading_the_example_gives_what_running_it_gives(
    small_workplace: Workplace,
) -> None:
    done = session(small_workplace, f":load {EXAMPLE}\n:time\n")
    outcome = small_workplace.run(EXAMPLE)
    assert outcome.executed == 0
    printed = [line.partition("=")[0] for line in done.stdout.splitlines()[:-1]]
    assert printed == [
        label for label, goal in outcome.results.items() if goal[0] == "print"
    ]
