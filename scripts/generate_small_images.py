#!/usr/bin/env python3
"""Make the small images on which the examples of the documents run.

They are made of whole numbers alone, so that they are the same wherever they are made.
What they show is described in ``docs/examples/small/README.md``.

    scripts/generate_small_images.py            write them
    scripts/generate_small_images.py --check    fail if they are not current
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "examples" / "small"
SIZE = (16, 16, 8)
SPACING = (1.0, 1.0, 2.0)
CASES = {"anna": 2, "ben": 3, "carla": 4}
"""Radius of the lesion, in mm, by case."""

Ball = tuple[float, float, float, float]
"""Centre by index, x first, and radius in mm."""


def ball(centre_and_radius: Ball) -> np.ndarray:
    """Return where the centre of a voxel is within a radius of a centre."""
    x, y, z, radius = centre_and_radius
    k, j, i = np.indices(SIZE[::-1])
    squared = (i - x) ** 2 + (j - y) ** 2 + (2 * (k - z)) ** 2
    return np.asarray(squared <= radius**2)


def head(lesion: Ball) -> np.ndarray:
    """Return a head: air 0, tissue 100 to 130, a lesion 200 and more, a speck 180."""
    k, j, i = np.indices(SIZE[::-1])
    voxels = np.where(ball((7.5, 7.5, 3.5, 7)), 100 + 2 * i, 0)
    voxels[3, 6, 4:6] = 180
    return np.where(ball(lesion), 200 + (i + j + k) % 5, voxels).astype(np.int16)


def image(voxels: np.ndarray) -> sitk.Image:
    """Return voxels as an image on the small grid."""
    made = sitk.GetImageFromArray(voxels)
    made.SetSpacing(SPACING)
    return made


def photo() -> sitk.Image:
    """Return a colour picture: red grows to the right, green downwards."""
    j, i = np.indices((6, 8))
    voxels = np.stack([i * 30, j * 40, np.full_like(i, 50)], axis=-1)
    made: sitk.Image = sitk.GetImageFromArray(voxels.astype(np.uint8), isVector=True)
    return made


def series() -> sitk.Image:
    """Return three volumes over time, in which all voxels are 10, 20 and 30."""
    volumes = []
    for value in (10, 20, 30):
        volume = sitk.GetImageFromArray(np.full((2, 3, 4), value, np.int16))
        volume.SetSpacing(SPACING)
        volumes.append(volume)
    return sitk.JoinSeries(volumes, 0.0, 2.0)


def images() -> dict[str, sitk.Image]:
    """Return every image by its path in the folder."""
    found = {
        "head.nii.gz": image(head((10, 8, 4, 3))),
        "expert.nii.gz": image(ball((9, 8, 4, 3)).astype(np.uint8)),
        "photo.png": photo(),
        "series.nii": series(),
    }
    for name, radius in CASES.items():
        found[f"cases/{name}.nii.gz"] = image(head((10, 8, 4, radius)))
    return found


def is_current(path: Path, wanted: sitk.Image) -> bool:
    """Return whether a file holds an image; how it is packed does not matter."""
    if not path.is_file():
        return False
    held = sitk.ReadImage(path)
    return (
        held.GetPixelID() == wanted.GetPixelID()
        and held.GetSize() == wanted.GetSize()
        and held.GetSpacing() == wanted.GetSpacing()
        and np.array_equal(
            sitk.GetArrayViewFromImage(held), sitk.GetArrayViewFromImage(wanted)
        )
    )


def main() -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    is_check = parser.parse_args().check
    stale = [
        (FOLDER / name, made)
        for name, made in images().items()
        if not is_current(FOLDER / name, made)
    ]
    if not is_check:
        for path, made in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            sitk.WriteImage(made, path)
    elif stale:
        names = ", ".join(path.name for path, _ in stale)
        print(f"{names} not current; run {Path(__file__).name}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
