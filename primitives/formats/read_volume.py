"""One volume of a file that holds several, without reading the others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from primitives.errors import InputFileError, KernelError
from primitives.files import InputFile
from primitives.values import Grid, Image, Mask

from .integrity import damaged
from .nifti import HEADER_BYTES, NUMPY_NAMES, NiftiHeader, parse_nifti_header
from .read_image import read_image, scalar_grid
from .suffixes import SEEKABLE_SUFFIXES


def split(image: Image | Mask) -> tuple[Image | Mask, ...]:
    """Return the volumes of an image of four axes; any other image is its only one."""
    if image.grid.dimension < 4:
        return (image,)
    grid = volume_grid(image.grid)
    if isinstance(image, Mask):
        return tuple(Mask(array, grid) for array in image.array)
    return tuple(Image.of_array(array, grid, image.components) for array in image.array)


def volume_grid(grid: Grid) -> Grid:
    """Return the grid of one volume of an image of four axes."""
    matrix = np.reshape(grid.direction, (4, 4))[:3, :3]
    direction = tuple(matrix.reshape(-1).tolist())
    return Grid(grid.size[:3], grid.spacing[:3], grid.origin[:3], direction)


def volume_count(file: InputFile) -> int:
    """Return how many volumes a file of images holds.

    Raises:
        InputFileError: it is no image, or damaged.
        InputChangedError: it changed since it was hashed.
    """
    found = _seekable(file)
    if found is not None:
        return found[1].size[3]
    return _count(read_image(file).grid)


def read_volume(file: InputFile, position: int) -> Image:
    """Return one volume of a file, counted from 0.

    Raises:
        KernelError: there are not so many.
        InputFileError: it is no image, or damaged.
        InputChangedError: it changed since it was hashed.
    """
    found = _seekable(file)
    if found is None:
        image = read_image(file)
        _require(position, _count(image.grid), file.path)
        if image.grid.dimension < 4:
            return image
        volume = image.array[position]
        return Image.of_array(volume, volume_grid(image.grid), image.components)
    header, grid = found
    _require(position, grid.size[3], file.path)
    file.check_unchanged()
    volume = _read(file.path, header, volume_grid(grid), position)
    file.check_unchanged()
    return volume


def _count(grid: Grid) -> int:
    return grid.size[3] if grid.dimension == 4 else 1


def _require(position: int, count: int, path: Path) -> None:
    if not 0 <= position < count:
        has = f"{count} volumes" if count > 1 else "1 volume"
        raise KernelError(
            f"'{path}' holds {has}, counted from 0; there is none at {position}"
        )


def _seekable(file: InputFile) -> tuple[NiftiHeader, Grid] | None:
    """Return header and grid of a file whose volumes can be read one by one."""
    if file.suffix not in SEEKABLE_SUFFIXES:
        return None
    file.check_unchanged()
    try:
        with file.path.open("rb") as opened:
            header = parse_nifti_header(opened.read(HEADER_BYTES))
    except OSError as error:
        raise InputFileError(f"'{file.path}' cannot be read: {error}") from None
    if header is None or header.is_scaled or header.data_type not in NUMPY_NAMES:
        return None
    if len(header.sizes) != 4 or 1 in header.sizes:
        return None
    grid = scalar_grid(file.path)
    return None if grid is None or grid.size != header.sizes else (header, grid)


def _read(path: Path, header: NiftiHeader, grid: Grid, position: int) -> Image:
    dtype = np.dtype(header.byte_order + NUMPY_NAMES[header.data_type])
    size = grid.voxel_count * dtype.itemsize
    expected = header.voxel_offset + header.voxel_bytes
    with path.open("rb") as file:
        found = os.fstat(file.fileno()).st_size
        if found < expected:
            raise damaged(path, f"it holds {found} of {expected} bytes")
        file.seek(header.voxel_offset + position * size)
        data = file.read(size)
    array: np.ndarray[Any, Any] = np.frombuffer(data, dtype)
    native = array.astype(dtype.newbyteorder("="), copy=False)
    return Image.of_array(native.reshape(grid.shape), grid)
