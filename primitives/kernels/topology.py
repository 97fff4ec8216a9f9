"""Dilation and erosion by one voxel, diagonals included."""

from __future__ import annotations

from primitives.context import Context
from primitives.values import Image, Mask

from .bits import Bits, box_dilated, packed, unpacked
from .operands import region_array, require_in_space


def near(context: Context, region: Image | Mask) -> Mask:
    """Return where some voxel of the neighbourhood belongs to the region."""
    inside = region_array(region)
    require_in_space(region)
    bits = packed(inside)
    return Mask(unpacked(box_dilated(bits)), region.grid)


def interior(context: Context, region: Image | Mask) -> Mask:
    """Return where all voxels of the neighbourhood belong to the region.

    Voxels outside the image count as belonging to it.
    """
    inside = region_array(region)
    require_in_space(region)
    outside = packed(inside).inverted()
    return Mask(unpacked(box_dilated(outside).inverted()), region.grid)


def boundary(inside: Bits) -> Bits:
    """Return the voxels of a region with a neighbour outside it."""
    found = box_dilated(inside.inverted()).words
    found &= inside.words
    return inside.layout.of(found)
