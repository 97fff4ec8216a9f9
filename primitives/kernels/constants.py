"""Images that depend on nothing but a grid."""

from __future__ import annotations

import numpy as np

from primitives.context import Context
from primitives.values import Image, Mask


def everywhere(context: Context, base: Image | Mask) -> Mask:
    """Return the region of all voxels."""
    return constant_region(context, base, True)


def nowhere(context: Context, base: Image | Mask) -> Mask:
    """Return the empty region."""
    return constant_region(context, base, False)


def constant_region(context: Context, base: Image | Mask, value: bool) -> Mask:
    """Return the region of all voxels, or the empty one."""
    return Mask(np.full(base.grid.shape, value, np.bool_), base.grid)


def constant_image(context: Context, base: Image | Mask, value: float) -> Image:
    """Return one number everywhere, as float32."""
    with np.errstate(over="ignore"):
        number = np.float32(value)
    return Image.of_array(np.full(base.grid.shape, number), base.grid)


def border(context: Context, base: Image | Mask) -> Mask:
    """Return the voxels that are first or last along some axis."""
    array = np.zeros(base.grid.shape, np.bool_)
    for axis in range(array.ndim):
        ends = np.moveaxis(array, axis, 0)
        ends[0] = True
        ends[-1] = True
    return Mask(array, base.grid)


def index_x(context: Context, base: Image | Mask) -> Image:
    """Return each voxel's index along the first axis, as float32."""
    return _index(base, 0)


def index_y(context: Context, base: Image | Mask) -> Image:
    """Return each voxel's index along the second axis, as float32."""
    return _index(base, 1)


def index_z(context: Context, base: Image | Mask) -> Image:
    """Return each voxel's index along the third axis, as float32; 0 in 2-D."""
    return _index(base, 2)


def _index(base: Image | Mask, axis: int) -> Image:
    grid = base.grid
    array = np.zeros(grid.shape, np.float32)
    if axis < grid.dimension:
        # Arrays have the slowest axis first, grids the fastest.
        np.moveaxis(array, grid.dimension - 1 - axis, -1)[:] = np.arange(
            grid.size[axis], dtype=np.float32
        )
    return Image.of_array(array, grid)
