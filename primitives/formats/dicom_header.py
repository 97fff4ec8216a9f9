"""What a DICOM file says of its series, size and place; nothing about the patient.

Source: DICOM PS3.3, section C.7.6.3 (pixels); PS3.6 for the tags.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from primitives.errors import InputFileError

from .dicom import (
    UNDEFINED,
    CutShortError,
    DataSet,
    Element,
    decimals,
    elements,
    number,
    open_data_set,
    text,
)
from .dicom_planes import PIXEL_SPACING, PLACE_TAGS, Plane, Values, planes_of
from .integrity import damaged

HEAD_BYTES = 1 << 14
"""Enough of most files to know their series."""

_STUDY, _SERIES, _FRAME_OF_REFERENCE = 0x0020000D, 0x0020000E, 0x00200052
_SAMPLES, _PHOTOMETRIC, _FRAMES = 0x00280002, 0x00280004, 0x00280008
_ROWS, _COLUMNS = 0x00280010, 0x00280011
_BITS, _DOSE = 0x00280100, 0x3004000E
_FLOATS, _DOUBLES, _PIXELS = 0x7FE00008, 0x7FE00009, 0x7FE00010


@dataclass(frozen=True, slots=True)
class Membership:
    """To which series a file belongs.

    Attributes:
        series: UID of the series, empty if there is none.
        rows: number of rows of each of its pictures.
        columns: number of columns.
        frames: number of pictures in the file.
    """

    series: str
    rows: int
    columns: int
    frames: int


@dataclass(frozen=True, slots=True)
class DicomHeader:
    """What is needed of a file to put its pictures in order.

    Attributes:
        membership: of the file.
        planes: where its pictures lie; none if the file does not say it.
        spacing: distance of neighbouring columns, then of rows, in mm, if the file
            says it of all its pictures at once.
        space: UIDs of the study and of the system of coordinates, empty if unsaid.
        dose: what numbers of a dose are to be multiplied by; None if it is none.
        packed: pixels of one bit each, the first in the lowest bit; None if they have
            more bits.
    """

    membership: Membership
    planes: tuple[Plane, ...]
    spacing: tuple[float, float] | None
    space: tuple[str, str]
    dose: float | None
    packed: bytes | None


def read_membership(path: Path) -> Membership | None:
    """Return to which series a DICOM file belongs; None if it holds no picture.

    Raises:
        InputFileError: the file is cut short.
        OSError: it cannot be read.
    """
    size = HEAD_BYTES
    wanted = {_SERIES, _ROWS, _COLUMNS}
    with path.open("rb") as file:
        data = file.read(size)
        while True:
            is_whole = len(data) < size
            try:
                found = _values(open_data_set(data), _COLUMNS)
                if wanted <= found.keys():
                    return _membership(found)
                if is_whole:  # its elements may stand in another order
                    return _membership(_values(open_data_set(data), 0xFFFFFFFF))
            except CutShortError:
                if is_whole:
                    raise damaged(path, "it is cut short") from None
            size *= 8
            data += file.read(size - len(data))


def parse_header(path: Path, data: bytes) -> DicomHeader:
    """Return the header of a whole file.

    Raises:
        InputFileError: the file is cut short, holds no picture, or frames of which it
            does not say enough, or that are scaled differently.
    """
    try:
        source = open_data_set(data)
        found = _values(source, 0xFFFFFFFF)
        membership = _membership(found)
        if membership is None:
            raise InputFileError(
                f"'{path}' is a DICOM file without a picture, such as a report or a "
                "plan"
            )
        pixels = _check_pixels(path, source, found, membership)
        packed = None
        if found.get(_BITS) == 1:
            packed = _packed(path, source, found, pixels)
        planes = planes_of(path, source, found, membership.frames)
        space = found.get(_STUDY, ""), found.get(_FRAME_OF_REFERENCE, "")
        (dose,) = (found.get(_DOSE) or (None,))[:1]
        return DicomHeader(membership, planes, _spacing(found), space, dose, packed)
    except CutShortError:
        raise damaged(path, "it is cut short") from None


_WANTED = {
    **dict.fromkeys((_STUDY, _SERIES, _FRAME_OF_REFERENCE, _PHOTOMETRIC), text),
    **dict.fromkeys((_ROWS, _COLUMNS, _SAMPLES, _BITS), number),
    **dict.fromkeys((*PLACE_TAGS, _FRAMES, _DOSE), decimals),
}


def _values(source: DataSet, last: int) -> Values:
    """Return the values of the tags that matter, and the elements of sequences."""
    found: Values = {}
    for element in elements(source, last=last):
        read = _WANTED.get(element.tag)
        found[element.tag] = element if read is None else read(source, element)
    return found


def _membership(found: Values) -> Membership | None:
    rows, columns = found.get(_ROWS, 0), found.get(_COLUMNS, 0)
    if not rows or not columns:
        return None
    (frames,) = (found.get(_FRAMES) or (1.0,))[:1]
    if not math.isfinite(frames):
        raise CutShortError
    return Membership(found.get(_SERIES, ""), rows, columns, max(int(frames), 1))


def _check_pixels(
    path: Path, source: DataSet, found: Values, membership: Membership
) -> Element:
    """Return all pixels, which are there; GDCM takes a missing end for zeros."""
    pixels: Element | None = next(
        (found[tag] for tag in (_PIXELS, _FLOATS, _DOUBLES) if tag in found), None
    )
    if pixels is None:
        raise InputFileError(
            f"'{path}' is a DICOM file without a picture, such as a report or a plan"
        )
    if pixels.length == UNDEFINED:
        return pixels  # fragments, whose end was found
    bits = membership.rows * membership.columns * membership.frames
    bits *= (found.get(_SAMPLES) or 1) * (found.get(_BITS) or 16)
    if pixels.end > len(source.data):
        raise CutShortError
    if pixels.length < -(-bits // 8):
        # Colours may share samples: two pixels in four of them.
        if found.get(_SAMPLES, 1) == 3 and pixels.length >= bits // 12:
            return pixels
        needed = -(-bits // 8)
        raise damaged(path, f"it holds {pixels.length} of {needed} bytes of pixels")
    return pixels


def _packed(path: Path, source: DataSet, found: Values, pixels: Element) -> bytes:
    """Return pixels of one bit; GDCM leaves the last byte of them to chance."""
    is_plain = pixels.length != UNDEFINED and source.order == "<"
    if not is_plain or found.get(_PHOTOMETRIC) != "MONOCHROME2":
        raise InputFileError(
            f"'{path}' has pixels of one bit in a form that cannot be read; convert it "
            "to NIfTI"
        )
    return source.data[pixels.start : pixels.end]


def _spacing(found: Values) -> tuple[float, float] | None:
    spacing = found.get(PIXEL_SPACING, ())
    if len(spacing) != 2 or not all(0 < step < math.inf for step in spacing):
        return None
    between_rows, between_columns = spacing
    return between_columns, between_rows
