"""Canonical bytes of images and masks: a fixed header, then raw voxels.

Little-endian throughout::

    magic        4 bytes   VXi 0x01 or VXm 0x01
    dimension    u8        number of axes, 1 to 8
    pixel type   u8        code of primitives.pixels.PIXEL_TYPES; 0 for a mask
    components   u16       numbers per voxel; 1 for a mask
    per axis     u64 size, f64 spacing, f64 origin; x first
    direction    f64[dimension²], row-major
    padding      zeros up to a multiple of 64 bytes
    voxels       x fastest, components interleaved; of a mask 1 bit each, the first
                 voxel in the lowest bit, the last byte filled with zeros
"""

from __future__ import annotations

import math
import struct

import numpy as np
import numpy.typing as npt

from .encoding import IMAGE_MAGIC, MASK_MAGIC, Buffer
from .errors import ValueEncodingError
from .pixels import PIXEL_TYPES
from .values import Grid, Image, Mask

ALIGNMENT = 64
MAX_DIMENSION = 8
_FIXED = struct.Struct("<4sBBH")
_CODE_OF_NAME = {name: code for name, _itk, code in PIXEL_TYPES}
_DTYPE_OF_CODE = {code: np.dtype(name) for name, _itk, code in PIXEL_TYPES}


def encode_image(value: Image | Mask) -> tuple[Buffer, ...]:
    """Return header and voxels; the voxels of an image are not copied.

    Raises:
        ValueEncodingError: the geometry is not finite, or a spacing not positive.
    """
    if isinstance(value, Mask):
        return _header(MASK_MAGIC, value.grid, 0, 1), value.bits.data
    array = value.array
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    code = _CODE_OF_NAME[array.dtype.newbyteorder("=").name]
    header = _header(IMAGE_MAGIC, value.grid, code, value.components)
    return header, little.reshape(-1).view(np.uint8).data


def decode_image(view: memoryview, *, is_mask: bool) -> Image | Mask:
    """Return the image of canonical bytes; its voxels stay in ``view``.

    Raises:
        ValueEncodingError: the bytes are not canonical.
    """
    grid, code, components, start = _read_header(view)
    voxels = view[start:]
    if is_mask:
        if code or components != 1:
            raise ValueEncodingError("a mask has pixel type 0 and one component")
        return Mask.of_bits(_bits(voxels, grid), grid)
    dtype = _DTYPE_OF_CODE.get(code)
    if dtype is None or components < 1:
        raise ValueEncodingError(f"no pixel type {code} with {components} components")
    _require_length(voxels, grid.voxel_count * components * dtype.itemsize)
    flat = np.frombuffer(voxels, dtype.newbyteorder("<"))
    shape = grid.shape if components == 1 else (*grid.shape, components)
    return Image.of_array(flat.reshape(shape), grid, components)


def _header(magic: bytes, grid: Grid, code: int, components: int) -> bytes:
    header = _FIXED.pack(magic, grid.dimension, code, components)
    _check_geometry(grid)
    for size, spacing, origin in zip(grid.size, grid.spacing, grid.origin, strict=True):
        # Adding 0.0 turns -0.0, which is the same place, into 0.0.
        header += struct.pack("<Qdd", size, spacing, origin + 0.0)
    header += struct.pack(
        f"<{len(grid.direction)}d", *(cosine + 0.0 for cosine in grid.direction)
    )
    return header.ljust(-(-len(header) // ALIGNMENT) * ALIGNMENT, b"\0")


def _read_header(view: memoryview) -> tuple[Grid, int, int, int]:
    try:
        magic, dimension, code, components = _FIXED.unpack_from(view)
        if not 1 <= dimension <= MAX_DIMENSION:
            raise ValueEncodingError(f"an image cannot have {dimension} axes")
        axes = struct.unpack_from("<" + "Qdd" * dimension, view, _FIXED.size)
        direction = struct.unpack_from(
            f"<{dimension**2}d", view, _FIXED.size + 24 * dimension
        )
    except struct.error:
        raise ValueEncodingError("the header of an image is cut short") from None
    grid = Grid(axes[0::3], axes[1::3], axes[2::3], direction)
    canonical = _header(magic, grid, code, components)
    if bytes(view[: len(canonical)]) != canonical:
        raise ValueEncodingError("the header of an image is not in canonical form")
    return grid, code, components, len(canonical)


def _check_geometry(grid: Grid) -> None:
    numbers = (*grid.spacing, *grid.origin, *grid.direction)
    if not all(map(math.isfinite, numbers)):
        raise ValueEncodingError("the geometry of an image must be finite")
    if min(grid.spacing) <= 0 or min(grid.size) < 1:
        raise ValueEncodingError("size and spacing of an image must be positive")


def _bits(voxels: memoryview, grid: Grid) -> npt.NDArray[np.uint8]:
    count = grid.voxel_count
    _require_length(voxels, -(-count // 8))
    if count % 8 and voxels[-1] >> (count % 8):
        raise ValueEncodingError("the last byte of a mask is not filled with zeros")
    return np.frombuffer(voxels, np.uint8)


def _require_length(voxels: memoryview, expected: int) -> None:
    if len(voxels) != expected:
        raise ValueEncodingError(
            f"an image of {expected} bytes of voxels holds {len(voxels)}"
        )
