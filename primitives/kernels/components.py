"""Connected components of regions, diagonal neighbours included.

Labels come from ITK, which numbers components in the raster order of their first
voxel; for regions of a brain it takes less time than the passes around it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from primitives.context import Context
from primitives.pixels import array_of_itk
from primitives.values import Image, Mask, require_same_grid

from .operands import as_volume, region_array

BLOCK = 1 << 16
"""Voxels looked up at once."""

Labels = npt.NDArray[np.unsignedinteger[Any]]


def labels(context: Context, region: Image | Mask) -> Image:
    """Return labels 1, 2, … of the components as float32, 0 outside the region."""
    found = _labels(context, region)
    return Image.of_array(found.astype(np.float32), region.grid)


def through(context: Context, start: Image | Mask, region: Image | Mask) -> Mask:
    """Return the components of ``region`` that meet ``start``."""
    begin = region_array(start, "start")
    inside = region_array(region)
    require_same_grid(start, region)
    if not (begin & inside).any():
        return Mask(np.zeros(inside.shape, np.bool_), region.grid)
    found = _labels(context, region)
    is_met = np.zeros(int(found.max()) + 1, np.bool_)
    is_met[found[begin]] = True
    is_met[0] = False
    return _selected(found, is_met, region)


def largest(context: Context, region: Image | Mask) -> Mask:
    """Return the component with the most voxels; all of them if several tie."""
    found = _labels(context, region)
    sizes = np.bincount(found[found > 0], minlength=1)
    return _selected(found, (sizes == sizes.max()) & (sizes > 0), region)


def _selected(
    found: Labels, is_selected: npt.NDArray[np.bool_], region: Image | Mask
) -> Mask:
    """Return where the label is a selected one."""
    chosen = np.flatnonzero(is_selected)
    if chosen.size == 1:
        return Mask(found == chosen[0], region.grid)
    result = np.empty(found.shape, np.bool_)
    flat, flat_result = found.reshape(-1), result.reshape(-1)
    # In parts, because numpy widens all the indices that it looks up at once.
    for start in range(0, flat.size, BLOCK):
        part = slice(start, start + BLOCK)
        np.take(is_selected, flat[part], out=flat_result[part], mode="clip")
    return Mask(result, region.grid)


def _labels(context: Context, region: Image | Mask) -> Labels:
    inside = as_volume(region_array(region))
    # The grid plays no part, so the voxels alone go to ITK.
    image = sitk.GetImageFromArray(inside.view(np.uint8), isVector=False)
    numbering = sitk.ConnectedComponentImageFilter()
    numbering.SetFullyConnected(True)
    numbering.SetNumberOfWorkUnits(context.threads)
    found = array_of_itk(numbering.Execute(image))
    context.check()
    return found.reshape(region.grid.shape)
