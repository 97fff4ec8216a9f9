"""Where the pictures of a DICOM file lie, one or many frames.

Source: DICOM PS3.3, sections C.7.6.2 (image plane), C.7.6.16 (frames of one file) and
C.8.8.3 (dose).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from primitives.errors import InputFileError

from .dicom import DataSet, decimals, elements, items
from .vectors import Vector, cross, scaled

PIXEL_SPACING = 0x00280030
_POSITION, _ORIENTATION, _OFFSETS = 0x00200032, 0x00200037, 0x3004000C
_SHARED, _PER_FRAME = 0x52009229, 0x52009230
_PLANE_POSITION, _PLANE_ORIENTATION = 0x00209113, 0x00209116
_PIXEL_MEASURES, _PIXEL_VALUES = 0x00289110, 0x00289145
_INTERCEPT, _SLOPE = 0x00281052, 0x00281053

_FRAME_GROUPS = (_PLANE_POSITION, _PLANE_ORIENTATION, _PIXEL_MEASURES, _PIXEL_VALUES)
_FRAME_VALUES = (_POSITION, _ORIENTATION, PIXEL_SPACING, _SLOPE, _INTERCEPT)
PLACE_TAGS = (*_FRAME_VALUES, _OFFSETS)
"""Tags of numbers that say where pictures lie."""

Values = dict[int, Any]
"""Values of a data set by tag, elements of sequences among them."""


@dataclass(frozen=True, slots=True)
class Plane:
    """Where one picture lies.

    Attributes:
        position: centre of its first pixel in mm, towards left, back and head.
        orientation: direction of its rows, then of its columns; six cosines.
        spacing: distance of neighbouring columns, then of rows, in mm.
    """

    position: Vector
    orientation: tuple[float, ...]
    spacing: tuple[float, float]


def planes_of(
    path: Path, source: DataSet, found: Values, frames: int
) -> tuple[Plane, ...]:
    """Return where the pictures of a file lie; none if it does not say it.

    Args:
        path: of the file, for messages.
        source: the file.
        found: values of :data:`PLACE_TAGS`, and the elements of sequences.
        frames: number of pictures.

    Raises:
        InputFileError: it says it of some frames only, or scales them differently.
        CutShortError: the bytes end within a sequence.
    """
    if _PER_FRAME in found:
        return _planes_of_frames(path, source, found, frames)
    plane = _plane(found)
    if plane is None:
        return ()
    return (plane,) if frames == 1 else _planes_above(path, plane, found, frames)


def _planes_of_frames(
    path: Path, source: DataSet, found: Values, frames: int
) -> tuple[Plane, ...]:
    """Return where frames lie of which each says it."""
    shared: Values = {}
    if _SHARED in found:
        for start, end in items(source, found[_SHARED]):
            shared = _frame(source, start, end)
    said = [
        {**shared, **_frame(source, start, end)}
        for start, end in items(source, found[_PER_FRAME])
    ]
    if len({(each.get(_SLOPE, ()), each.get(_INTERCEPT, ())) for each in said}) > 1:
        raise InputFileError(
            f"'{path}' scales the numbers of each frame in another way, which is not "
            "supported; convert it to NIfTI (dcm2niix does it)"
        )
    planes = tuple(plane for plane in map(_plane, said) if plane is not None)
    if len(planes) == len(said) == frames:
        return planes
    if any(_POSITION in each for each in said):
        raise _half_said(path)
    return ()


def _planes_above(
    path: Path, first: Plane, found: Values, frames: int
) -> tuple[Plane, ...]:
    """Return where frames lie of which the first says it, and offsets the others.

    Offsets go along the normal of the first frame and begin with 0, or are heights
    and begin with its own.
    """
    offsets = found.get(_OFFSETS, ())
    along, down = first.orientation[:3], first.orientation[3:]
    x, y, z = first.position
    if len(offsets) == frames and offsets[0] == 0:
        steps = (scaled(cross(along, down), offset) for offset in offsets)
        places: list[Vector] = [(x + dx, y + dy, z + dz) for dx, dy, dz in steps]
    elif len(offsets) == frames and offsets[0] == z and along[2] == down[2] == 0:
        places = [(x, y, height) for height in offsets]
    else:
        raise _half_said(path)
    return tuple(replace(first, position=place) for place in places)


def _half_said(path: Path) -> InputFileError:
    return InputFileError(
        f"'{path}' says only in part where its frames lie, so that their place would "
        "be a guess; convert it to NIfTI"
    )


def _frame(source: DataSet, start: int, end: int) -> Values:
    """Return what a functional group of a frame says of its place."""
    found: Values = {}
    for group in elements(source, start, end):
        if group.tag in _FRAME_GROUPS:
            for first, last in items(source, group):
                for element in elements(source, first, last):
                    if element.tag in _FRAME_VALUES:
                        found[element.tag] = decimals(source, element)
    return found


def _plane(found: Values) -> Plane | None:
    position, orientation = found.get(_POSITION, ()), found.get(_ORIENTATION, ())
    spacing = found.get(PIXEL_SPACING, ())
    if len(position) != 3 or len(orientation) != 6 or len(spacing) != 2:
        return None
    between_rows, between_columns = spacing
    return Plane(position, orientation, (between_columns, between_rows))
