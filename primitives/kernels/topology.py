"""Dilation and erosion by one voxel, diagonals included."""

from __future__ import annotations

import numpy as np

from primitives.context import Context
from primitives.values import Image, Mask

from .operands import Region, region_array


def near(context: Context, region: Image | Mask) -> Mask:
    """Return where some voxel of the neighbourhood belongs to the region."""
    return Mask(dilated(region_array(region)), region.grid)


def interior(context: Context, region: Image | Mask) -> Mask:
    """Return where all voxels of the neighbourhood belong to the region.

    Voxels outside the image count as belonging to it.
    """
    return Mask(eroded(region_array(region)), region.grid)


def dilated(region: Region) -> Region:
    """Return the dilation by a box of 3 voxels a side.

    The box is the sum of one line along each axis, so one axis at a time will do.
    """
    return _spread(region, np.bitwise_or)


def eroded(region: Region) -> Region:
    """Return the erosion by a box of 3 voxels a side; the edge does not erode."""
    return _spread(region, np.bitwise_and)


def _spread(region: Region, combine: np.ufunc) -> Region:
    source = region
    # Fastest axis first: its shifts are unaligned, and the plane is then in cache.
    for axis in reversed(range(region.ndim)):
        result = source.copy()
        lines, results = np.moveaxis(source, axis, 0), np.moveaxis(result, axis, 0)
        combine(results[1:], lines[:-1], out=results[1:])
        combine(results[:-1], lines[1:], out=results[:-1])
        source = result
    return source
