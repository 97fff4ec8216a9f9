"""Slices of a series in space: their order, and the grid that they make together.

Slices are ordered by where they lie along their common normal, never by names or
numbers.  What is no regular stack of slices is refused, since every distance and
volume in it would be wrong.

Source: DICOM PS3.3, section C.7.6.2.1.1 (position and orientation of an image).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from primitives.errors import InputFileError
from primitives.values import Grid

from .dicom_planes import Plane
from .vectors import Vector, cross, difference, dot, scaled

SAME_DIRECTION = 1e-3
"""Directions whose cosines differ by less are one; they are often written rounded."""

SAME_PLACE_MM = 1e-3
"""Slices that lie nearer to one another are at one place."""

EVEN_SHARE = 0.05
"""How far from its place in an even row a slice may lie, as a share of the distance."""

DRIFT_SHARE = 0.5
"""How far slices may be shifted against one another, as a share of a pixel."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Slices in order.

    Attributes:
        order: indices of the slices, lowest along the normal first.
        grid: of the volume that they make.
    """

    order: tuple[int, ...]
    grid: Grid


def stack(planes: Sequence[Plane], columns: int, rows: int, name: str) -> Stack:
    """Return the order of two or more slices and the grid that they make.

    Args:
        planes: where each slice lies.
        columns: number of voxels along x of each.
        rows: along y.
        name: of the file or folder, for messages.

    Raises:
        InputFileError: they are no stack of parallel slices at even distances, one
            straight above the other.
    """
    first = planes[0]
    _require_alike(planes, name)
    along, down = _axes(first.orientation, name)
    normal = cross(along, down)
    heights = [dot(plane.position, normal) for plane in planes]
    order = sorted(range(len(planes)), key=heights.__getitem__)
    step = _even_step([heights[at] for at in order], name)
    ordered = [planes[at].position for at in order]
    _require_straight(ordered, (along, down), first.spacing, name, normal)
    direction = tuple(axis[row] for row in range(3) for axis in (along, down, normal))
    grid = Grid(
        (columns, rows, len(planes)), (*first.spacing, step), ordered[0], direction
    )
    return Stack(tuple(order), grid)


def _require_alike(planes: Sequence[Plane], name: str) -> None:
    first = planes[0]
    for plane in planes:
        numbers = (*plane.position, *plane.orientation, *plane.spacing)
        if not all(map(math.isfinite, numbers)) or min(plane.spacing) <= 0:
            raise InputFileError(f"'{name}' has a slice whose geometry is no number")
        pairs = zip(first.orientation, plane.orientation, strict=True)
        if any(abs(mine - theirs) > SAME_DIRECTION for mine, theirs in pairs):
            raise InputFileError(
                f"'{name}' is no volume: its slices are not parallel, as in a "
                "localizer; load the slice that is meant by the name of its file"
            )
        pairs = zip(first.spacing, plane.spacing, strict=True)
        if any(not math.isclose(mine, theirs, rel_tol=1e-4) for mine, theirs in pairs):
            raise InputFileError(
                f"'{name}' is no volume: its slices have pixels of different sizes, "
                f"{_size(first)} and {_size(plane)} mm; keep those that belong "
                "together in a folder of their own"
            )


def _size(plane: Plane) -> str:
    return "x".join(f"{step:g}" for step in plane.spacing)


def _axes(orientation: Sequence[float], name: str) -> tuple[Vector, Vector]:
    """Return the directions of rows and columns, of length 1 and at right angles."""
    along, down = orientation[:3], orientation[3:]
    lengths = math.hypot(*along), math.hypot(*down)
    skew = dot(along, down)
    if any(abs(length - 1) > SAME_DIRECTION for length in lengths) or (
        abs(skew) > SAME_DIRECTION
    ):
        raise InputFileError(
            f"'{name}' says of its slices that rows and columns are not at right "
            "angles; export it again"
        )
    x = scaled(along, 1 / lengths[0])
    lean = dot(x, down)
    straight = [there - lean * here for here, there in zip(x, down, strict=True)]
    return x, scaled(straight, 1 / math.hypot(*straight))


def _even_step(heights: Sequence[float], name: str) -> float:
    """Return the distance of neighbouring slices, in mm."""
    gaps = [above - below for below, above in pairwise(heights)]
    if min(gaps) < SAME_PLACE_MM:
        places = 1 + sum(gap >= SAME_PLACE_MM for gap in gaps)
        raise InputFileError(
            f"'{name}' is no single volume: it has {len(heights)} slices at "
            f"{places} {'place' if places == 1 else 'places'}, as a series over time "
            "or of several echoes has; convert it to NIfTI (dcm2niix does it), and "
            "take a volume of it with volumes(load(...))[n]"
        )
    step = (heights[-1] - heights[0]) / len(gaps)
    off = max(
        abs(height - (heights[0] + step * at)) for at, height in enumerate(heights)
    )
    if off > EVEN_SHARE * step:
        raise InputFileError(f"'{name}' {_unevenness(heights, gaps)}")
    return step


def _unevenness(heights: Sequence[float], gaps: Sequence[float]) -> str:
    usual = median(gaps)
    wide = [gap for gap in gaps if gap > (1 + EVEN_SHARE) * usual]
    missing = [round(gap / usual) - 1 for gap in wide]
    is_whole = all(
        abs(gap / usual - (lost + 1)) <= EVEN_SHARE * (lost + 1)
        for gap, lost in zip(wide, missing, strict=True)
    )
    is_even = all(gap >= (1 - EVEN_SHARE) * usual for gap in gaps)
    lost_slices: int = sum(missing, 0)
    if is_whole and is_even and lost_slices:
        at = gaps.index(wide[0])
        word = "slice is" if lost_slices == 1 else "slices are"
        return (
            f"is not complete: {lost_slices} {word} missing, the first between "
            f"{heights[at]:.2f} and {heights[at + 1]:.2f} mm; export the series again"
        )
    return (
        f"is no regular volume: the distance between slices varies from "
        f"{min(gaps):.3g} to {max(gaps):.3g} mm; resample it to even distances first"
    )


def _require_straight(
    positions: Sequence[Vector],
    axes: tuple[Vector, Vector],
    spacing: tuple[float, float],
    name: str,
    normal: Vector,
) -> None:
    """Refuse slices that are shifted against one another, as a tilted gantry does."""
    origin = positions[0]
    for position in positions[1:]:
        moved = difference(position, origin)
        drift = [dot(moved, axis) for axis in axes]
        if all(
            abs(off) <= DRIFT_SHARE * step
            for off, step in zip(drift, spacing, strict=True)
        ):
            continue
        last = difference(positions[-1], origin)
        shift = math.hypot(*(dot(last, axis) for axis in axes))
        angle = math.degrees(math.atan2(shift, dot(last, normal)))
        raise InputFileError(
            f"'{name}' was taken with a tilted gantry: its slices are shifted against "
            f"one another by {angle:.1f} degrees, which no grid of voxels can hold; "
            "correct the tilt first (dcm2niix does it), and load the result"
        )
