"""Arithmetic on images, voxel by voxel, in floating point.

Masks and 8- and 16-bit integers count as Float32, other integers as Float64, so
nothing is truncated.  Every operation is one correctly rounded IEEE operation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from primitives.context import Context
from primitives.errors import KernelTypeError
from primitives.values import Image, Mask, Value, require_same_grid

from .operands import number_array
from .operators import a_kind

Array = npt.NDArray[Any]

_SYMBOLS = {
    "addition": "+",
    "subtraction": "-",
    "multiplication": "*",
    "division": "/",
    "minimum": "minimum",
    "maximum": "maximum",
}
_UFUNCS: dict[str, np.ufunc] = {
    "addition": np.add,
    "subtraction": np.subtract,
    "multiplication": np.multiply,
    "division": np.divide,
    "minimum": np.minimum,
    "maximum": np.maximum,
}

BLOCK = 1 << 16
"""Voxels that are looked at at once."""


def binary(_context: Context, name: str, left: Value, right: Value) -> Image:
    """Return an image and an image or number combined voxel by voxel.

    Args:
        _context: of the run.
        name: ``"addition"`` and its like.
        left: an image, mask, number or bool.
        right: the same; at least one of both is an image or mask.

    Raises:
        GridMismatchError: the images do not lie on the same grid.
        KernelTypeError: an operand is something else, or the images have different
            numbers of components.
    """
    grid, components = _common(name, left, right)
    dtype = _result_type(left, right)
    one, other = _operand(left, dtype), _operand(right, dtype)
    if name in ("minimum", "maximum"):
        result = _extremes(name, one, other, dtype)
    else:
        result = _rounded(_UFUNCS[name], one, other, dtype)
    if name == "division":
        is_zero = np.asarray(other == 0)
        if is_zero.any():
            # ITK's rule: a quotient by zero is the greatest finite number.
            np.copyto(result, np.finfo(dtype).max, where=is_zero)
    return Image.of_array(result, grid, components)


def _common(name: str, left: Value, right: Value) -> tuple[Any, int]:
    images = [value for value in (left, right) if isinstance(value, Image | Mask)]
    for value in (left, right):
        if not isinstance(value, Image | Mask | float | int):
            raise KernelTypeError(
                f"{_SYMBOLS[name]} is not defined for {a_kind(left)} and "
                f"{a_kind(right)}"
            )
    if len(images) == 2:
        require_same_grid(left, right)
        if left.components != right.components:
            raise KernelTypeError(
                f"the images have {left.components} and {right.components} components "
                "per voxel; take one of them with red, green, blue or intensity"
            )
    return images[0].grid, images[0].components


def _result_type(left: Value, right: Value) -> np.dtype[Any]:
    types = []
    for value in (left, right):
        if isinstance(value, Mask):  # not unpacked for its type
            types.append(np.dtype(np.float32))
        elif isinstance(value, Image):
            dtype = number_array(value).dtype
            if dtype.kind != "f":
                dtype = np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)
            types.append(dtype)
    return np.result_type(*types)


def _operand(value: Value, dtype: np.dtype[Any]) -> Array:
    if isinstance(value, Image | Mask):
        return number_array(value)
    with np.errstate(over="ignore"):
        return np.asarray(value, np.float64).astype(dtype)


def _rounded(ufunc: np.ufunc, one: Array, other: Array, dtype: np.dtype[Any]) -> Array:
    """Return the operation's result; the NaN it makes is the same on every machine.

    Processors disagree on the sign of a new NaN, such as that of infinity minus
    infinity.
    """
    makes_nan: list[str] = []
    with np.errstate(all="ignore", invalid="call", call=_noting(makes_nan)):
        result: Array = ufunc(one, other, dtype=dtype)
    if makes_nan:
        result[np.isnan(result)] = np.nan
    return result


def _noting(kinds: list[str]) -> Any:
    return lambda kind, _flag: kinds.append(kind)


def _extremes(name: str, one: Array, other: Array, dtype: np.dtype[Any]) -> Array:
    result = np.empty(np.broadcast_shapes(one.shape, other.shape), dtype)
    flat = result.reshape(-1)
    # In parts that stay in the CPU's cache until all is known of them.
    for start in range(0, flat.size, BLOCK):
        part = slice(start, start + BLOCK)
        _extreme(name, _part(one, part, dtype), _part(other, part, dtype), flat[part])
    return result


def _part(array: Array, part: slice, dtype: np.dtype[Any]) -> Array:
    if array.ndim:
        array = array.reshape(-1)[part]
    return array.astype(dtype, copy=False)


def _extreme(name: str, one: Array, other: Array, result: Array) -> None:
    """Write the extremes; the first of equal numbers, and the second of two NaNs."""
    with np.errstate(invalid="ignore"):
        _UFUNCS[name](one, other, out=result)
        # Of 0.0 and -0.0, and of two NaNs, numpy takes what the processor prefers.
        is_settled = not (
            (result != result).any()
            or _has_negative_zero(one)
            or _has_negative_zero(other)
        )
        if is_settled:
            return
        takes_other = other < one if name == "minimum" else other > one
        takes_other |= np.isnan(other)
    result[...] = np.where(takes_other, other, one)


def _has_negative_zero(array: Array) -> bool:
    bits = array.view(f"u{array.itemsize}")
    found: np.bool_ = (bits == 1 << (8 * array.itemsize - 1)).any()
    return bool(found)
