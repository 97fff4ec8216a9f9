"""Otsu's threshold."""

from __future__ import annotations

import SimpleITK as sitk

from primitives.context import Context
from primitives.values import Image, Mask, require_same_grid

from .operands import float32_array, region_array, whole_number


def otsu(
    context: Context, image: Image | Mask, region: Image | Mask, bins: float
) -> Mask:
    """Return where the image is above the threshold of a region, inside the region.

    Args:
        context: of the run.
        image: scalar, compared as float32.
        region: on the same grid; an empty one gives an empty result.
        bins: number of bins of the histogram over the region, at least 2.

    Source:
        Nobuyuki Otsu, "A threshold selection method from gray-level histograms",
        1979, as implemented in ITK.
    """
    count = whole_number(bins, "bins", 2)
    values = float32_array(image)
    inside = region_array(region)
    require_same_grid(image, region)
    selected = values[inside]
    if selected.size == 0:
        return Mask(inside & False, region.grid)
    search = sitk.OtsuThresholdImageFilter()
    search.SetNumberOfHistogramBins(count)
    search.SetNumberOfWorkUnits(context.threads)
    # The voxels of the region alone, as an image of one line.
    search.Execute(sitk.GetImageFromArray(selected.reshape(1, -1), isVector=False))
    context.check()
    return Mask(inside & (values > search.GetThreshold()), region.grid)
