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
    if math.isnan(value):
        return Mask(np.zeros(array.shape, np.bool_), image.grid)
    return Mask(~_up_to(array, value), image.grid)


def below(context: Context, value: float, image: Image | Mask) -> Mask:
    """Return where the image is less than the number."""
    array = scalar_array(image)
    if array.dtype.kind == "f":
        return Mask(array < _rounded(value, array), image.grid)
    if math.isnan(value):
        return Mask(np.zeros(array.shape, np.bool_), image.grid)
    return Mask(~_from(array, value), image.grid)


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
