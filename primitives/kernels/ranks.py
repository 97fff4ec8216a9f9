"""Ranks of voxels among those of a region."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from primitives.context import Context
from primitives.values import Image, Mask, require_same_grid

from .operands import Array, region_array, scalar_array

Counts = npt.NDArray[np.int64]


def percentiles(
    context: Context, image: Image | Mask, region: Image | Mask, correction: float
) -> Image:
    """Rank each voxel of ``image`` among the voxels of ``region``.

    Args:
        context: of the run.
        image: scalar, any real type; compared as float32.
        region: on the same grid.
        correction: weight of ties: 0 counts smaller voxels only, 1 equal ones too.

    Returns:
        float32 image of ``(smaller + correction * equal) / count``; -1 outside the
        region.  A NaN voxel has neither smaller nor equal ones.
    """
    inside = region_array(region)
    array = scalar_array(image)
    require_same_grid(image, region)
    result = np.full(array.shape, np.float32(-1))
    values = array[inside]
    if values.size:
        result[inside] = _ranks(values, float(correction))
    return Image.of_array(result, image.grid)


def _ranks(values: Array, correction: float) -> npt.NDArray[np.float32]:
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        least = int(values.min())
        places = values.astype(np.int32) - np.int32(least)
        counts = np.bincount(places).astype(np.int64)
        return np.take(_shares(counts, values.size, correction), places)
    return _sorted_ranks(values.astype(np.float32), correction)


def _sorted_ranks(
    values: npt.NDArray[np.float32], correction: float
) -> npt.NDArray[np.float32]:
    is_nan = np.isnan(values)
    # One sort of (value, index) pairs packed into one integer each is faster than a
    # sort of indices.
    packed = _ordered_bits(values).astype(np.uint64) << np.uint64(32)
    packed |= np.arange(values.size, dtype=np.uint64)
    packed.sort()
    order = packed & np.uint64(0xFFFFFFFF)
    packed >>= np.uint64(32)
    starts = np.flatnonzero(np.diff(packed, prepend=~packed[:1]))
    counts = np.diff(starts, append=values.size)
    shares = _shares(counts, values.size, correction)
    ranks = np.empty(values.size, np.float32)
    ranks[order] = np.repeat(shares, counts)
    # NaNs have the greatest bits, so they do not count as smaller than any voxel.
    ranks[is_nan] = 0
    return ranks


def _shares(counts: Any, total: int, correction: float) -> npt.NDArray[np.float32]:
    """Return the rank of each value, given how often each one occurs, in order."""
    smaller = np.cumsum(counts) - counts
    share: npt.NDArray[np.float64] = (smaller + correction * counts) / total
    return share.astype(np.float32)


def _ordered_bits(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint32]:
    """Return integers in the order of the numbers; NaN last, -0 equal to 0."""
    # Adding 0 turns -0 into 0.
    bits = (values + np.float32(0)).view(np.uint32)
    is_negative = (bits >> np.uint32(31)).astype(np.bool_)
    ordered = np.where(is_negative, ~bits, bits | np.uint32(0x80000000))
    ordered[np.isnan(values)] = np.uint32(0xFFFFFFFF)
    return ordered
