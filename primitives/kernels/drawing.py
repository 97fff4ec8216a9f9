"""Drawing on 2-D images: canvases, discs, regular polygons."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from primitives.context import Context
from primitives.errors import KernelError, KernelTypeError
from primitives.values import Grid, Image, Mask

from .operands import Array, number_array, whole_number

MAX_PIXELS = 2**31
"""Most pixels of a canvas."""

MAX_SIDES = 1000
"""Most sides of a polygon; one of more is a disc."""

TOLERANCE = 1e-9
"""How far outside of a side, in radii, a pixel still lies on it.

Sides pass exactly through pixels, and the sines of their directions are rounded.
"""


def blank(context: Context, height: float, width: float, value: float = 0.0) -> Image:
    """Return a canvas of one number as Float32, with spacing 1 and origin 0.

    Raises:
        KernelError: a length is no whole number from 1, or there are too many pixels.
    """
    rows = whole_number(height, "height", 1)
    columns = whole_number(width, "width", 1)
    if rows * columns > MAX_PIXELS:
        raise KernelError(
            f"a canvas of {rows} x {columns} pixels is too large; it may have "
            f"{MAX_PIXELS}"
        )
    grid = Grid((columns, rows), (1.0, 1.0), (0.0, 0.0), (1.0, 0.0, 0.0, 1.0))
    number = _pixel_value(value, np.dtype(np.float32))
    return Image.of_array(np.full(grid.shape, number, np.float32), grid)


def circle(
    context: Context,
    image: Image | Mask,
    cx: float,
    cy: float,
    radius: float,
    value: float,
) -> Image:
    """Return the image with the disc (x - cx)² + (y - cy)² ≤ radius² set to a value.

    Args:
        context: of the run.
        image: 2-D, one component; its pixel type is kept, a mask gives UInt8.
        cx: centre's column, counted from 0; it may lie outside.
        cy: centre's row.
        radius: in pixels, above 0.
        value: of the pixels inside.

    Raises:
        KernelTypeError: the image is not 2-D or has several components.
        KernelError: the radius is not above 0, or the value does not suit the image.
    """
    source = _canvas(image)
    dx, dy, box = _around(source, cx, cy, radius)
    inside = dx * dx + dy * dy <= np.float64(radius) * radius
    return _painted(source, image.grid, box, inside, value)


def regular_polygon(
    context: Context,
    image: Image | Mask,
    cx: float,
    cy: float,
    radius: float,
    sides: float,
    value: float,
) -> Image:
    """Return the image with a filled regular polygon set to a value.

    One corner points to the left of the centre; corners and sides belong to the
    polygon.

    Args:
        context: of the run.
        image: 2-D, one component; its pixel type is kept, a mask gives UInt8.
        cx: centre's column, counted from 0; it may lie outside.
        cy: centre's row.
        radius: distance of the corners from the centre in pixels, above 0.
        sides: number of sides, from 3.
        value: of the pixels inside.

    Raises:
        KernelTypeError: the image is not 2-D or has several components.
        KernelError: the radius is not above 0, there are fewer than 3 or too many
            sides, or the value does not suit the image.
    """
    source = _canvas(image)
    count = whole_number(sides, "sides", 3)
    if count > MAX_SIDES:
        raise KernelError(f"sides must be at most {MAX_SIDES}; draw a circle instead")
    dx, dy, box = _around(source, cx, cy, radius)
    # The polygon is where all half-planes meet that its sides bound; a side's normal
    # lies half a sector beyond a corner.
    limit = radius * (_cosine(math.pi / count) + TOLERANCE)
    inside = np.ones(np.broadcast_shapes(dx.shape, dy.shape), np.bool_)
    for side in range(count):
        context.check()
        angle = math.pi * (2 * side + 1 - count) / count
        inside &= dx * _cosine(angle) + dy * _sine(angle) <= limit
    return _painted(source, image.grid, box, inside, value)


Box = tuple[slice, slice]
"""Rows and columns."""


def _canvas(image: Image | Mask) -> Array:
    if image.grid.dimension != 2:
        raise KernelTypeError(
            f"drawing needs a 2-D image, this one is {image.grid.dimension}-D; "
            "take a slice of it first (simpleitk.Extract)"
        )
    if isinstance(image, Image):
        image.scalar()
    return number_array(image)


def _around(
    source: Array, cx: float, cy: float, radius: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], Box]:
    """Return the offsets of columns and rows near a point from it, and which."""
    if not all(map(math.isfinite, (cx, cy, radius))):
        raise KernelError("centre and radius must be finite numbers")
    if radius <= 0:
        raise KernelError(f"radius must be above 0, not {radius:g}")
    rows = _reached(cy, radius, source.shape[0])
    columns = _reached(cx, radius, source.shape[1])
    dx = np.arange(columns.start, columns.stop, dtype=np.float64) - cx
    dy = np.arange(rows.start, rows.stop, dtype=np.float64) - cy
    return dx[np.newaxis], dy[:, np.newaxis], (rows, columns)


def _reached(centre: float, radius: float, length: int) -> slice:
    low = min(max(math.floor(centre - radius), 0), length)
    high = min(max(math.ceil(centre + radius) + 1, low), length)
    return slice(low, high)


def _painted(
    source: Array, grid: Grid, box: Box, inside: npt.NDArray[np.bool_], value: float
) -> Image:
    number = _pixel_value(value, source.dtype)
    drawn = source.copy()
    drawn[box][inside] = number
    return Image.of_array(drawn, grid)


def _pixel_value(value: float, pixel_type: np.dtype[np.generic]) -> np.generic:
    """Return a number as the pixel type holds it; integer types hold whole ones."""
    if pixel_type.kind not in "iu":
        with np.errstate(over="ignore"):
            return pixel_type.type(value)
    limits = np.iinfo(pixel_type.name)
    if not (limits.min <= value <= limits.max and value == int(value)):
        raise KernelError(
            f"value must be a whole number from {limits.min} to {limits.max} in an "
            f"image of {pixel_type.name}, not {value:g}"
        )
    return pixel_type.type(int(value))


def _cosine(angle: float) -> float:
    """Return the cosine of an angle in [-π, π], the same bits on every machine."""
    return _series(angle, 1.0, 1)


def _sine(angle: float) -> float:
    """Return the sine of an angle in [-π, π], the same bits on every machine."""
    return _series(angle, angle, 2)


def _series(angle: float, term: float, index: int) -> float:
    total = 0.0
    for step in range(index, index + 40, 2):
        total += term
        term *= -angle * angle / (step * (step + 1))
    return total
