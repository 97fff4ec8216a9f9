"""Pointwise operations on the voxels of one image."""

from __future__ import annotations

import numpy as np

from primitives.context import Context
from primitives.errors import KernelError
from primitives.values import Image, Mask, Value, require_same_grid

from . import thresholds
from .operands import float_array, number_array, region_array
from .operators import binary


def between(context: Context, low: float, high: float, image: Image | Mask) -> Value:
    """Return where the image lies between two numbers, both included.

    Raises:
        KernelError: ``low`` is greater than ``high``.
    """
    if low > high:
        raise KernelError(
            f"the lower bound {low} is greater than the upper bound {high}; "
            "between takes the lower one first"
        )
    return thresholds.between(context, low, high, image)


def times_reciprocal(context: Context, image: Image | Mask, value: float) -> Value:
    """Return image * (1 / number).

    Raises:
        KernelError: the number is 0.
    """
    if value == 0:
        raise KernelError("division by zero")
    return binary(context, "multiplication", image, 1.0 / value)


def magnitude(context: Context, image: Image | Mask) -> Image:
    """Return the absolute value of the image."""
    array = float_array(image)
    if isinstance(image, Image) and image.pixel_type.kind != "u":
        array = np.abs(array)
    return Image.of_array(array, image.grid, image.components)


def restricted(
    context: Context, image: Image | Mask, region: Image | Mask
) -> Image | Mask:
    """Return the image inside a region and zero outside, in the image's type."""
    inside = region_array(region)
    array = number_array(image)
    require_same_grid(image, region)
    if isinstance(image, Mask):
        return Mask(array.view(np.bool_) & inside, image.grid)
    if image.components > 1:
        inside = inside[..., np.newaxis]
    result = np.where(inside, array, array.dtype.type(0))
    return Image.of_array(result, image.grid, image.components)
