"""Comparisons of images, voxel by voxel, with images and numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from primitives.context import Context
from primitives.errors import KernelTypeError
from primitives.values import Image, Mask, Value, require_same_grid

from . import thresholds
from .logic import complement
from .operands import Array, scalar_array
from .operators import a_kind

_WITH_NUMBER: dict[str, Callable[[Context, float, Image | Mask], Mask]] = {
    "num_eq": thresholds.equal,
    "num_lt": thresholds.below,
    "num_leq": thresholds.at_most,
    "num_gt": thresholds.above,
    "num_geq": thresholds.at_least,
}
_MIRRORED = {
    "num_lt": "num_gt",
    "num_leq": "num_geq",
    "num_gt": "num_lt",
    "num_geq": "num_leq",
}
_UFUNCS: dict[str, np.ufunc] = {
    "num_eq": np.equal,
    "num_neq": np.not_equal,
    "num_lt": np.less,
    "num_leq": np.less_equal,
    "num_gt": np.greater,
    "num_geq": np.greater_equal,
}


def binary(context: Context, name: str, left: Value, right: Value) -> Mask:
    """Return where the comparison holds; at least one side is an image or mask.

    Raises:
        GridMismatchError: two images do not lie on the same grid.
        KernelTypeError: a side is neither image nor number, or has several
            components per voxel.
    """
    if isinstance(left, Image | Mask) and isinstance(right, Image | Mask):
        require_same_grid(left, right)
        one, other = _comparable(scalar_array(left), scalar_array(right))
        return Mask(_UFUNCS[name](one, other), left.grid)
    if isinstance(left, Image | Mask):
        return _with_number(context, name, left, right)
    return _with_number(context, _MIRRORED.get(name, name), right, left)


def _with_number(
    context: Context, name: str, image: Image | Mask, number: Value
) -> Mask:
    if not isinstance(number, int | float):
        raise KernelTypeError(
            f"an image is compared with an image or a number, not {a_kind(number)}"
        )
    if name == "num_neq":
        return complement(thresholds.equal(context, number, image))
    return _WITH_NUMBER[name](context, number, image)


def _comparable(one: Array, other: Array) -> tuple[Array, Array]:
    """Return both in a type that holds every value of each, as far as there is one."""
    if one.dtype.kind == "f" or other.dtype.kind == "f":
        common = np.result_type(one.dtype, other.dtype)
        return one.astype(common, copy=False), other.astype(common, copy=False)
    return one, other
