"""Likeness of textures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from primitives.context import Context
from primitives.errors import KernelError
from primitives.values import Image, Mask, require_same_grid

from .operands import Array, as_volume, float32_array, region_array, whole_number

SLAB = 16
"""Planes that are computed together, so that they stay in the CPU's cache."""


def cross_correlation(
    context: Context,
    radius: float,
    image: Image | Mask,
    texture: Image | Mask,
    region: Image | Mask,
    low: float,
    high: float,
    bins: float,
) -> Image:
    """Compare the histogram around each voxel with that of a region.

    Args:
        context: of the run.
        radius: half-width of the box around a voxel in mm; at least one voxel.
        image: whose local histograms are taken.
        texture: image whose histogram over ``region`` they are compared with.
        region: on the grid of ``texture``.
        low: where the first bin begins; smaller voxels are not counted.
        high: where the last bin ends; voxels from there on are not counted.
        bins: number of bins of equal width.

    Returns:
        float32 image of Pearson's correlation coefficients, from -1 to 1: 1 where
        both histograms are constant, 0 where one is.

    Source:
        Belmonte, Ciancia, Latella, Massink, "VoxLogicA: a spatial model checker for
        declarative image analysis", 2019, section on statistical similarity.
    """
    count = whole_number(bins, "bins", 1)
    if not low <= high:
        raise KernelError(f"the range from {low} to {high} is empty; give min and max")
    if not 0 <= radius < math.inf:
        raise KernelError(f"the radius must be a number of mm, not {radius}")
    require_same_grid(texture, region)
    places = _bin_indices(as_volume(float32_array(image)), low, high, count)
    of_texture = _bin_indices(float32_array(texture, "texture"), low, high, count)
    inside = region_array(region)
    reference = np.bincount(of_texture[inside], minlength=count + 1)[:count]
    half_widths = _half_widths(radius, (*image.grid.spacing, math.inf)[:3])
    result = np.empty(places.shape, np.float32)
    for start in range(0, len(places), SLAB):
        context.check()
        stop = min(start + SLAB, len(places))
        result[start:stop] = _correlations(
            places, start, stop, half_widths, [int(number) for number in reference]
        )
    return Image.of_array(result.reshape(image.grid.shape), image.grid)


def _half_widths(radius: float, spacing: tuple[float, ...]) -> tuple[int, ...]:
    """Return half-widths of the box in voxels, slowest axis first."""
    widths = [max(1, round(radius / step)) for step in spacing]
    return tuple(reversed(widths))


def _bin_indices(
    values: npt.NDArray[np.float32], low: float, high: float, count: int
) -> Array:
    """Return the bin of each voxel, ``count`` for those that are not counted."""
    dtype: type[np.unsignedinteger[Any]] = np.uint8 if count < 255 else np.uint32
    width = (high - low) / count
    if width == 0:
        return np.full(values.shape, count, dtype)
    numbers = values.astype(np.float64)
    is_counted = (numbers >= low) & (numbers < high)
    numbers[~is_counted] = low
    indices = np.minimum(np.floor((numbers - low) / width), count - 1).astype(dtype)
    indices[~is_counted] = count
    return indices


def _correlations(
    places: Array,
    start: int,
    stop: int,
    half_widths: tuple[int, ...],
    reference: list[int],
) -> npt.NDArray[np.float64]:
    """Return the coefficients of planes ``start`` to ``stop - 1``.

    All sums are whole numbers and exact, whatever their order.
    """
    first = max(0, start - half_widths[0])
    slab = places[first : stop + half_widths[0]]
    shape = (stop - start, *places.shape[1:])
    total = np.zeros(shape, np.int64)
    squares = np.zeros(shape, np.int64)
    products = np.zeros(shape, np.int64)
    for index, number in enumerate(reference):
        counts = _box_counts(slab == index, start - first, stop - first, half_widths)
        total += counts
        squares += np.square(counts, dtype=np.int64)
        if number:
            products += np.multiply(counts, number, dtype=np.int64)
    return _pearson(total, squares, products, reference)


def _pearson(
    total: Array, squares: Array, products: Array, reference: list[int]
) -> npt.NDArray[np.float64]:
    count = len(reference)
    reference_total = sum(reference)
    reference_spread = (
        count * sum(number * number for number in reference)
        - reference_total * reference_total
    )
    spread = count * squares - total * total
    if reference_spread == 0:
        return np.where(spread == 0, 1.0, 0.0)
    covariance = count * products - total * reference_total
    scale = np.sqrt(spread.astype(np.float64)) * math.sqrt(reference_spread)
    result = np.zeros(total.shape, np.float64)
    np.divide(covariance.astype(np.float64), scale, out=result, where=spread != 0)
    return np.clip(result, -1.0, 1.0)


def _box_counts(
    chosen: npt.NDArray[np.bool_], start: int, stop: int, half_widths: tuple[int, ...]
) -> Array:
    """Count the chosen voxels in the box around each voxel of some planes."""
    along_z, along_y, along_x = half_widths
    greatest = (2 * along_x + 1) * (2 * along_y + 1)
    counts = chosen.astype(np.uint8 if greatest < 256 else np.uint32)
    counts = _window_sums(_window_sums(counts, 2, along_x), 1, along_y)
    sums = np.zeros(
        (stop - start, *chosen.shape[1:]),
        np.uint16 if greatest * (2 * along_z + 1) < 65536 else np.uint32,
    )
    for step in range(-along_z, along_z + 1):
        low, high = max(0, start + step), min(len(counts), stop + step)
        if low < high:
            sums[low - start - step : high - start - step] += counts[low:high]
    return sums


def _window_sums(counts: Array, axis: int, half_width: int) -> Array:
    """Sum over ``2 * half_width + 1`` neighbours along an axis, none beyond it."""
    result = counts.copy()
    lines, sums = np.moveaxis(counts, axis, 0), np.moveaxis(result, axis, 0)
    for step in range(1, min(half_width, len(lines) - 1) + 1):
        sums[step:] += lines[:-step]
        sums[:-step] += lines[step:]
    return result
