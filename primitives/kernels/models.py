"""Images as VoxLogicA 1 takes them: few axes, all on the grid of the first one."""

from __future__ import annotations

import numpy as np

from primitives.context import Context
from primitives.errors import KernelError, KernelTypeError
from primitives.files import InputFile
from primitives.formats.axes import grid_without_axis, without_single_axes
from primitives.values import Grid, Image, Mask, Value

from .files import load as load_file
from .operands import whole_number
from .operators import a_kind


def load(context: Context, file: InputFile) -> Image | Mask:
    """Return the image in a file, without axes of size 1 beyond the second.

    Raises:
        InputFileError: the file cannot be read as an image.
        InputChangedError: the file changed since it was hashed.
        KernelTypeError: it holds something else.
    """
    found = load_file(context, file)
    if not isinstance(found, Image | Mask):
        raise KernelTypeError(
            f"'{file.path}' holds {a_kind(found)}, no image; "
            "write name = load(…) for what is none"
        )
    return without_single_axes(found)


def aligned(context: Context, image: Image | Mask, base: Image | Mask) -> Image | Mask:
    """Return the image, on the base's grid if it has as many voxels along each axis.

    Images of several sizes or numbers of components stay where they are.
    """
    if image.grid.size != base.grid.size or image.components != base.components:
        return image
    if image.grid == base.grid:
        return image
    if isinstance(image, Mask):
        return Mask(image.array, base.grid)
    return Image.of_array(image.array, base.grid, image.components)


def extract(
    context: Context, image: Image | Mask, size: Value, index: Value
) -> Image | Mask:
    """Return a part of an image.

    Args:
        context: of the run.
        image: of two or three axes.
        size: voxels along each axis, x first; an axis of size 0 is left out.
        index: the first voxel along each axis, counted from 0.  Of a 2-D image the
            first two items count, here and in ``size``.

    Raises:
        KernelError: the part is not inside the image, or has less than two axes.
    """
    grid = image.grid
    sizes = _counts(size, "size", grid.dimension)
    starts = _counts(index, "index", grid.dimension)
    ends = [start + max(length, 1) for start, length in zip(starts, sizes, strict=True)]
    if any(end > limit for end, limit in zip(ends, grid.size, strict=True)):
        raise KernelError(
            f"the part from {starts} of size {sizes} is not inside the image, which "
            f"has {'x'.join(map(str, grid.size))} voxels"
        )
    if sum(length > 0 for length in sizes) < 2:
        raise KernelError("the part must have at least two axes of size 1 or more")
    places = tuple(map(slice, reversed(starts), reversed(ends)))
    array = np.ascontiguousarray(image.array[places])
    part = _part(grid, starts, ends)
    for axis in reversed(range(grid.dimension)):
        if not sizes[axis]:
            array = np.squeeze(array, part.dimension - 1 - axis)
            part = grid_without_axis(part, axis)
    if isinstance(image, Mask):
        return Mask(array, part)
    return Image.of_array(array, part, image.components)


def _counts(values: Value, role: str, dimension: int) -> list[int]:
    if type(values) is not tuple or not dimension <= len(values) <= 3:
        raise KernelError(f"{role} must be a sequence of {dimension} whole numbers")
    return [whole_number(value, role, 0) for value in values[:dimension]]


def _part(grid: Grid, starts: list[int], ends: list[int]) -> Grid:
    """Return the grid of the voxels from ``starts`` up to but without ``ends``."""
    matrix = np.reshape(grid.direction, (grid.dimension, grid.dimension))
    origin = []
    for row, first in zip(matrix, grid.origin, strict=True):
        # One by one: numpy's own product promises no order of its sums.
        for cosine, start, step in zip(row, starts, grid.spacing, strict=True):
            first += float(cosine) * (start * step)
        origin.append(first)
    size = tuple(end - start for start, end in zip(starts, ends, strict=True))
    return Grid(size, grid.spacing, tuple(origin), grid.direction)
