"""Derivatives of images."""

from __future__ import annotations

import numpy as np

from primitives.context import Context
from primitives.values import Image, Mask

from .operands import Array, as_volume, scalar_array


def gradient_magnitude(context: Context, image: Image | Mask) -> Image:
    """Return the length of the gradient per mm, as float32.

    Central differences over two spacings, computed in float64; the image goes on
    beyond its edge with the value at the edge.
    """
    volume = as_volume(scalar_array(image))
    steps = (*image.grid.spacing, 1.0)[:3]
    result = np.empty(volume.shape, np.float32)
    last = len(volume) - 1
    with np.errstate(all="ignore"):
        for z, plane in enumerate(volume):
            context.check()
            middle = plane.astype(np.float64)
            above = volume[min(z + 1, last)].astype(np.float64)
            below = volume[max(z - 1, 0)].astype(np.float64)
            squares = np.square(_slope(middle, 1, steps[0]))
            squares += np.square(_slope(middle, 0, steps[1]))
            squares += np.square((above - below) / (2.0 * steps[2]))
            result[z] = np.sqrt(squares)
    # Processors disagree on the sign of the NaN of infinity minus infinity.
    result[np.isnan(result)] = np.nan
    return Image.of_array(result.reshape(image.grid.shape), image.grid)


def _slope(plane: Array, axis: int, spacing: float) -> Array:
    lines = np.moveaxis(plane, axis, 0)
    padded = np.concatenate([lines[:1], lines, lines[-1:]])
    slope = (padded[2:] - padded[:-2]) / (2.0 * spacing)
    return np.moveaxis(slope, 0, axis)
