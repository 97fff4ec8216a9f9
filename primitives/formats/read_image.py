"""Images from files: whole, of the file's own pixel type, in two or three axes."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from primitives.errors import InputFileError
from primitives.files import InputFile, read_bytes, require_readable
from primitives.values import Grid, Image

from .integrity import check_whole, damaged, gunzip
from .members import input_members
from .nifti import HEADER_BYTES, NUMPY_NAMES, NiftiHeader, parse_nifti_header
from .suffixes import IMAGE_SUFFIXES

# ITK reports on standard error what is raised or checked here anyway.
sitk.ProcessObject.SetGlobalWarningDisplay(False)

_NIFTI_SUFFIXES = (".nii", ".nii.gz", ".hdr", ".img", ".img.gz")


def read_image(file: InputFile) -> Image:
    """Return the image in a file, with its own pixel type and geometry.

    Args:
        file: of a format in :data:`primitives.formats.suffixes.IMAGE_SUFFIXES`.

    Raises:
        InputFileError: the file is missing, unreadable, damaged, cut short, of
            another format, or holds more than one volume.
        InputChangedError: the file changed since it was hashed.
    """
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
        image = _read_with_itk(file.path)
    file.check_unchanged()
    return _at_most_three_axes(image, file.path)


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
    start = header.voxel_offset
    expected = start + header.voxel_bytes
    if is_compressed:
        data = gunzip(voxel_path, data, expected + (1 << 20))
    if len(data) < expected:
        raise damaged(voxel_path, f"it holds {len(data)} of {expected} bytes")
    dtype = NUMPY_NAMES.get(header.data_type)
    if dtype is None or header.is_scaled:
        return _read_with_itk(path)
    grid = _scalar_grid(path)
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


def _scalar_grid(path: Path) -> Grid | None:
    """Return the grid of an image of one component, None if it has several."""
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


def _read_with_itk(path: Path) -> Image:
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise _itk_error(path, error) from None
    return Image.of_itk(image)


def _itk_error(path: Path, error: RuntimeError) -> InputFileError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[-1].removeprefix("sitk::ERROR: ") if lines else "unknown error"
    if "Unable to determine ImageIO reader" in reason:
        reason = "its content is not of the format that its name says"
    return InputFileError(f"'{path}' cannot be read as an image: {reason}")


def _at_most_three_axes(image: Image, path: Path) -> Image:
    while image.grid.dimension > 3:
        sizes = image.grid.size
        single = [axis for axis, size in enumerate(sizes) if size == 1]
        if not single:
            shown = "x".join(map(str, sizes))
            raise InputFileError(
                f"'{path}' holds several volumes ({shown}); "
                "save the volume you want in a file of its own"
            )
        image = _without_axis(image, single[-1])
    return image


def _without_axis(image: Image, axis: int) -> Image:
    grid = image.grid
    kept = [other for other in range(grid.dimension) if other != axis]
    matrix = np.reshape(grid.direction, (grid.dimension, grid.dimension))
    direction = matrix[np.ix_(kept, kept)]
    if abs(np.linalg.det(direction)) < 1e-6:
        direction = np.eye(len(kept))
    smaller = Grid(
        tuple(grid.size[other] for other in kept),
        tuple(grid.spacing[other] for other in kept),
        tuple(grid.origin[other] for other in kept),
        tuple(direction.reshape(-1).tolist()),
    )
    array = np.squeeze(image.array, grid.dimension - 1 - axis)
    return Image.of_array(array, smaller, image.components)
