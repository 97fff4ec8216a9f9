"""Arguments of kernels as arrays of the type that the kernel computes with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from primitives.errors import KernelError, KernelTypeError
from primitives.values import Image, Mask

Array = npt.NDArray[Any]
Region = npt.NDArray[np.bool_]


def region_array(value: Image | Mask, role: str = "region") -> Region:
    """Return a region as booleans; voxels of an image are true where not zero."""
    if isinstance(value, Mask):
        return value.array
    if isinstance(value, Image):
        found: Region = value.scalar(role).array != 0
        return found
    raise _not_an_image(value, role)


def number_array(value: Image | Mask, role: str = "image") -> Array:
    """Return the voxels as real numbers; a mask gives UInt8 zeros and ones."""
    if isinstance(value, Mask):
        return value.array.view(np.uint8)
    if not isinstance(value, Image):
        raise _not_an_image(value, role)
    if value.pixel_type.kind == "c":
        raise KernelTypeError(
            f"{role} has complex voxels; take a real part of it first "
            "(simpleitk.ComplexToReal)"
        )
    return value.array


def scalar_array(value: Image | Mask, role: str = "image") -> Array:
    """Return the voxels of an image of one component as real numbers."""
    if isinstance(value, Image):
        value.scalar(role)
    return number_array(value, role)


def float_array(value: Image | Mask, role: str = "image") -> Array:
    """Return the voxels in the floating-point type that arithmetic uses.

    Masks and 8- and 16-bit integers become float32, other integers float64.
    """
    array = number_array(value, role)
    if array.dtype.kind == "f":
        return array
    return array.astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)


def float32_array(value: Image | Mask, role: str = "image") -> npt.NDArray[np.float32]:
    """Return the voxels of an image of one component as float32."""
    return scalar_array(value, role).astype(np.float32, copy=False)


def as_volume(array: Array) -> Array:
    """Return a 2-D array as one plane of a volume, and a volume as it is."""
    if array.ndim == 2:
        return array[np.newaxis]
    if array.ndim == 3:
        return array
    raise _not_in_space(array.ndim)


def require_in_space(image: Image | Mask) -> None:
    """Refuse an image whose voxels have neighbours in time.

    Raises:
        KernelTypeError: the image has more than three axes.
    """
    if image.grid.dimension > 3:
        raise _not_in_space(image.grid.dimension)


def whole_number(value: float, role: str, least: int) -> int:
    """Return ``value`` as an integer.

    Raises:
        KernelError: it has a fraction or is below ``least``.
    """
    if value != value or value != int(value) or value < least:
        raise KernelError(f"{role} must be a whole number from {least}, not {value}")
    return int(value)


def _not_in_space(dimension: int) -> KernelTypeError:
    return KernelTypeError(
        f"this works on 2-D and 3-D images, not on {dimension}-D ones; "
        "take one of its volumes first, such as volumes(image)[0]"
    )


def _not_an_image(value: object, role: str) -> KernelTypeError:
    return KernelTypeError(f"{role} must be an image, not {type(value).__name__}")
