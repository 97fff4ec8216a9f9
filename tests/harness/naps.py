"""Programs whose kernels sleep, so that more machines than cores can be at work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import SimpleITK

from .base import PROJECT
from .lab import Lab
from .machine import Machine, Settings

ADDITIONS = PROJECT / "scripts" / "benchmarks" / "naps"
NAP_S = 0.5
SIDE = 184
"""Voxels of each edge for which the first guess of a nap's time is right."""

LOG = "/tmp/naps.log"
NAP = "naps.nap"
PROGRAM = "naps.imgql"

_HEAD = 'import "naps"\nlet t1 = load("phantom.nii")\n'


def cases(first: int, count: int) -> str:
    """Return a program that saves a mask for each of so many cases."""
    numbers = range(first, first + count)
    lines = (f'save "case-{i}.nii.gz" nap(t1, {i / 4})\n' for i in numbers)
    return _HEAD + "".join(lines)


def levels(first: int, count: int) -> set[str]:
    """Return the levels of these cases, as they are logged."""
    return {f"{i / 4}" for i in range(first, first + count)}


def phantom(folder: Path) -> Path:
    """Write the image that naps are taken of, and return its path."""
    shape = (SIDE, SIDE, SIDE)
    voxels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    path = folder / "phantom.nii"
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(voxels), str(path))
    return path


def napper(lab: Lab, name: str, image: Path, program: str, *, lies: int = 0) -> Machine:
    """Switch on a machine that has a program of naps and what it needs.

    Args:
        lies: of a hundred naps, how many come out wrong there.
    """
    variables = {"NAPS_LOG": LOG, "NAPS_LIES": str(lies)}
    settings = Settings(additions=ADDITIONS, environment=variables)
    made = lab.machine(name, settings=settings)
    made.put(image)
    made.write(PROGRAM, program)
    return made


def begun(machines: Iterable[Machine]) -> Counter[str]:
    """Return how often each nap was begun, on all machines together, by its level."""
    found = Counter[str]()
    for machine in machines:
        log = machine.run("cat", LOG, check=False).stdout
        found.update(log.split())
    return found
