"""Likeness of textures."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from primitives.context import Context
from primitives.errors import KernelError
from primitives.values import Image, Mask, require_same_grid

from .box_sums import Slab, shortest
from .boxes import bounding_box, grown
from .correlations import Correlation, Places
from .operands import (
    Region,
    as_volume,
    float32_array,
    region_array,
    whole_number,
)
from .parallel import in_threads

Reach = tuple[int, int, int]
"""Voxels of a box on each side of its centre, slowest axis first."""

SLAB_VOXELS = 1 << 18
"""Voxels that are computed together, so that they stay in the CPU's cache."""

BLOCK = 1 << 16
"""Voxels that are looked up, or divided, at once."""


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
    places = _bin_indices(context, float32_array(image), low, high, count)
    of_texture = places
    if texture is not image:
        values = float32_array(texture, "texture")
        of_texture = _bin_indices(context, values, low, high, count)
    reference = _histogram(of_texture, region_array(region), count)
    volume = as_volume(places)
    reach = _reach(radius, (*image.grid.spacing, math.inf)[:3], volume.shape)
    found = _correlations(context, volume, reach, reference)
    return Image.of_array(found.reshape(image.grid.shape), image.grid)


def _correlations(
    context: Context, volume: Places, reach: Reach, reference: list[int]
) -> npt.NDArray[np.float32]:
    """Return the coefficient of the box around each voxel."""
    correlation = Correlation(reference, math.prod(2 * each + 1 for each in reach))
    # Boxes that hold nothing but background differ in their number of voxels only.
    background = int(volume[0, 0, 0])
    voxels = _voxels_in_boxes(volume.shape, reach)
    result = correlation.of_one_bin(background, int(voxels.max()))[voxels]
    others = bounding_box(volume != background)
    if others is None:
        return result
    wanted = grown(others, reach, volume.shape)
    seen = grown(wanted, reach, volume.shape)
    part, kept = volume[seen], result[wanted]
    inner = tuple(
        slice(one.start - other.start, one.stop - other.start)
        for one, other in zip(wanted, seen, strict=True)
    )

    def fill(start: int) -> None:
        planes = min(step, inner[0].stop - start)
        slab = Slab(planes, part.shape[1], part.shape[2], reach)
        found = slab.volume(correlation.of_slab(slab, slab.lay(part, start, count)))
        at = start - inner[0].start
        kept[at : at + slab.planes] = found[:, inner[1], inner[2]]

    count = len(reference)
    step = max(1, SLAB_VOXELS // math.prod(part.shape[1:]))
    in_threads(context, fill, range(inner[0].start, inner[0].stop, step))
    return result


def _reach(radius: float, spacing: tuple[float, ...], shape: tuple[int, ...]) -> Reach:
    """Return the half-widths of the box in voxels, slowest axis first.

    None is more than a box anywhere in the image has.
    """
    widths = [max(1, round(radius / step)) for step in reversed(spacing)]
    z, y, x = (min(each, n - 1) for each, n in zip(widths, shape, strict=True))
    return z, y, x


def _bin_indices(
    context: Context,
    values: npt.NDArray[np.float32],
    low: float,
    high: float,
    count: int,
) -> Places:
    """Return the bin of each voxel, ``count`` for those that are not counted."""
    result = np.full(values.shape, count, shortest(count))
    width = (high - low) / count
    if width == 0:
        return result
    flat, indices = values.reshape(-1), result.reshape(-1)

    def fill(start: int) -> None:
        numbers = flat[start : start + BLOCK].astype(np.float64)
        is_counted = (numbers >= low) & (numbers < high)
        numbers[~is_counted] = low
        numbers -= low
        numbers /= width
        # Rounding to whole numbers is rounding down here.
        np.minimum(numbers, count - 1, out=numbers)
        part = indices[start : start + BLOCK]
        np.copyto(part, numbers.astype(result.dtype), where=is_counted)

    in_threads(context, fill, range(0, flat.size, BLOCK))
    return result


def _histogram(places: Places, region: Region, count: int) -> list[int]:
    """Return how many voxels of a region are in each bin."""
    flat, inside = places.reshape(-1), region.reshape(-1)
    counts = np.zeros(count + 1, np.int64)
    # In parts, because numpy widens all that it counts at once.
    for start in range(0, flat.size, BLOCK):
        part = slice(start, start + BLOCK)
        counts += np.bincount(flat[part][inside[part]], minlength=count + 1)
    return [int(number) for number in counts[:count]]


def _voxels_in_boxes(shape: tuple[int, ...], reach: Reach) -> Places:
    """Return how many voxels of the image are in the box around each."""
    along = []
    for length, each in zip(shape, reach, strict=True):
        at = np.arange(length)
        last = np.minimum(at + each, length - 1)
        along.append(last - np.maximum(at - each, 0) + 1)
    longest = shortest(math.prod(int(each.max()) for each in along))
    z, y, x = (each.astype(longest) for each in along)
    found: Places = z[:, np.newaxis, np.newaxis] * (y[:, np.newaxis] * x)
    return found
