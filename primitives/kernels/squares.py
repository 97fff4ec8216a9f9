"""Sums of squared steps to the nearest of some voxels.

The squared distance of a voxel from the nearest source is the minimum, over all
sources, of the sum of the squared steps along the axes.  Such a minimum can be taken
one axis at a time: along x over the voxels of a line, then along y over the lines,
then along z over the planes (Saito and Toriwaki, "New algorithms for Euclidean distance
transformation of an n-dimensional digitized picture", 1994).  Here each of these is a
sequence of shifted minima over blocks of lines.

No rounding depends on the way: squared steps are measured in units of the least
spacing, ``(spacing / least)²``, and summed in float64 in the order x, y, z.  When the
units are whole numbers, as on isotropic grids, the sums are the same whole numbers in a
shorter type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from primitives.context import Context
from primitives.values import Grid

from .operands import Array, Region

ROWS_AT_ONCE = 512
"""Rows along x whose minima are taken at once; with a copy they stay in an L2 cache."""

BLOCK_BYTES = 3 << 19
"""Size of the blocks in which minima along y and z are taken.

More than an L2 cache: of a block, only the lines that still change are touched, and in
smaller ones the calls cost more than the minima.
"""

STEPS_UNCHECKED = 8
"""After how many steps the lines that still change are looked for; costs two steps."""

LINES_WORTH_A_RANGE = 16
"""Lines without a change that are touched rather than making two ranges of one."""

Range = tuple[int, int]
"""First line, and the line after the last."""


@dataclass(frozen=True)
class Metric:
    """Squared steps along x, y, z in units of the squared least spacing."""

    least: float
    weights: tuple[float, float, float]

    @staticmethod
    def of(grid: Grid) -> Metric:
        least = min(grid.spacing)
        x, y, z = (square(step / least) for step in (*grid.spacing, least)[:3])
        return Metric(least, (x, y, z))

    @property
    def is_whole(self) -> bool:
        return all(weight == int(weight) for weight in self.weights)

    def distances(self, squares: Array) -> npt.NDArray[np.float32]:
        """Return distances in mm for sums of squared steps."""
        roots = np.sqrt(squares.astype(np.float64))
        with np.errstate(over="ignore"):
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
            total += weight * square(length - 1)
        return total


def square(number: float) -> float:
    """Return the square of a number, rounded once."""
    # Not ** 2: that is libm's pow, whose last bit is not the same everywhere.
    return number * number


def limit_of(dtype: type[np.unsignedinteger[Any]]) -> int:
    """Greatest sum such that it and one more square together do not overflow."""
    return (int(np.iinfo(dtype).max) - 1) // 2


def _square_type(metric: Metric, limit: float) -> type[Any]:
    if metric.is_whole:
        for dtype in (np.uint8, np.uint16, np.uint32):
            if limit <= limit_of(dtype):
                return dtype
    return np.float64


def squares_to_nearest(
    context: Context, sources: Region, metric: Metric, limit: float
) -> Array:
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

    step = max(1, BLOCK_BYTES // squares[0].nbytes)
    for z in range(0, depth, step):
        context.check()
        slab = squares[z : z + step]
        rows = sources[z : z + step].reshape(-1, width)
        _squares_along_rows(rows, table, limit / weight_x, slab.reshape(rows.shape))
        slab[...] = _nearest(slab, weight_y, limit, nothing)
    step = max(1, BLOCK_BYTES // squares[:, 0].nbytes)
    for y in range(0, height if depth > 1 else 0, step):
        context.check()
        slab = squares[:, y : y + step]
        lines = np.ascontiguousarray(slab).reshape(1, depth, -1)
        slab[...] = _nearest(lines, weight_z, limit, nothing).reshape(slab.shape)
    return squares


def _squares_along_rows(rows: Region, table: Array, limit: float, out: Array) -> None:
    """Write the entries of ``table`` for the steps along a row to a true voxel.

    Args:
        rows: shape (rows, voxels).
        table: by number of steps; the last is for rows without a true voxel.
        limit: greatest square of a number of steps that matters.
        out: shape and type of the result.
    """
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        np.take(table, _steps_to_nearest(rows[part], limit), out=out[part], mode="clip")


def _steps_to_nearest(rows: Region, limit: float) -> Array:
    """Return the number of steps along a row to its nearest true voxel.

    Where there is none, or it is far beyond the root of ``limit``, the length of the
    row.
    """
    width = rows.shape[1]
    dtype = next(
        dtype for dtype in (np.uint8, np.uint16, np.uint32) if 2 * width <= _top(dtype)
    )
    steps = np.where(rows, dtype(0), dtype(width))
    shift = 1
    # Shifts by 1, 2, 4, … reach every distance in a logarithm of the length.
    while shift < width and square(shift - 1) <= limit:
        moved = steps + dtype(shift)
        np.minimum(steps[:, shift:], moved[:, :-shift], out=steps[:, shift:])
        np.minimum(steps[:, :-shift], moved[:, shift:], out=steps[:, :-shift])
        shift *= 2
    return steps


def _top(dtype: type[np.unsignedinteger[Any]]) -> int:
    return int(np.iinfo(dtype).max)


def _nearest(sums: Array, weight: float, limit: float, nothing: float) -> Array:
    """Return the minimum over lines ``j`` of ``sums[:, j] + weight * (i - j)²``.

    Args:
        sums: C-contiguous, shape (planes, lines, voxels).
        weight: square of one step from line to line.
        limit: results above it do not matter.
        nothing: the value of lines without a source.
    """
    held = np.flatnonzero(sums.min(axis=(0, 2)) < nothing)
    if held.size == 0:
        return sums
    first, last = int(held[0]), int(held[-1]) + 1
    if sums.dtype.kind == "f":
        return _nearest_by_squares(sums, weight, limit, (first, last))
    result = sums.copy()
    _step_by_step(result, int(weight), limit, [(first, last)])
    return result


def _nearest_by_squares(sums: Array, weight: float, limit: float, held: Range) -> Array:
    """Return the minimum for sums that are to be rounded once a step."""
    first, last = held
    result = sums.copy()
    moved = np.empty_like(sums)
    count = sums.shape[1]
    greatest = limit
    for step in range(1, count):
        square = weight * step * step
        if square > greatest:
            break
        np.add(sums[:, first:last], sums.dtype.type(square), out=moved[:, first:last])
        low, high = max(first - step, 0), last - step
        if high > low:
            part = result[:, low:high]
            np.minimum(part, moved[:, low + step : last], out=part)
        low, high = first + step, min(last + step, count)
        if high > low:
            part = result[:, low:high]
            np.minimum(part, moved[:, first : high - step], out=part)
        if step % 4 == 0:
            # Farther lines cannot come below what every voxel already has.
            greatest = min(limit, float(result.max()))
    return result


def _step_by_step(sums: Array, weight: int, limit: float, changed: list[Range]) -> None:
    """Take the minimum in place, one step to the next line at a time.

    A square is a sum of odd numbers.  So after steps that cost 1, 3, 5, … times the
    weight, each line holds the minimum over all lines that are no farther than that
    many steps (Huang and Mitchell, "A Euclidean distance transform using grayscale
    morphology decomposition", 1994).  A line that a step did not change has nothing to
    offer to the next one, which costs more: what follows touches only the neighbours
    of lines that changed.

    Args:
        changed: ranges of the lines that hold sources, ascending.
    """
    count = sums.shape[1]
    moved = np.empty_like(sums)
    for step in range(1, count):
        if not changed or weight * step * step > limit:
            return
        cost = sums.dtype.type(weight * (2 * step - 1))
        for first, last in changed:
            np.add(sums[:, first:last], cost, out=moved[:, first:last])
        targets = _widened(changed, count)
        is_checked = step % STEPS_UNCHECKED == 0
        before = [sums[:, low:high].copy() for low, high in targets if is_checked]
        for first, last in changed:
            start, stop = max(first, 1), min(last, count - 1)
            upper, lower = sums[:, start - 1 : last - 1], sums[:, first + 1 : stop + 1]
            np.minimum(upper, moved[:, start:last], out=upper)
            np.minimum(lower, moved[:, first:stop], out=lower)
        changed = _differing(sums, before, targets) if is_checked else targets


def _widened(ranges: list[Range], count: int) -> list[Range]:
    """Return the ranges with their neighbours, united where they meet."""
    found: list[Range] = []
    for first, last in ranges:
        low, high = max(0, first - 1), min(count, last + 1)
        if found and low <= found[-1][1]:
            low = found.pop()[0]
        found.append((low, high))
    return found


def _differing(sums: Array, before: list[Array], ranges: list[Range]) -> list[Range]:
    """Return ranges with all lines that differ from what they were."""
    found: list[Range] = []
    for (low, _), old in zip(ranges, before, strict=True):
        differs = sums[:, low : low + old.shape[1]] != old
        lines = np.flatnonzero(differs.any(axis=2).any(axis=0)) + low
        if lines.size == 0:
            continue
        gaps = np.flatnonzero(np.diff(lines) > LINES_WORTH_A_RANGE)
        starts = lines[np.append(0, gaps + 1)]
        stops = lines[np.append(gaps, -1)] + 1
        found += zip(starts.tolist(), stops.tolist(), strict=True)
    return found
