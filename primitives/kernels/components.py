"""Connected components of regions, diagonal neighbours included.

Components are numbered in the raster order of their first voxel.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from primitives.context import Context
from primitives.values import Image, Mask, require_same_grid

from .bits import packed, unpacked
from .operands import Region, as_volume, region_array
from .runs import Numbers, Runs, components, painted


def labels(context: Context, region: Image | Mask) -> Image:
    """Return labels 1, 2, … of the components as float32, 0 outside the region."""
    inside = as_volume(region_array(region))
    runs, numbers = _numbered(context, inside)
    result = np.zeros(inside.shape, np.float32)
    result[inside] = np.repeat(numbers.astype(np.float32), runs.lengths)
    return Image.of_array(result.reshape(region.grid.shape), region.grid)


def through(context: Context, start: Image | Mask, region: Image | Mask) -> Mask:
    """Return the components of ``region`` that meet ``start``."""
    begin = as_volume(region_array(start, "start"))
    inside = as_volume(region_array(region))
    require_same_grid(start, region)
    runs, numbers = _numbered(context, inside)
    is_met = np.zeros(int(numbers.max(initial=0)) + 1, np.bool_)
    is_met[numbers[runs.meeting(packed(begin))]] = True
    return _chosen(runs, is_met[numbers], region)


def largest(context: Context, region: Image | Mask) -> Mask:
    """Return the component with the most voxels; all of them if several tie."""
    runs, numbers = _numbered(context, as_volume(region_array(region)))
    # Sums of whole numbers are exact in float64.
    sizes = np.bincount(numbers, weights=runs.lengths, minlength=1)
    return _chosen(runs, (sizes == sizes.max())[numbers], region)


def _chosen(runs: Runs, is_chosen: npt.NDArray[np.bool_], region: Image | Mask) -> Mask:
    found = unpacked(painted(runs, is_chosen))
    return Mask(found.reshape(region.grid.shape), region.grid)


def _numbered(context: Context, inside: Region) -> tuple[Runs, Numbers]:
    """Return the runs of a region and for each the number of its component."""
    runs = Runs.of(packed(inside))
    context.check()
    first = components(runs)
    context.check()
    return runs, np.cumsum(first == np.arange(len(first)))[first]
