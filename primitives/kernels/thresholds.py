"""Comparing the voxels of an image with a number.

A number is rounded to the type of a floating-point image; with integers it is compared
exactly, also when it has a fraction or lies beyond their range.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from primitives.context import Context
from primitives.values import Image, Mask

from .operands import Array, Region, scalar_array

BEYOND = 2.0**65
"""Greater than every number of an integer type."""

BLOCK = 1 << 16
"""Voxels that are compared at once."""


def equal(context: Context, value: float, image: Image | Mask) -> Mask:
    """Return where the image equals the number."""
    array = scalar_array(image)
    if array.dtype.kind == "f":
        return Mask(array == _rounded(value, array), image.grid)
    if not math.isfinite(value) or value != math.floor(value):
        return Mask(np.zeros(array.shape, np.bool_), image.grid)
    return Mask(array == math.floor(value), image.grid)


def at_least(context: Context, value: float, image: Image | Mask) -> Mask:
    """Return where the image is greater than or equal to the number."""
    array = scalar_array(image)
    if array.dtype.kind == "f":
        return Mask(array >= _rounded(value, array), image.grid)
    return Mask(_from(array, value), image.grid)


def at_most(context: Context, value: float, image: Image | Mask) -> Mask:
    """Return where the image is less than or equal to the number."""
    array = scalar_array(image)
    if array.dtype.kind == "f":
        return Mask(array <= _rounded(value, array), image.grid)
    return Mask(_up_to(array, value), image.grid)


def above(context: Context, value: float, image: Image | Mask) -> Mask:
    """Return where the image is greater than the number."""
    array = scalar_array(image)
    if array.dtype.kind == "f":
        return Mask(array > _rounded(value, array), image.grid)
    if math.isfinite(value):
        return Mask(array > math.floor(value), image.grid)
    return Mask(np.full(array.shape, value < 0), image.grid)


def below(context: Context, value: float, image: Image | Mask) -> Mask:
    """Return where the image is less than the number."""
    array = scalar_array(image)
    if array.dtype.kind == "f":
        return Mask(array < _rounded(value, array), image.grid)
    if math.isfinite(value):
        return Mask(array < math.ceil(value), image.grid)
    return Mask(np.full(array.shape, value > 0), image.grid)


def between(context: Context, low: float, high: float, image: Image | Mask) -> Mask:
    """Return where the image lies between two numbers, both included."""
    array = scalar_array(image)
    found = np.zeros(array.shape, np.bool_)
    if not (math.isnan(low) or math.isnan(high)):
        least, greatest = _bounds(low, high, array)
        values, inside = array.reshape(-1), found.reshape(-1)
        # In parts that stay in the CPU's cache between the two comparisons.
        for start in range(0, values.size, BLOCK):
            part = slice(start, start + BLOCK)
            np.greater_equal(values[part], least, out=inside[part])
            inside[part] &= values[part] <= greatest
    return Mask(found, image.grid)


def _bounds(low: float, high: float, array: Array) -> tuple[Any, Any]:
    """Return two numbers as the voxels are compared with them."""
    if array.dtype.kind == "f":
        return _rounded(low, array), _rounded(high, array)
    return math.ceil(_clamped(low)), math.floor(_clamped(high))


def _clamped(value: float) -> float:
    """Return a finite number in place of one that is beyond all integer types."""
    return min(max(value, -BEYOND), BEYOND)


def _from(array: Array, value: float) -> Region:
    """Return where integers are at least ``value``."""
    if not math.isfinite(value):
        return np.full(array.shape, value < 0)
    found: Region = array >= math.ceil(value)
    return found


def _up_to(array: Array, value: float) -> Region:
    """Return where integers are at most ``value``."""
    if not math.isfinite(value):
        return np.full(array.shape, value > 0)
    found: Region = array <= math.floor(value)
    return found


def _rounded(value: float, array: Array) -> Any:
    with np.errstate(over="ignore"):
        return array.dtype.type(value)
