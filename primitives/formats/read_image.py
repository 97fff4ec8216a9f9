"""Images from files: whole, of the file's own pixel type, in two or three axes."""

from __future__ import annotations

import gzip
import io
import math
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from primitives.errors import InputFileError
from primitives.files import InputFile, read_bytes, require_readable
from primitives.values import Grid, Image

from .axes import without_axis
from .integrity import check_whole, damaged, gunzip
from .members import input_members
from .nifti import HEADER_BYTES, NUMPY_NAMES, NiftiHeader, parse_nifti_header
from .png import is_grey_with_alpha, read_grey_with_alpha
from .suffixes import IMAGE_SUFFIXES

# ITK reports on standard error what is raised or checked here anyway.
sitk.ProcessObject.SetGlobalWarningDisplay(False)

_NIFTI_TYPES = frozenset((*NUMPY_NAMES, 32, 128, 1792, 2304))
"""Those that ITK reads: complex and coloured voxels besides."""
_NIFTI_SUFFIXES = (".nii", ".nii.gz", ".hdr", ".img", ".img.gz")


def read_image(file: InputFile, check: Callable[[], None] = lambda: None) -> Image:
    """Return the image in a file, with its own pixel type and geometry.

    Args:
        file: of a format in :data:`primitives.formats.suffixes.IMAGE_SUFFIXES`, or
            DICOM.
        check: called now and then; raises to stop.

    Raises:
        InputFileError: the file is missing, unreadable, damaged, cut short, of
            another format, or has more than four axes.
        InputChangedError: the file changed since it was hashed.
    """
    if file.slices:
        from .read_dicom import read_dicom

        file.check_unchanged()
        image = read_dicom(file, check)
        file.check_unchanged()
        return image
    if file.suffix not in IMAGE_SUFFIXES:
        known = ", ".join(sorted(IMAGE_SUFFIXES))
        raise InputFileError(
            f"'{file.path}' is not of an image format that can be read; these can: "
            f"{known}"
        )
    require_readable(file.path)
    if file.path.stat().st_size == 0:
        raise InputFileError(f"'{file.path}' is empty")
    file.check_unchanged()
    if file.suffix in _NIFTI_SUFFIXES:
        image = _read_nifti(file.path, file.suffix)
    else:
        input_members(file.path)
        check_whole(file.path, file.suffix)
        image = _read_picture(file.path, file.suffix)
    file.check_unchanged()
    image = _without_single_axes(image, file.path)
    _require_geometry(image.grid, file.path)
    return image


def _read_nifti(path: Path, suffix: str) -> Image:
    """Read NIfTI; the voxels here, after checking that they are all there.

    ITK takes neither a missing end nor a wrong checksum for an error.
    """
    header_path, voxel_path = path, path
    if suffix == ".hdr":
        voxel_path = input_members(path)[0]
    elif suffix in (".img", ".img.gz"):
        header_path = input_members(path)[0]
    is_compressed = voxel_path.name.lower().endswith(".gz")
    data = read_bytes(voxel_path)
    header = _nifti_header(header_path, data if header_path == voxel_path else None)
    _require_readable(header, header_path)
    start = header.voxel_offset
    expected = start + header.voxel_bytes
    if is_compressed:
        data = gunzip(voxel_path, data, expected + (1 << 20))
    if len(data) < expected:
        raise damaged(voxel_path, f"it holds {len(data)} of {expected} bytes")
    dtype = NUMPY_NAMES.get(header.data_type)
    if dtype is None or header.is_scaled:
        return _read_with_itk(path)
    grid = scalar_grid(path)
    if grid is None or grid.size != header.sizes[: grid.dimension]:
        return _read_with_itk(path)
    array: np.ndarray[Any, Any] = np.frombuffer(
        data, header.byte_order + dtype, grid.voxel_count, start
    )
    native = np.require(array, array.dtype.newbyteorder("="), ["ALIGNED"])
    return Image.of_array(native.reshape(grid.shape), grid)


def _nifti_header(path: Path, data: bytes | None) -> NiftiHeader:
    head = read_bytes(path) if data is None else data
    if head.startswith(b"\x1f\x8b"):
        try:
            head = gzip.GzipFile(fileobj=io.BytesIO(head)).read(HEADER_BYTES)
        except (zlib.error, OSError, EOFError) as error:
            raise damaged(path, f"it cannot be decompressed ({error})") from None
    header = parse_nifti_header(head[:HEADER_BYTES])
    if header is None:
        raise damaged(path, "it does not begin as a NIfTI file")
    return header


def _require_readable(header: NiftiHeader, path: Path) -> None:
    """Refuse what ITK would complain about on standard error."""
    if header.data_type not in _NIFTI_TYPES:
        raise InputFileError(
            f"'{path}' has voxels of a type that cannot be read (NIfTI code "
            f"{header.data_type}); convert them to float32"
        )
    if not header.is_placed:
        raise InputFileError(
            f"'{path}' does not say where its voxels lie: its sform holds no numbers; "
            "repair its header"
        )


def _require_geometry(grid: Grid, path: Path) -> None:
    if grid.dimension < 2:
        raise InputFileError(f"'{path}' has a single axis, and is no image")
    numbers = (*grid.spacing, *grid.origin, *grid.direction)
    if not all(map(math.isfinite, numbers)) or min(grid.spacing) <= 0:
        shown = " x ".join(f"{step:g}" for step in grid.spacing)
        raise InputFileError(
            f"'{path}' has no valid geometry: its voxels are {shown} mm; repair its "
            "header"
        )


def scalar_grid(path: Path) -> Grid | None:
    """Return the grid of an image of one component, None if it has several.

    Raises:
        InputFileError: ITK cannot read it.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _itk_error(path, error) from None
    if reader.GetNumberOfComponents() != 1:
        return None
    return Grid(
        tuple(reader.GetSize()),
        tuple(reader.GetSpacing()),
        tuple(reader.GetOrigin()),
        tuple(reader.GetDirection()),
    )


def _read_picture(path: Path, suffix: str) -> Image:
    if suffix == ".png":
        data = read_bytes(path)
        if is_grey_with_alpha(data):
            return read_grey_with_alpha(data, _itk_image)
    return _read_with_itk(path)


def _itk_image(path: Path) -> sitk.Image:
    try:
        return sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise _itk_error(path, error) from None


def _read_with_itk(path: Path) -> Image:
    image = _itk_image(path)
    # A later save would write it, into another file and about another image.
    for key in image.GetMetaDataKeys():
        image.EraseMetaData(key)
    return Image.of_itk(image)


def _itk_error(path: Path, error: RuntimeError) -> InputFileError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[-1] if lines else "unknown error"
    reason = re.sub(r"(sitk::|ITK )ERROR: |\w+\(0x[0-9a-f]+\): ", "", reason)
    if "Unable to determine ImageIO reader" in reason:
        reason = "its content is not of the format that its name says"
    if "orthonormal" in reason:
        reason = (
            "its axes are not at right angles, which no operation here can work with; "
            "resample it first, or remove the shear from its sform"
        )
    return InputFileError(f"'{path}' cannot be read as an image: {reason}")


def _without_single_axes(image: Image, path: Path) -> Image:
    """Drop axes of size 1 beyond the third; a fourth one that counts volumes stays."""
    while image.grid.dimension > 3:
        single = [axis for axis, size in enumerate(image.grid.size) if size == 1]
        if not single:
            break
        image = without_axis(image, single[-1])
    if image.grid.dimension == 4 and image.grid.spacing[3] <= 0:
        # Volumes that are channels often say nothing of the time between them.
        spacing = (*image.grid.spacing[:3], 1.0)
        grid = replace(image.grid, spacing=spacing)
        image = Image.of_array(image.array, grid, image.components)
    if image.grid.dimension > 4:
        shown = "x".join(map(str, image.grid.size))
        raise InputFileError(
            f"'{path}' has {image.grid.dimension} axes ({shown}), at most 4 can be "
            "read; save the part that you want in a file of its own"
        )
    return image
