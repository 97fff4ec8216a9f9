"""Derivatives of images."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from primitives.context import Context
from primitives.values import Image, Mask

from .operands import Array, as_volume, scalar_array

Plane = npt.NDArray[np.float64]


def gradient_magnitude(context: Context, image: Image | Mask) -> Image:
    """Return the length of the gradient per mm, as float32.

    Central differences over two spacings, computed in float64; the image goes on
    beyond its edge with the value at the edge.
    """
    volume = as_volume(scalar_array(image))
    x, y, z = (2.0 * step for step in (*image.grid.spacing, 1.0)[:3])
    result = np.empty(volume.shape, np.float32)
    squares, square = np.empty(volume.shape[1:]), np.empty(volume.shape[1:])
    middle = below = _plane(volume, 0)
    with np.errstate(all="ignore"):
        for index in range(len(volume)):
            context.check()
            above = _plane(volume, index + 1) if index + 1 < len(volume) else middle
            _differences(middle.T, squares.T)
            _square_slopes(squares, x)
            _differences(middle, square)
            _square_slopes(square, y)
            squares += square
            np.subtract(above, below, out=square)
            _square_slopes(square, z)
            squares += square
            np.sqrt(squares, out=squares)
            result[index] = squares
            below, middle = middle, above
    # Processors disagree on the sign of the NaN of infinity minus infinity.
    result[np.isnan(result)] = np.nan
    return Image.of_array(result.reshape(image.grid.shape), image.grid)


def _plane(volume: Array, index: int) -> Plane:
    found: Plane = volume[index].astype(np.float64)
    return found


def _differences(lines: Plane, out: Plane) -> None:
    """Write the line after minus the line before, at the ends the line itself."""
    last = len(lines) - 1
    np.subtract(lines[2:], lines[:-2], out=out[1:-1])
    np.subtract(lines[min(1, last)], lines[0], out=out[0])
    np.subtract(lines[last], lines[max(last - 1, 0)], out=out[last])


def _square_slopes(differences: Plane, distance: float) -> None:
    """Divide by a distance and square, in place."""
    mantissa, _ = math.frexp(distance)
    if mantissa == 0.5 and math.isfinite(1.0 / distance):
        # The reciprocal of a power of two is exact, and a product takes less time.
        differences *= 1.0 / distance
    else:
        differences /= distance
    np.square(differences, out=differences)
