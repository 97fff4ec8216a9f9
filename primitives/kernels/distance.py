"""Euclidean distance to a region, and comparisons with it.

The squared distance of a voxel from the nearest source is the minimum, over all
sources, of the sum of the squared steps along the axes.  Such a minimum can be taken
one axis at a time: along x over the voxels of a line, then along y over the lines,
then along z over the planes (Saito and Toriwaki, "New algorithms for Euclidean distance
transformation of an n-dimensional digitized picture", 1994).  Here each of these is a
sequence of shifted minima over blocks that stay in the CPU's cache.

Distances are defined so that no rounding depends on the way: squared steps are
measured in units of the least spacing, ``(spacing / least)²``, and summed in float64
in the order x, y, z; the distance is ``least * sqrt(sum)`` in float64, rounded to
float32.  When the units are whole numbers, as on isotropic grids, the sums are the same
whole numbers in a shorter type.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from primitives.context import Context
from primitives.values import Grid, Image, Mask

from .operands import Array, Region, as_volume, region_array
from .topology import eroded

FAR = np.float32(1.8446743e19)
"""Distance to an empty region: the root of the greatest float32."""

BLOCK_BYTES = 1 << 17
"""Size of the blocks in which minima are taken; a third of a small L2 cache."""

_LARGEST_TABLE = 1 << 22


@dataclass(frozen=True)
class _Metric:
    """Squared steps along x, y, z in units of the squared least spacing."""

    least: float
    weights: tuple[float, float, float]

    @staticmethod
    def of(grid: Grid) -> _Metric:
        least = min(grid.spacing)
        x, y, z = (_square(step / least) for step in (*grid.spacing, least)[:3])
        return _Metric(least, (x, y, z))

    @property
    def is_whole(self) -> bool:
        return all(weight == int(weight) for weight in self.weights)

    def distances(self, squares: Array) -> npt.NDArray[np.float32]:
        """Return distances in mm for sums of squared steps."""
        roots = np.sqrt(squares.astype(np.float64))
        roots *= self.least
        return roots.astype(np.float32)

    def distance(self, square: float) -> np.float32:
        """Return the distance in mm for one sum of squared steps."""
        found: np.float32 = self.distances(np.array([square]))[0]
        return found

    def greatest_square(self, shape: tuple[int, ...]) -> float:
        """Return the sum of squared steps from corner to corner."""
        total = 0.0
        # Not sum(): newer Pythons round it in another way.
        for weight, length in zip(self.weights, shape[::-1], strict=True):
            total += weight * _square(length - 1)
        return total


def _square(number: float) -> float:
    # Not ** 2: that is libm's pow, whose last bit is not the same everywhere.
    return number * number


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
    boundary = inside & ~eroded(inside)
    if not boundary.any():
        return np.full(inside.shape, -FAR if inside.any() else FAR)
    # Outside, the nearest voxel of the region lies on its boundary: a step towards
    # the outside would otherwise be nearer.  So one map serves both sides.
    metric = _Metric.of(grid)
    distances = _distances(context, boundary, metric)
    np.negative(distances, out=distances, where=inside & ~boundary)
    return distances


def _distances(
    context: Context, sources: Region, metric: _Metric
) -> npt.NDArray[np.float32]:
    greatest = metric.greatest_square(sources.shape)
    squares = None
    if metric.is_whole and greatest > _limit_of(np.uint16):
        # Most regions leave no voxel so far away that 16 bits are too short.
        short = _limit_of(np.uint16)
        squares = _squares(context, sources, metric, short)
        if squares.max() > short:
            squares = None
    if squares is None:
        squares = _squares(context, sources, metric, greatest)
    if squares.dtype.kind == "f" or greatest > _LARGEST_TABLE:
        return metric.distances(squares)
    table = metric.distances(np.arange(int(squares.max()) + 1))
    return np.take(table, squares)


def _at_most(context: Context, limit: np.float32, inside: Region, grid: Grid) -> Region:
    """Return where the distance outside, 0 inside, is at most ``limit``."""
    if not limit >= 0:
        return np.zeros(inside.shape, np.bool_)
    found = _bounding_box(inside)
    if found is None:
        return np.full(inside.shape, limit >= FAR)
    metric = _Metric.of(grid)
    greatest = metric.greatest_square(inside.shape)
    square = _greatest_square_within(limit, metric, greatest)
    box = _grown(found, metric, square, inside.shape)
    squares = _squares(context, inside[box], metric, square)
    result = np.zeros(inside.shape, np.bool_)
    if squares.dtype.kind == "f":
        result[box] = metric.distances(squares) <= limit
    else:
        result[box] = squares <= square
    return result


def _greatest_square_within(
    limit: np.float32, metric: _Metric, greatest: float
) -> float:
    """Return the greatest sum of squared steps whose distance is at most ``limit``.

    For weights that are no whole numbers, a number a little greater.
    """
    if metric.distance(greatest) <= limit:
        return greatest
    square = min(_square(float(limit) / metric.least) * (1 + 1e-6), greatest)
    if not metric.is_whole:
        return square
    whole = math.floor(square)
    while metric.distance(whole) > limit:
        whole -= 1
    return whole


Box = tuple[slice, ...]


def _bounding_box(region: Region) -> Box | None:
    """Return the smallest box that holds the region, None if it is empty."""
    lines = np.logical_or.reduce(region, axis=2)
    if not lines.any():
        return None
    columns = np.logical_or.reduce(region, axis=0)
    sides = (
        np.logical_or.reduce(lines, axis=1),
        np.logical_or.reduce(lines, axis=0),
        np.logical_or.reduce(columns, axis=0),
    )
    ends = [np.flatnonzero(side)[[0, -1]] for side in sides]
    return tuple(slice(int(first), int(last) + 1) for first, last in ends)


def _grown(box: Box, metric: _Metric, square: float, shape: tuple[int, ...]) -> Box:
    grown = []
    for side, weight, length in zip(box, metric.weights[::-1], shape, strict=True):
        margin = math.isqrt(int(square / weight)) + 1
        grown.append(
            slice(max(0, side.start - margin), min(length, side.stop + margin))
        )
    return tuple(grown)


def _limit_of(dtype: type[np.unsignedinteger[Any]]) -> int:
    """Greatest sum such that it and one more square together do not overflow."""
    return (int(np.iinfo(dtype).max) - 1) // 2


def _square_type(metric: _Metric, limit: float) -> type[Any]:
    if metric.is_whole:
        for dtype in (np.uint8, np.uint16, np.uint32):
            if limit <= _limit_of(dtype):
                return dtype
    return np.float64


def _squares(context: Context, sources: Region, metric: _Metric, limit: float) -> Array:
    """Return sums of squared steps to the nearest source.

    Sums above ``limit`` may be any number above it.
    """
    dtype = _square_type(metric, limit)
    nothing = np.inf if dtype is np.float64 else int(limit) + 1
    weight_x, weight_y, weight_z = metric.weights
    depth, height, width = sources.shape
    squares = np.empty(sources.shape, dtype)
    along = np.square(np.arange(width + 1, dtype=np.float64))
    steps = np.minimum(weight_x * along, nothing)
    steps[width] = nothing
    table = steps.astype(dtype)

    def planes(z: int) -> None:
        along_x = np.take(table, _steps_to_nearest(sources[z], limit / weight_x))
        for part in _parts(height, width, dtype):
            squares[z, :, part] = _nearest(
                np.ascontiguousarray(along_x[:, part]), weight_y, limit, nothing
            )

    def columns(y: int) -> None:
        for part in _parts(depth, width, dtype):
            lines = np.ascontiguousarray(squares[:, y, part])
            squares[:, y, part] = _nearest(lines, weight_z, limit, nothing)

    for z in range(depth):
        context.check()
        planes(z)
    for y in range(height if depth > 1 else 0):
        context.check()
        columns(y)
    return squares


def _parts(length: int, width: int, dtype: type[Any]) -> list[slice]:
    """Cut ``width`` so that ``length`` lines of a part fit into a block."""
    step = max(64, BLOCK_BYTES // (length * np.dtype(dtype).itemsize))
    return [slice(start, start + step) for start in range(0, width, step)]


def _steps_to_nearest(lines: Region, greatest_square: float) -> Array:
    """Return the number of steps along the last axis to the nearest true voxel.

    Where there is none, or it is far beyond the root of ``greatest_square``, the
    length of the axis.
    """
    width = lines.shape[-1]
    dtype = next(
        dtype for dtype in (np.uint8, np.uint16, np.uint32) if 2 * width <= _top(dtype)
    )
    steps = np.where(lines, dtype(0), dtype(width))
    shift = 1
    # Shifts by 1, 2, 4, … reach every distance in a logarithm of the length.
    while shift < width and _square(shift - 1) <= greatest_square:
        moved = steps + dtype(shift)
        np.minimum(steps[:, shift:], moved[:, :-shift], out=steps[:, shift:])
        np.minimum(steps[:, :-shift], moved[:, shift:], out=steps[:, :-shift])
        shift *= 2
    return steps


def _top(dtype: type[np.unsignedinteger[Any]]) -> int:
    return int(np.iinfo(dtype).max)


def _nearest(sums: Array, weight: float, limit: float, nothing: float) -> Array:
    """Return the minimum over lines ``j`` of ``sums[j] + weight * (i - j)²``.

    Args:
        sums: C-contiguous, shape (lines, voxels).
        weight: square of one step from line to line.
        limit: results above it do not matter.
        nothing: the value of lines without a source.
    """
    held = np.flatnonzero(sums.min(axis=1) < nothing)
    if held.size == 0:
        return sums
    first, last = int(held[0]), int(held[-1]) + 1
    result = sums.copy()
    moved = np.empty_like(sums)
    greatest = limit
    for step in range(1, len(sums)):
        square = weight * step * step
        if square > greatest:
            break
        np.add(sums[first:last], sums.dtype.type(square), out=moved[first:last])
        low, high = max(first - step, 0), last - step
        if high > low:
            np.minimum(result[low:high], moved[low + step : last], out=result[low:high])
        low, high = first + step, min(last + step, len(sums))
        if high > low:
            np.minimum(
                result[low:high], moved[first : high - step], out=result[low:high]
            )
        if step % 4 == 0:
            # Farther lines cannot come below what every voxel already has.
            greatest = min(limit, float(result.max()))
    return result
