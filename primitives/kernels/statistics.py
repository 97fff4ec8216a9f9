"""Numbers that sum up an image or a region."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from primitives.context import Context
from primitives.errors import KernelError, KernelTypeError
from primitives.values import Image, Mask, require_same_grid

from .operands import Array, region_array, scalar_array

LANES = 4096
"""Number of running sums of :func:`fixed_order_sum`; part of its definition."""


CONVERTED = 16 * LANES
"""Voxels that are made float64 at once."""


def voxel_count(context: Context, region: Image | Mask) -> float:
    """Return the number of voxels of a region."""
    return float(_count(region))


def volume_ml(context: Context, region: Image | Mask) -> float:
    """Return the volume of a region in millilitres.

    Raises:
        KernelTypeError: the region is not 3-D, so it has no volume.
    """
    if region.grid.dimension != 3:
        raise KernelTypeError(
            f"a {region.grid.dimension}-D region has no volume in ml; "
            "vox1.volume counts its voxels"
        )
    return _count(region) * region.grid.voxel_volume_mm3 / 1000.0


def voxel_volume_mm3(context: Context, image: Image | Mask) -> float:
    """Return the volume of one voxel in mm³ (area in mm² in 2-D)."""
    return image.grid.voxel_volume_mm3


def greatest(context: Context, image: Image | Mask) -> float:
    """Return the greatest voxel; NaN if some voxel is NaN."""
    # Which zero is the greatest of 0 and -0 depends on the CPU: make it 0.
    return float(scalar_array(image).max()) + 0.0


def least(context: Context, image: Image | Mask) -> float:
    """Return the least voxel; NaN if some voxel is NaN."""
    return float(scalar_array(image).min()) + 0.0


def mean_inside(context: Context, image: Image | Mask, region: Image | Mask) -> float:
    """Return the mean of the image over a region.

    Raises:
        KernelError: the region is empty.
    """
    values = _inside(image, region)
    if values.size == 0:
        raise KernelError(
            "the mean over an empty region is not defined; avg0 gives 0 for it"
        )
    return fixed_order_sum(values) / values.size


def mean_inside_or_zero(
    context: Context, image: Image | Mask, region: Image | Mask
) -> float:
    """Return the mean of the image over a region, 0 if the region is empty."""
    values = _inside(image, region)
    return fixed_order_sum(values) / values.size if values.size else 0.0


def extremes(context: Context, image: Image | Mask) -> tuple[float, float]:
    """Return the least and the greatest voxel."""
    return least(context, image), greatest(context, image)


def summary(context: Context, image: Image | Mask) -> tuple[float, ...]:
    """Return minimum, maximum, mean, sigma, variance, sum, and number of voxels.

    Sigma and variance are a sample's; of a single voxel both are 0.
    """
    values = scalar_array(image).reshape(-1)
    count = values.size
    total = fixed_order_sum(values)
    mean = total / count
    squares = fixed_order_sum(values, lambda row: np.square(row - mean))
    variance = squares / max(count - 1, 1)
    return (
        least(context, image),
        greatest(context, image),
        mean,
        math.sqrt(variance),
        variance,
        total,
        float(count),
    )


def fixed_order_sum(
    values: Array, each: Callable[[Array], Array] = lambda row: row
) -> float:
    """Return the sum in float64 of ``each`` value, in an order fixed by the length.

    Value *i* goes to running sum *i* modulo :data:`LANES`, in order; then the upper
    half of the sums is added to the lower half until one is left.  numpy's own sums
    promise no order.
    """
    sums = np.zeros(LANES, np.float64)
    whole = values.size - values.size % LANES
    with np.errstate(all="ignore"):
        for start in range(0, whole, CONVERTED):
            numbers = values[start : min(start + CONVERTED, whole)].astype(np.float64)
            for row in numbers.reshape(-1, LANES):
                sums += each(row)
        sums[: values.size - whole] += each(values[whole:].astype(np.float64))
        while sums.size > 1:
            half = sums.size // 2
            sums = sums[:half] + sums[half:]
    return float(sums[0])


def _inside(image: Image | Mask, region: Image | Mask) -> Array:
    inside = region_array(region)
    values = scalar_array(image)
    require_same_grid(image, region)
    selected = values[inside]
    if selected.dtype.itemsize <= 2:
        return selected  # float32 would hold the same numbers
    return selected.astype(np.float32, copy=False)


def _count(region: Image | Mask) -> int:
    if isinstance(region, Mask) and region.is_packed:
        bits = region.bits
        whole = bits.size - bits.size % 8
        words = np.bitwise_count(bits[:whole].view(np.uint64)).sum(dtype=np.int64)
        return int(words + np.bitwise_count(bits[whole:]).sum(dtype=np.int64))
    return int(np.count_nonzero(region_array(region)))
