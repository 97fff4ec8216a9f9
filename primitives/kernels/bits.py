"""Regions as bits, 64 voxels in a machine word.

A row along x takes whole bytes, at least one bit of which lies beyond its end and is
zero.  So rows and planes are moved by whole bytes; only along x are bits shifted, and
what a shift by one carries over the end of a row lands in that bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .operands import Region

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

WORD = np.dtype("<u8")
"""Little-endian everywhere: the next voxel is the next higher bit, also of bytes."""

_ONE, _LAST = WORD.type(1), WORD.type(63)


@dataclass(frozen=True)
class Layout:
    """How regions of one shape are laid out as bits."""

    shape: tuple[int, ...]

    @property
    def places(self) -> tuple[int, ...]:
        """Shape of the bytes."""
        return (*self.shape[:-1], self.shape[-1] // 8 + 1)

    @cached_property
    def columns(self) -> Words:
        """The words in which every voxel is set, and no other bit."""
        row = np.zeros(8 * self.places[-1], np.bool_)
        row[: self.shape[-1]] = True
        full = self.empty()
        full.rows[...] = np.packbits(row, bitorder="little")
        return full.words

    def empty(self) -> Bits:
        """Return the region without voxels."""
        return self.of(np.zeros(-(-math.prod(self.places) // 8), WORD))

    def of(self, words: Words) -> Bits:
        """Return the region that these words hold."""
        length = math.prod(self.places)
        rows = words.view(np.uint8)[:length].reshape(self.places)
        return Bits(self, words, rows)


@dataclass(frozen=True)
class Bits:
    """A region.

    Attributes:
        layout: where its bits are.
        words: all of them in 64-bit words.
        rows: the same memory as bytes, shape ``layout.places``.
    """

    layout: Layout
    words: Words
    rows: Bytes

    def inverted(self) -> Bits:
        """Return the voxels that do not belong to the region."""
        words = ~self.words
        words &= self.layout.columns
        return self.layout.of(words)

    def widened(self) -> Bits:
        """Return the voxels of the region and their neighbours along x."""
        words = self.words
        result = words << _ONE
        result |= words
        moved = words >> _LAST
        result[1:] |= moved[:-1]
        np.right_shift(words, _ONE, out=moved)
        result |= moved
        np.left_shift(words, _LAST, out=moved)
        result[:-1] |= moved[1:]
        result &= self.layout.columns
        return self.layout.of(result)

    def thickened(self, axis: int) -> Bits:
        """Return the voxels of the region and their neighbours along a slow axis."""
        result = self.layout.of(self.words.copy())
        source = np.moveaxis(self.rows, axis, 0)
        target = np.moveaxis(result.rows, axis, 0)
        np.bitwise_or(target[1:], source[:-1], out=target[1:])
        np.bitwise_or(target[:-1], source[1:], out=target[:-1])
        return result


def shifted_up(words: Words) -> Words:
    """Return words in which each voxel has moved to the next bit."""
    result = words << _ONE
    result[1:] |= words[:-1] >> _LAST
    return result


def packed(region: Region) -> Bits:
    """Return the bits of a region."""
    bits = Layout(region.shape).empty()
    found = np.packbits(region, axis=-1, bitorder="little")
    bits.rows[..., : found.shape[-1]] = found
    return bits


def unpacked(bits: Bits) -> Region:
    """Return a region as booleans."""
    width = bits.layout.shape[-1]
    found = np.unpackbits(bits.rows, axis=-1, count=width, bitorder="little")
    return found.view(np.bool_)


def box_dilated(bits: Bits) -> Bits:
    """Return the dilation by a box of 3 voxels a side.

    The box is the sum of one line along each axis, so one axis at a time will do.
    """
    result = bits.widened()
    for axis in range(bits.rows.ndim - 1):
        result = result.thickened(axis)
    return result
