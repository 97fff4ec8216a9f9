"""Whole programs on the MNI152 brain against hand-written scripts of the same steps."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .measure import (
    BRAIN,
    PROJECT,
    PYTHON,
    VOXPEER,
    Measured,
    bytes_in,
    median,
    run,
    table,
)

EXAMPLE = (PROJECT / "docs" / "examples" / "brain-tissue.imgql").read_text()
_SMOOTH = """import "vox1"
let t1 = intensity(load("brain/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"))
let smooth = SmoothingRecursiveGaussian(t1, 1)
"""
SWEEP_FOR = _SMOOTH + (
    'print "counts" for i in range(0, 50) do volume(smooth >. (5 * i))\n'
)
SWEEP_UNROLLED = (
    _SMOOTH
    + "".join(f"let m{i} = smooth >. {5 * i}\n" for i in range(50))
    + f'print "counts" [{", ".join(f"volume(m{i})" for i in range(50))}]\n'
)
PROGRAMS = {
    "brain-tissue": (EXAMPLE, "tissue"),
    "50 thresholds in a `for`": (SWEEP_FOR, "sweep"),
    "50 thresholds unrolled": (SWEEP_UNROLLED, "sweep"),
}


def programs(rounds: int) -> None:
    """Cold and warm runs, memory, and bytes stored, as ratios to the script."""
    rows = []
    for name, (text, script) in PROGRAMS.items():
        for policy in ("worth", "all"):
            rows.append([name, policy, *_compare(text, script, policy, rounds)])
    table(
        "Image programs: whole processes",
        [
            "program",
            "store policy",
            "script s",
            "cold s",
            "cold / script",
            "script CPU s",
            "cold CPU s",
            "warm s",
            "script MiB",
            "cold MiB",
            "MiB / script",
            "stored MB",
        ],
        rows,
    )


def _compare(text: str, script: str, policy: str, rounds: int) -> list[object]:
    plain: list[Measured] = []
    cold: list[Measured] = []
    warm: list[Measured] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shutil.copytree(BRAIN, folder / "brain")
        (folder / "program.imgql").write_text(text)
        by_hand = [PYTHON, "-m", f"benchmarks.plain.{script}"]
        command = [VOXPEER, "run", "program.imgql", "--json", "--store-policy", policy]
        for number in range(rounds):
            store = folder / f"store-{number}"
            plain.append(run(by_hand, folder))
            cold.append(run([*command, "--store", store], folder))
            warm.append(run([*command, "--store", store], folder))
            _require_equal(plain[-1], cold[-1])
            _require_equal(plain[-1], warm[-1])
            assert json.loads(warm[-1].stdout)["stats"]["executed"] == 0
        stored = bytes_in(folder / "store-0") / 1e6
    script_, first, again = median(plain), median(cold), median(warm)
    speed = [script_.wall_s, first.wall_s, first.wall_s / script_.wall_s]
    cpu = [script_.cpu_s, first.cpu_s, again.wall_s]
    memory = [
        script_.peak_mib,
        first.peak_mib,
        first.peak_mib / script_.peak_mib,
        stored,
    ]
    return [*speed, *cpu, *memory]


def _require_equal(plain: Measured, voxpeer: Measured) -> None:
    expected = {}
    for line in plain.stdout.splitlines():
        label, _, value = line.partition("=")
        expected[label] = json.loads(value)
    goals: list[Mapping[str, object]] = json.loads(voxpeer.stdout)["goals"]
    found = {goal["label"]: goal["value"] for goal in goals}
    for label, value in expected.items():
        if not _near(found[label], value):
            raise RuntimeError(f"{label}: the script says {value}, not {found[label]}")


def _near(found: object, expected: object) -> bool:
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_near, found, expected))
    if isinstance(found, (int, float)) and isinstance(expected, (int, float)):
        return abs(found - expected) <= 1e-12 * max(abs(found), abs(expected))
    return found == expected
