"""Real DICOM files for tests, written from the standard, and by GDCM for others."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"

CT = "1.2.840.10008.5.1.4.1.1.2"
ROOT = "1.2.826.0.1.3680043.8.498"
"""Under which the UIDs of these files are."""

SECRETS = ("DOE^JANE", "MRN-774411", "19541207", "St Elsewhere", "Dr Who")
"""What stands in these files and must not get out of them."""

_LONG = {"OB", "OW", "SQ", "UN", "UT"}

Tags = dict[int, tuple[str, Any]]
Array = npt.NDArray[Any]


def written_element(
    tag: int, form: str, value: Any, syntax: str = EXPLICIT, order: str = "<"
) -> bytes:
    """Return the bytes of one element; a value of items becomes a sequence."""
    if form == "SQ":
        data = b"".join(
            struct.pack(order + "HHI", 0xFFFE, 0xE000, len(item)) + item
            for item in (data_set(tags, syntax, order) for tags in value)
        )
    elif form == "US":
        data = struct.pack(order + "H", value)
    elif isinstance(value, bytes):
        data = value
    else:
        data = str(value).encode("latin-1")
    data += b"\0" * (len(data) % 2) if form in ("UI", "OB") else b" " * (len(data) % 2)
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if syntax == IMPLICIT:
        return head + struct.pack(order + "I", len(data)) + data
    if form in _LONG:
        return (
            head + form.encode() + b"\0\0" + struct.pack(order + "I", len(data)) + data
        )
    return head + form.encode() + struct.pack(order + "H", len(data)) + data


def data_set(tags: Tags, syntax: str = EXPLICIT, order: str = "<") -> bytes:
    """Return the bytes of elements in the order of their tags."""
    return b"".join(
        written_element(tag, *tags[tag], syntax, order) for tag in sorted(tags)
    )


def file_bytes(tags: Tags, syntax: str = EXPLICIT, pixels: bytes = b"") -> bytes:
    """Return a whole DICOM file; ``pixels`` are put behind the other elements."""
    meta = data_set(
        {
            0x00020002: tags.get(0x00080016, ("UI", CT)),
            0x00020003: ("UI", f"{ROOT}.0"),
            0x00020010: ("UI", syntax),
        }
    )
    size = written_element(0x00020000, "UL", struct.pack("<I", len(meta)))
    order = ">" if syntax == BIG else "<"
    body = data_set(tags, syntax, order) + pixels
    if syntax == DEFLATED:
        packer = zlib.compressobj(wbits=-15)
        body = packer.compress(body) + packer.flush()
    return bytes(128) + b"DICM" + size + meta + body


def decimals(numbers: Iterable[float]) -> str:
    """Return numbers as DICOM writes several of them."""
    return "\\".join(f"{number:.6f}".rstrip("0").rstrip(".") for number in numbers)


def slice_tags(
    pixels: Array,
    position: Sequence[float] | None,
    *,
    series: str = f"{ROOT}.1",
    orientation: Sequence[float] = (1, 0, 0, 0, 1, 0),
    spacing: tuple[float, float] = (0.7, 0.8),
    slope: float = 1,
    intercept: float = -1024,
    number: int = 1,
) -> Tags:
    """Return the elements of one slice, patient included, pixels not.

    Args:
        pixels: UInt16, shape (rows, columns).
        position: of the first pixel; None leaves its place unsaid.
        series: UID of the series.
        orientation: of rows and columns.
        spacing: along x, then along y.
        slope: of the stored numbers.
        intercept: of the stored numbers.
        number: of the picture in its series.
    """
    tags: Tags = {
        0x00080016: ("UI", CT),
        0x00080018: ("UI", f"{series}.{number}"),
        0x00080020: ("DA", SECRETS[2]),
        0x00080060: ("CS", "CT"),
        0x00080080: ("LO", SECRETS[3]),
        0x00080090: ("PN", SECRETS[4]),
        # A sequence that names another series, in front of the file's own.
        0x00081115: ("SQ", [{0x0020000E: ("UI", f"{ROOT}.999")}]),
        0x00100010: ("PN", SECRETS[0]),
        0x00100020: ("LO", SECRETS[1]),
        0x0020000D: ("UI", f"{ROOT}.77"),
        0x0020000E: ("UI", series),
        0x00200013: ("IS", number),
        0x00280002: ("US", 1),
        0x00280004: ("CS", "MONOCHROME2"),
        0x00280010: ("US", pixels.shape[-2]),
        0x00280011: ("US", pixels.shape[-1]),
        0x00280030: ("DS", decimals(spacing[::-1])),
        0x00280100: ("US", 16),
        0x00280101: ("US", 16),
        0x00280102: ("US", 15),
        0x00280103: ("US", 0),
        0x00281052: ("DS", decimals([intercept])),
        0x00281053: ("DS", decimals([slope])),
    }
    if position is not None:
        tags[0x00200032] = ("DS", decimals(position))
        tags[0x00200037] = ("DS", decimals(orientation))
    return tags


def write_slice(
    path: Path,
    pixels: Array,
    position: Sequence[float] | None,
    syntax: str = EXPLICIT,
    **options: Any,
) -> Path:
    """Write one slice; see :func:`slice_tags`."""
    tags = slice_tags(pixels, position, **options)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file_bytes(tags, syntax, pixel_element(pixels, syntax)))
    return path


def pixel_element(pixels: Array, syntax: str = EXPLICIT) -> bytes:
    """Return the element of 16-bit pixels, packed as the syntax says."""
    tag, order = 0x7FE00010, ">" if syntax == BIG else "<"
    if syntax != RLE:
        data = pixels.astype(order + "u2").tobytes()
        return written_element(tag, "OW", data, syntax, order)
    words = pixels.astype(">u2").view(np.uint8).reshape(-1, 2)
    segments = [_rle(words[:, plane].tobytes()) for plane in (0, 1)]
    starts = [64, 64 + len(segments[0])]
    frame = struct.pack("<16I", 2, *starts, *[0] * 13) + b"".join(segments)
    frame += b"\0" * (len(frame) % 2)
    head = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
    items = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    items += struct.pack("<HHI", 0xFFFE, 0xE000, len(frame)) + frame
    return head + items + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def _rle(data: bytes) -> bytes:
    """Return bytes as literal runs (PS3.5, annex G)."""
    runs = (data[at : at + 128] for at in range(0, len(data), 128))
    packed = b"".join(bytes([len(run) - 1]) + run for run in runs)
    return packed + b"\0" * (len(packed) % 2)


def noise(*shape: int, seed: int = 0) -> Array:
    """Return numbers that a scanner may store."""
    return np.random.default_rng(seed).integers(0, 3000, shape).astype(np.uint16)


def write_series(
    folder: Path,
    volume: Array,
    *,
    heights: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
    step: float = 2.5,
    lean: float = 0.0,
    **options: Any,
) -> Array:
    """Write a volume as slices, and return the Hounsfield units that it means.

    Args:
        folder: made if need be.
        volume: UInt16, shape (slices, rows, columns).
        heights: of the slices, along z in mm.
        names: of the files, in the order of the slices; by default an order of names
            that says nothing.
        step: distance of slices if ``heights`` are not given.
        lean: shift along y from slice to slice, in mm.
        options: of :func:`slice_tags`.
    """
    for at, pixels in enumerate(volume):
        height = at * step if heights is None else heights[at]
        name = f"IM{(at * 7 + 3) % 101:04d}" if names is None else names[at]
        place = (-10.0, -20.0 + lean * at, 30.0 + height)
        write_slice(folder / name, pixels, place, number=at + 1, **options)
    return volume.astype(np.int32) - 1024


def write_frames(
    path: Path, volume: Array, positions: Sequence[Sequence[float]]
) -> Path:
    """Write an enhanced file: many frames, each of which says where it lies."""
    tags = slice_tags(volume[0], None)
    del tags[0x00280030]
    measures = {0x00280030: ("DS", "0.8\\0.7"), 0x00180050: ("DS", "2")}
    values = {0x00281052: ("DS", "-1024"), 0x00281053: ("DS", "1")}
    shared = {
        0x00209116: ("SQ", [{0x00200037: ("DS", "1\\0\\0\\0\\1\\0")}]),
        0x00289110: ("SQ", [measures]),
        0x00289145: ("SQ", [values]),
    }
    frames = [
        {0x00209113: ("SQ", [{0x00200032: ("DS", decimals(position))}])}
        for position in positions
    ]
    tags |= {
        0x00080016: ("UI", "1.2.840.10008.5.1.4.1.1.2.1"),
        0x00280008: ("IS", len(volume)),
        0x52009229: ("SQ", [shared]),
        0x52009230: ("SQ", frames),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file_bytes(tags, EXPLICIT, pixel_element(volume)))
    return path


def write_with_gdcm(
    path: Path, pixels: Array, tags: Mapping[str, str], compressor: str = ""
) -> Path:
    """Write one slice as SimpleITK does, its pixels compressed if asked for."""
    image = sitk.GetImageFromArray(pixels[np.newaxis])
    for tag, value in tags.items():
        image.SetMetaData(tag, value)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    writer.SetImageIO("GDCMImageIO")
    writer.SetFileName(str(path))
    if compressor:
        writer.UseCompressionOn()
        writer.SetCompressor(compressor)
    writer.Execute(image)
    return path
