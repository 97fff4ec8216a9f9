"""Logic on masks, voxel by voxel, with masks and truth values.

It works on packed voxels, 8 to the byte: a mask of a whole brain then fits into the
CPU's cache, and a chain of operations goes through memory once at most, to pack what
it begins with.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from primitives.context import Context
from primitives.values import Grid, Image, Mask, Value, require_same_grid

from .operands import region_array
from .operators import truth

Bits = npt.NDArray[np.uint8]

_UFUNCS: dict[str, np.ufunc] = {
    "logical_and": np.bitwise_and,
    "logical_or": np.bitwise_or,
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
    one, other = _bits(left, grid), _bits(right, grid)
    return Mask.of_bits(_UFUNCS[name](one, other), grid)


def complement(value: Image | Mask) -> Mask:
    """Return where the mask is false, or the image zero."""
    bits = np.bitwise_not(_bits(value, value.grid))
    bits[-1:] &= _last_byte(value.grid)
    return Mask.of_bits(bits, value.grid)


def _bits(value: Value, grid: Grid) -> Bits:
    if isinstance(value, Mask):
        return value.bits
    if isinstance(value, Image):
        return np.packbits(region_array(value), axis=None, bitorder="little")
    is_true = truth(value, "a side of && and ||")
    bits = np.full(-(-grid.voxel_count // 8), 255 if is_true else 0, np.uint8)
    bits[-1:] &= _last_byte(grid)
    return bits


def _last_byte(grid: Grid) -> np.uint8:
    """Return ones where the last byte of packed voxels has any."""
    return np.uint8(255 >> (-grid.voxel_count % 8))
