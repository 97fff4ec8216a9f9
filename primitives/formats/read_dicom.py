"""Images from DICOM: pictures, files of many frames, series of slices.

GDCM, through ITK, unpacks the pixels and turns stored numbers into those that are
meant (Hounsfield units, activity); order and geometry are found here, in
:mod:`primitives.formats.dicom_order`.  Of all that a DICOM file says, only voxels and
their place go into the image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from primitives.errors import InputChangedError, InputFileError
from primitives.files import InputFile, read_bytes
from primitives.values import Grid, Image

from .dicom_header import DicomHeader, parse_header
from .dicom_order import stack

Array = npt.NDArray[Any]


def read_dicom(file: InputFile, check: Callable[[], None]) -> Image:
    """Return the image of a DICOM file, or of the files of one series.

    A single picture has two axes, its spacing, and no place; slices and frames make
    a volume.

    Args:
        file: with the files in ``slices``.
        check: called between slices; raises to stop.

    Raises:
        InputFileError: a file is damaged or holds no picture, or the slices make no
            regular volume.
        InputChangedError: a file belongs to another series than when it was hashed.
    """
    if len(file.slices) == 1:
        return _read_file(file.slices[0], file.path)
    paths = file.slices
    headers = []
    for path in paths:
        headers.append(parse_header(path, read_bytes(path)))
        check()
    _require_one_series(headers, file.path)
    first = headers[0].membership
    planes = [header.planes[0] for header in headers]
    found = stack(planes, first.columns, first.rows, str(file.path))
    in_order = [(paths[at], headers[at]) for at in found.order]
    voxels = _slices(in_order, check)
    return _image(voxels, found.grid)


def _read_file(path: Path, name: Path) -> Image:
    header = parse_header(path, read_bytes(path))
    pixels, steps = _pixels(path, header)
    depth, height, width = pixels.shape[:3]
    # Where both are said, a distance in the patient counts before one on the detector.
    spacing = _positive((*(header.spacing or steps[:2]), *steps[2:]))
    if header.membership.frames == 1:
        flat = Grid((width, height), spacing[:2], (0, 0), (1, 0, 0, 1))
        return _image(pixels[0], flat)
    if not header.planes:
        size = width, height, depth
        frames = Grid(size, spacing, (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
        return _image(pixels, frames)
    member = header.membership
    found = stack(header.planes, member.columns, member.rows, str(name))
    return _image(pixels[list(found.order)], found.grid)


def _require_one_series(headers: Sequence[DicomHeader], name: Path) -> None:
    first = headers[0].membership
    if any(header.membership.series != first.series for header in headers):
        raise InputChangedError(f"'{name}' changed while it was being read")
    _require_one_space(headers, name)
    sizes = {(each.membership.columns, each.membership.rows) for each in headers}
    if len(sizes) > 1:
        shown = " and ".join(f"{columns}x{rows}" for columns, rows in sorted(sizes))
        raise InputFileError(
            f"'{name}' is no volume: its slices have {shown} pixels; keep those that "
            "belong together in a folder of their own"
        )
    if any(header.membership.frames > 1 for header in headers):
        raise InputFileError(
            f"'{name}' is a series of {len(headers)} files that hold volumes of their "
            "own; load the file that is meant"
        )
    if any(not header.planes for header in headers):
        raise InputFileError(
            f"'{name}' is no volume: its pictures do not say where they lie, as "
            "photographs and projections do not; load each by the name of its file"
        )


def _require_one_space(headers: Sequence[DicomHeader], name: Path) -> None:
    """Refuse slices of several examinations that say to be of one series."""
    for said in zip(*(header.space for header in headers), strict=True):
        uids = {uid for uid in said if uid}
        # Programs that convert images often make up one for each file.
        if 1 < len(uids) < len(headers):
            raise InputFileError(
                f"'{name}' is no volume: its slices have the UID of one series, but "
                "come from several examinations; keep those that belong together in a "
                "folder of their own"
            )


def _slices(
    files: Sequence[tuple[Path, DicomHeader]], check: Callable[[], None]
) -> Array:
    """Return the voxels of slices in order, in a type that holds those of each."""
    first, _ = _pixels(*files[0])
    volume: Array = np.empty((len(files), *first.shape[1:]), first.dtype)
    volume[0] = first[0]
    for at, (path, header) in enumerate(files[1:], 1):
        check()
        pixels, _ = _pixels(path, header)
        if pixels.shape != first.shape:
            raise InputFileError(f"'{path}' has other pixels than the slices around it")
        if pixels.dtype != volume.dtype:
            volume = volume.astype(np.result_type(volume, pixels), copy=False)
        volume[at] = pixels[0]
    return volume


def _pixels(path: Path, header: DicomHeader) -> tuple[Array, tuple[float, ...]]:
    """Return the pixels of a file with its frames first, and the spacing GDCM finds."""
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    try:
        image = reader.Execute()
    except RuntimeError:
        # GDCM's own words may quote the header.
        raise InputFileError(
            f"'{path}' cannot be read as DICOM: its pixels are damaged, or packed in a "
            "way that is not known here"
        ) from None
    array = sitk.GetArrayFromImage(image)
    if header.dose is not None and array.dtype.kind in "iu":  # GDCM leaves it out
        array = array * header.dose
    if image.GetDimension() == 2:
        array = array[np.newaxis]
    if header.packed is not None:
        bits = np.frombuffer(header.packed, np.uint8)
        array = np.unpackbits(bits, count=array.size, bitorder="little")
        member = header.membership
        array = array.reshape(member.frames, member.rows, member.columns)
    return array, image.GetSpacing()


def _image(voxels: Array, grid: Grid) -> Image:
    components = voxels.shape[-1] if voxels.ndim > grid.dimension else 1
    return Image.of_array(np.ascontiguousarray(voxels), grid, components)


def _positive(spacing: Sequence[float]) -> tuple[float, ...]:
    return tuple(step if step > 0 else 1.0 for step in spacing)
