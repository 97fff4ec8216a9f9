"""Logic on masks, voxel by voxel, with masks and truth values."""

from __future__ import annotations

import numpy as np

from primitives.context import Context
from primitives.values import Image, Mask, Value, require_same_grid

from .operands import region_array
from .operators import truth

_UFUNCS: dict[str, np.ufunc] = {
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
}


def binary(_context: Context, name: str, left: Value, right: Value) -> Mask:
    """Return two masks, or a mask and a truth value, combined voxel by voxel.

    Raises:
        GridMismatchError: the masks do not lie on the same grid.
        KernelTypeError: a side is neither a mask, a bool nor a number.
    """
    if isinstance(left, Image | Mask) and isinstance(right, Image | Mask):
        require_same_grid(left, right)
    grid = left.grid if isinstance(left, Image | Mask) else right.grid
    one, other = _truths(left), _truths(right)
    return Mask(_UFUNCS[name](one, other), grid)


def complement(value: Image | Mask) -> Mask:
    """Return where the mask is false, or the image zero."""
    return Mask(np.logical_not(region_array(value)), value.grid)


def _truths(value: Value) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    if isinstance(value, Image | Mask):
        return region_array(value)
    return np.asarray(truth(value, "a side of && and ||"))
