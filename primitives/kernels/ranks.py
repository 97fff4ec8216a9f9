"""Ranks of voxels among those of a region.

Voxels that are whole numbers close together, as scanners write them, are counted; a
table then gives every voxel its rank.  Others are sorted, in as many parts as there
are threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from primitives.context import Context
from primitives.values import Image, Mask, require_same_grid

from .operands import Array, region_array, scalar_array
from .parallel import in_threads

OUTSIDE = np.float32(-1)
"""Rank of what is not in the region."""

EXACT = 1 << 24
"""Whole numbers up to here are different as float32, too."""

LONGEST_TABLE = 1 << 16
"""Most different whole numbers that are counted."""

BLOCK = 1 << 16
"""Voxels that are counted at once, because numpy widens the indices of all."""

Floats = npt.NDArray[np.float32]
Packed = npt.NDArray[np.uint64]
Shares = Callable[[Array, int], Floats]
"""Ranks of different numbers in order: of how often each occurs, and how many voxels
are smaller than the first."""


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
    total = int(np.count_nonzero(inside))
    weight = float(correction)

    def shares(counts: Array, before: int) -> Floats:
        smaller = np.cumsum(counts) - counts + before
        with np.errstate(over="ignore", invalid="ignore"):
            share: npt.NDArray[np.float64] = (smaller + weight * counts) / total
            return share.astype(np.float32)

    result = np.full(array.shape, OUTSIDE)
    if total:
        values = array[inside]
        ranks = _counted_ranks(context, values, shares)
        if ranks is None:
            numbers = values.astype(np.float32, copy=False)
            ranks = _sorted_ranks(context, numbers, shares)
        result[inside] = ranks
    return Image.of_array(result, image.grid)


def _counted_ranks(context: Context, values: Array, shares: Shares) -> Floats | None:
    """Return the ranks of whole numbers that are close together, None for others."""
    bounds = _bounds(values)
    if bounds is None:
        return None
    least, length = bounds
    counts: list[Array] = []
    fractions: list[int] = []

    def count(start: int) -> None:
        part = values[start : start + BLOCK]
        if fractions or (part.dtype.kind == "f" and (np.rint(part) != part).any()):
            fractions.append(start)
            return
        counts.append(np.bincount(part.astype(np.intp) - least, minlength=length))

    starts = range(0, values.size, BLOCK)
    in_threads(context, count, starts)
    if fractions:
        return None
    table = shares(np.sum(counts, axis=0), 0)
    ranks = np.empty(values.size, np.float32)

    def look_up(start: int) -> None:
        places = values[start : start + BLOCK].astype(np.intp)
        places -= least
        np.take(table, places, out=ranks[start : start + BLOCK], mode="clip")

    in_threads(context, look_up, starts)
    return ranks


def _bounds(values: Array) -> tuple[int, int] | None:
    """Return the least value and the length of a table of all; None if too long."""
    least, greatest = float(values.min()), float(values.max())
    # False for NaN.
    if not (least >= -EXACT and greatest <= EXACT):
        return None
    length = int(greatest) - math.floor(least) + 1
    return (math.floor(least), length) if length <= LONGEST_TABLE else None


def _sorted_ranks(context: Context, values: Floats, shares: Shares) -> Floats:
    # One sort of (value, index) pairs packed into one integer each is faster than a
    # sort of indices.
    packed = _ordered_bits(values).astype(np.uint64)
    packed <<= np.uint64(32)
    packed |= np.arange(values.size, dtype=np.uint64)
    ranks = np.empty(values.size, np.float32)
    lengths: list[tuple[Packed, int]] = []
    before = 0
    for part in _parts(packed, context.threads):
        lengths.append((part, before))
        before += part.size
    in_threads(context, lambda each: _rank_part(*each, shares, ranks), lengths)
    # NaNs have the greatest bits, so they do not count as smaller than any voxel.
    ranks[np.isnan(values)] = 0
    return ranks


def _parts(packed: Packed, count: int) -> list[Packed]:
    """Cut pairs, between values, into about as many parts of about the same size."""
    if count == 1 or packed.size < BLOCK:
        return [packed]
    sample = np.sort(packed[:: max(1, packed.size >> 10)])
    ends = [sample[at * sample.size // count] for at in range(1, count)]
    # A part begins with the first pair of its least value.
    edges = np.unique(np.array(ends) >> np.uint64(32)) << np.uint64(32)
    place = np.searchsorted(edges, packed, side="right")
    return [packed[place == at] for at in range(edges.size + 1)]


def _rank_part(part: Packed, before: int, shares: Shares, ranks: Floats) -> None:
    part.sort()
    order = (part & np.uint64(0xFFFFFFFF)).astype(np.intp)
    part >>= np.uint64(32)
    starts = np.flatnonzero(np.diff(part, prepend=~part[:1]))
    counts = np.diff(starts, append=part.size)
    ranks[order] = np.repeat(shares(counts, before), counts)


def _ordered_bits(values: Floats) -> npt.NDArray[np.uint32]:
    """Return integers in the order of the numbers; NaN last, -0 equal to 0."""
    # Adding 0 turns -0 into 0.
    bits = (values + np.float32(0)).view(np.uint32)
    is_negative = (bits >> np.uint32(31)).astype(np.bool_)
    ordered = np.where(is_negative, ~bits, bits | np.uint32(0x80000000))
    ordered[np.isnan(values)] = np.uint32(0xFFFFFFFF)
    return ordered
