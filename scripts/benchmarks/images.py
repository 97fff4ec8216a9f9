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
LESION = """import "vox1"
let t1 = intensity(load("brain/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"))
let background = touch(t1 <. 1, border)
let brain = !background
let rank = percentiles(t1, brain, 0.5)
let bright = flt(3, rank >. 0.95)
let fairly = flt(2, rank >. 0.86)
let seed = grow(bright, fairly)
let likeness = crossCorrelation(3, t1, t1, seed, min(t1), max(t1), 20)
let alike = flt(2, likeness >. 0.6)
let lesion = grow(seed, alike)
let body = maxvol(erode(lesion, 2))
let edge = body & !interior(body)
""" + "".join(
    f'print "{name}" volume({name})\n'
    for name in ["brain", "bright", "fairly", "seed", "alike", "lesion", "body", "edge"]
)
PROGRAMS = {
    "brain-tissue": (EXAMPLE, "tissue", None),
    "50 thresholds in a `for`": (SWEEP_FOR, "sweep", "sweep_by_hand"),
    "50 thresholds unrolled": (SWEEP_UNROLLED, "sweep", "sweep_by_hand"),
    "lesion": (LESION, "lesion", "lesion_by_hand"),
}
"""Text, the same steps as a plain script, and as one that is made to be fast."""


def programs(rounds: int) -> None:
    """Whole programs, cold and warm, against plain and hand-optimised scripts."""
    rows = []
    for name, (text, plain, by_hand) in PROGRAMS.items():
        for policy in ("worth", "all"):
            rows.append([name, policy, *_compare(text, plain, by_hand, policy, rounds)])
    table(
        "Image programs: whole processes",
        [
            "program",
            "store policy",
            "plain s",
            "by hand s",
            "cold s",
            "cold / plain",
            "cold / by hand",
            "plain CPU s",
            "by hand CPU s",
            "cold CPU s",
            "warm s",
            "plain MiB",
            "by hand MiB",
            "cold MiB",
            "stored MB",
        ],
        rows,
    )


def _compare(
    text: str, plain: str, by_hand: str | None, policy: str, rounds: int
) -> list[object]:
    scripts = {name: [PYTHON, "-m", f"benchmarks.plain.{name}"] for name in (plain,)}
    if by_hand is not None:
        scripts[by_hand] = [PYTHON, "-m", f"benchmarks.plain.{by_hand}"]
    taken: dict[str, list[Measured]] = {name: [] for name in (*scripts, "cold", "warm")}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shutil.copytree(BRAIN, folder / "brain")
        (folder / "program.imgql").write_text(text)
        command = [VOXPEER, "run", "program.imgql", "--json", "--store-policy", policy]
        for script in scripts.values():
            run(script, folder)  # the first time, numba compiles
        for number in range(rounds):
            store = folder / f"store-{number}"
            for name, script in scripts.items():
                taken[name].append(run(script, folder))
            taken["cold"].append(run([*command, "--store", store], folder))
            taken["warm"].append(run([*command, "--store", store], folder))
            for name in taken:
                if name in scripts:
                    _require_equal(taken[name][-1], taken["cold"][-1])
            _require_equal(taken[plain][-1], taken["warm"][-1])
            assert json.loads(taken["warm"][-1].stdout)["stats"]["executed"] == 0
        stored = bytes_in(folder / "store-0") / 1e6
    first, again, script_ = (median(taken[name]) for name in ("cold", "warm", plain))
    fast = None if by_hand is None else median(taken[by_hand])
    return [
        *(script_.wall_s, fast.wall_s if fast else "", first.wall_s),
        *(first.wall_s / script_.wall_s, first.wall_s / fast.wall_s if fast else ""),
        *(script_.cpu_s, fast.cpu_s if fast else "", first.cpu_s, again.wall_s),
        *(script_.peak_mib, fast.peak_mib if fast else "", first.peak_mib, stored),
    ]


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
