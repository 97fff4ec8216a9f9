"""Small images to files, and files to plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from .slow import Picture


def write(
    path: Path,
    *components: Picture,
    pixel_type: int = sitk.sitkFloat32,
    origin: Sequence[float] | None = None,
) -> None:
    """Write an image of one component or several."""
    images = []
    for picture in components:
        image = sitk.Image(picture.size, sitk.sitkFloat32)
        image.SetSpacing(picture.spacing)
        if origin is not None:
            image.SetOrigin(origin)
        for place, value in zip(picture.places(), picture.values, strict=True):
            image[place] = value
        images.append(sitk.Cast(image, pixel_type))
    whole = images[0] if len(images) == 1 else sitk.Compose(images)
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(whole, str(path))


def read(path: Path, spacing: tuple[float, ...] | None = None) -> tuple[Picture, ...]:
    """Return the components of an image file.

    Args:
        path: of the file.
        spacing: what the spacing is taken to be, instead of what the file says.
    """
    image = sitk.ReadImage(str(path))
    size = image.GetSize()
    empty = Picture(size, spacing or image.GetSpacing(), ())
    voxels = [image[place] for place in empty.places()]
    if image.GetNumberOfComponentsPerPixel() == 1:
        return (empty.with_values(map(float, voxels)),)
    columns = zip(*voxels, strict=True)
    return tuple(empty.with_values(map(float, column)) for column in columns)
