"""Euclidean distance to a region, and comparisons with it.

A distance in mm is ``least * sqrt(sum)`` in float64, rounded to float32, of a sum of
squared steps in units of the least spacing (:mod:`.squares`).  Comparisons with a small
distance dilate by a ball of bits; with a great one they compare the sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from primitives.context import Context
from primitives.values import Grid, Image, Mask

from .balls import Halves, ball_dilated
from .bits import packed, unpacked
from .boxes import bounding_box, grown
from .operands import Region, as_volume, region_array
from .squares import Metric, limit_of, square, squares_to_nearest
from .topology import boundary

FAR = np.float32(1.8446743e19)
"""Distance to an empty region: the root of the greatest float32."""

MOST_ROWS = 512
"""Rows in a quarter of a ball; with more it takes longer than sums of squares."""

_LARGEST_TABLE = 1 << 22


def signed_distance(context: Context, region: Image | Mask) -> Image:
    """Return the distance to the region in mm, negative inside, as float32.

    Outside: distance to the nearest voxel of the region.  Inside: minus the distance
    to the nearest voxel of its boundary, the voxels with a neighbour outside.
    """
    inside = as_volume(region_array(region))
    return Image.of_array(
        _signed(context, inside, region.grid).reshape(region.grid.shape), region.grid
    )


def within(context: Context, distance: float, region: Image | Mask) -> Mask:
    """Return where the distance to the region is at most ``distance`` mm."""
    limit = _float32(distance)
    return _mask(region, lambda inside, grid: _at_most(context, limit, inside, grid))


def at_least(context: Context, distance: float, region: Image | Mask) -> Mask:
    """Return where the distance to the region is at least ``distance`` mm."""
    limit = _float32(distance)
    if math.isnan(limit):
        return _mask(region, lambda inside, _: np.zeros_like(inside))
    below = np.nextafter(limit, np.float32(-np.inf))
    return _mask(region, lambda inside, grid: ~_at_most(context, below, inside, grid))


def nearer_than(context: Context, distance: float, region: Image | Mask) -> Mask:
    """Return where the signed distance to the region is below ``distance`` mm."""
    limit = _float32(distance)
    if limit > 0:
        below = np.nextafter(limit, np.float32(-np.inf))
        return _mask(
            region, lambda inside, grid: _at_most(context, below, inside, grid)
        )
    return _mask(region, lambda inside, grid: _signed(context, inside, grid) < limit)


def farther_than(context: Context, distance: float, region: Image | Mask) -> Mask:
    """Return where the signed distance to the region is above ``distance`` mm."""
    limit = _float32(distance)
    if limit >= 0:
        return _mask(
            region, lambda inside, grid: ~_at_most(context, limit, inside, grid)
        )
    return _mask(region, lambda inside, grid: _signed(context, inside, grid) > limit)


def _mask(region: Image | Mask, compute: Callable[[Region, Grid], Region]) -> Mask:
    inside = as_volume(region_array(region))
    return Mask(compute(inside, region.grid).reshape(region.grid.shape), region.grid)


def _float32(distance: float) -> np.float32:
    with np.errstate(over="ignore"):
        return np.float32(distance)


def _signed(context: Context, inside: Region, grid: Grid) -> npt.NDArray[np.float32]:
    edge = unpacked(boundary(packed(inside)))
    if not edge.any():
        return np.full(inside.shape, -FAR if inside.any() else FAR)
    # Outside, the nearest voxel of the region lies on its boundary: a step towards
    # the outside would otherwise be nearer.  So one map serves both sides.
    metric = Metric.of(grid)
    distances = _distances(context, edge, metric)
    np.negative(distances, out=distances, where=inside & ~edge)
    return distances


def _distances(
    context: Context, sources: Region, metric: Metric
) -> npt.NDArray[np.float32]:
    greatest = metric.greatest_square(sources.shape)
    squares = None
    if metric.is_whole and greatest > limit_of(np.uint16):
        # Most regions leave no voxel so far away that 16 bits are too short.
        short = limit_of(np.uint16)
        squares = squares_to_nearest(context, sources, metric, short)
        if squares.max() > short:
            squares = None
    if squares is None:
        squares = squares_to_nearest(context, sources, metric, greatest)
    if squares.dtype.kind == "f" or greatest > _LARGEST_TABLE:
        return metric.distances(squares)
    table = metric.distances(np.arange(int(squares.max()) + 1))
    result = np.empty(squares.shape, np.float32)
    # In parts, because numpy widens all the indices that it looks up at once.
    for plane, found in zip(squares, result, strict=True):
        np.take(table, plane, out=found, mode="clip")
    return result


def _at_most(context: Context, limit: np.float32, inside: Region, grid: Grid) -> Region:
    """Return where the distance outside, 0 inside, is at most ``limit``."""
    if not limit >= 0:
        return np.zeros(inside.shape, np.bool_)
    if not inside.any():
        return np.full(inside.shape, limit >= FAR)
    metric = Metric.of(grid)
    greatest = metric.greatest_square(inside.shape)
    most = _greatest_square_within(limit, metric, greatest)
    steps = _steps_within(most, metric, inside.shape)
    # A ball of infinite steps has rows that are no numbers.
    is_small = steps[0] * steps[1] <= MOST_ROWS and math.isfinite(greatest)
    if is_small and limit < FAR:
        halves = _rows_of_ball(limit, metric, steps)
        return unpacked(ball_dilated(context, packed(inside), halves))
    found = bounding_box(inside)
    assert found is not None
    box = grown(found, steps, inside.shape)
    squares = squares_to_nearest(context, inside[box], metric, most)
    result = np.zeros(inside.shape, np.bool_)
    if squares.dtype.kind == "f":
        result[box] = metric.distances(squares) <= limit
    else:
        result[box] = squares <= most
    return result


def _greatest_square_within(
    limit: np.float32, metric: Metric, greatest: float
) -> float:
    """Return the greatest sum of squared steps whose distance is at most ``limit``.

    For weights that are no whole numbers, a number a little greater.
    """
    if metric.distance(greatest) <= limit:
        return greatest
    found = min(square(float(limit) / metric.least) * (1 + 1e-6), greatest)
    if not metric.is_whole:
        return found
    whole = math.floor(found)
    while metric.distance(whole) > limit:
        whole -= 1
    return whole


def _steps_within(
    most: float, metric: Metric, shape: tuple[int, ...]
) -> tuple[int, ...]:
    """Return along z, y, x more steps than a sum of squared steps allows.

    No more than fit into the image.
    """
    return tuple(
        min(math.isqrt(int(most / weight)) + 1, length)
        for weight, length in zip(metric.weights[::-1], shape, strict=True)
    )


def _rows_of_ball(limit: np.float32, metric: Metric, steps: tuple[int, ...]) -> Halves:
    """Return the rows of the ball whose radius is ``limit``, none of one voxel more.

    The sums are those of :func:`.squares.squares_to_nearest`, to the last bit.
    """
    z, y, x = (np.arange(count, dtype=np.float64) for count in steps)
    weight_x, weight_y, weight_z = metric.weights
    along_x = weight_x * np.square(x)
    sums = along_x + (weight_y * y * y)[:, np.newaxis]
    sums = sums + (weight_z * z * z)[:, np.newaxis, np.newaxis]
    is_within = metric.distances(sums) <= limit
    halves = np.asarray(np.count_nonzero(is_within, axis=2) - 1, np.int64)
    # Rounding may leave nothing of the last disc.
    return halves[halves[:, 0] >= 0]
