"""Pixels between numpy and SimpleITK, and the pixel types both know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

if TYPE_CHECKING:
    from .values import Grid

PIXEL_TYPES: tuple[tuple[str, str, int], ...] = (
    ("uint8", "UInt8", 1),
    ("int8", "Int8", 2),
    ("uint16", "UInt16", 3),
    ("int16", "Int16", 4),
    ("uint32", "UInt32", 5),
    ("int32", "Int32", 6),
    ("uint64", "UInt64", 7),
    ("int64", "Int64", 8),
    ("float32", "Float32", 9),
    ("float64", "Float64", 10),
    ("complex64", "ComplexFloat32", 11),
    ("complex128", "ComplexFloat64", 12),
)
"""numpy name, SimpleITK name, code in the canonical encoding."""

_DTYPE_OF_ITK: dict[int, np.dtype[Any]] = {}
for _numpy_name, _itk_name, _code in PIXEL_TYPES:
    for _prefix in ("sitk", "sitkVector", "sitkLabel"):
        _pixel_id = getattr(sitk, _prefix + _itk_name, None)
        if _pixel_id is not None:
            _DTYPE_OF_ITK[_pixel_id] = np.dtype(_numpy_name)


class _Owner:
    """Lends an ITK image's voxels to numpy and keeps the image alive meanwhile.

    ``GetArrayViewFromImage`` alone does not: a view that outlives its image reads
    freed memory.
    """

    def __init__(self, image: sitk.Image) -> None:
        self._image = image
        self.__array_interface__ = sitk.GetArrayViewFromImage(image).__array_interface__


def array_of_itk(image: sitk.Image) -> npt.NDArray[Any]:
    """Return a read-only array of the voxels, without a copy.

    Label maps, which have no voxel buffer, are converted to label images first.
    """
    if "label map" in image.GetPixelIDTypeAsString():
        image = sitk.Cast(image, sitk.sitkUInt32)
    return np.asarray(_Owner(image))


def dtype_of_itk(image: sitk.Image) -> np.dtype[Any]:
    """Return the numpy type of one component of ``image``."""
    return _DTYPE_OF_ITK[image.GetPixelID()]


def itk_of_array(
    array: npt.NDArray[Any], grid: Grid, components: int = 1
) -> sitk.Image:
    """Return a SimpleITK image with a copy of ``array`` on ``grid``."""
    image = sitk.GetImageFromArray(array, isVector=components > 1)
    image.SetSpacing(grid.spacing)
    image.SetOrigin(grid.origin)
    image.SetDirection(grid.direction)
    return image
