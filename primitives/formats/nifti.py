"""NIfTI-1 and NIfTI-2 headers, as far as the place and size of the voxels.

Source: Cox et al., "A (sort of) new image data format standard: NIfTI-1", 2004;
https://nifti.nimh.nih.gov.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from math import prod

NUMPY_NAMES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
"""Pixel types of one component, by data type code."""

HEADER_BYTES = 540
"""Bytes from the start that hold a header of either version."""


@dataclass(frozen=True, slots=True)
class NiftiHeader:
    """Where the voxels are and what they mean.

    Attributes:
        byte_order: ``"<"`` or ``">"``.
        sizes: number of voxels along each axis, x first.
        data_type: code of the pixel type.
        voxel_bits: bits of one voxel.
        voxel_offset: bytes before the first voxel.
        slope: factor of the stored numbers; 0 means none.
        intercept: added after the factor.
        is_placed: False if the only thing that says where the voxels lie, the sform,
            holds something else than numbers.
    """

    byte_order: str
    sizes: tuple[int, ...]
    data_type: int
    voxel_bits: int
    voxel_offset: int
    slope: float
    intercept: float
    is_placed: bool = True

    @property
    def voxel_bytes(self) -> int:
        """Bytes that all voxels take."""
        return (prod(self.sizes) * self.voxel_bits + 7) // 8

    @property
    def is_scaled(self) -> bool:
        """Whether the stored numbers are not the meant ones."""
        return not (self.slope in (0.0, 1.0) and self.intercept == 0.0)


def parse_nifti_header(data: bytes) -> NiftiHeader | None:
    """Return the header at the start of ``data``, or None if there is none."""
    for order in "<>":
        if len(data) >= 348 and struct.unpack_from(order + "i", data)[0] == 348:
            return _parse_first(data, order)
        if len(data) >= 540 and struct.unpack_from(order + "i", data)[0] == 540:
            return _parse_second(data, order)
    return None


def _parse_first(data: bytes, order: str) -> NiftiHeader | None:
    dim = struct.unpack_from(order + "8h", data, 40)
    data_type, bits = struct.unpack_from(order + "hh", data, 70)
    offset, slope, intercept = struct.unpack_from(order + "fff", data, 108)
    codes = struct.unpack_from(order + "hh", data, 252)
    place = _is_placed(codes, struct.unpack_from(order + "12f", data, 280))
    return _header(order, dim, data_type, bits, offset, slope, intercept, place)


def _parse_second(data: bytes, order: str) -> NiftiHeader | None:
    data_type, bits = struct.unpack_from(order + "hh", data, 12)
    dim = struct.unpack_from(order + "8q", data, 16)
    offset, slope, intercept = struct.unpack_from(order + "qdd", data, 168)
    codes = struct.unpack_from(order + "ii", data, 344)
    place = _is_placed(codes, struct.unpack_from(order + "12d", data, 400))
    return _header(order, dim, data_type, bits, offset, slope, intercept, place)


def _is_placed(codes: tuple[int, ...], sform: tuple[float, ...]) -> bool:
    qform_code, sform_code = codes
    return qform_code > 0 or sform_code <= 0 or all(map(math.isfinite, sform))


def _header(
    order: str,
    dim: tuple[int, ...],
    data_type: int,
    bits: int,
    offset: float,
    slope: float,
    intercept: float,
    is_placed: bool,
) -> NiftiHeader | None:
    sizes = dim[1 : 1 + dim[0]]
    if not 1 <= dim[0] <= 7 or min(sizes) < 1 or bits < 1 or not 0 <= offset < 2**40:
        return None
    return NiftiHeader(
        order, sizes, data_type, bits, int(offset), slope, intercept, is_placed
    )
