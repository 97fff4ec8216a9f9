"""Components of colour images."""

from __future__ import annotations

import numpy as np

from primitives.context import Context
from primitives.errors import KernelTypeError
from primitives.values import Image, Mask, require_same_grid

from .operands import float32_array, number_array

RED, GREEN, BLUE = 0.2126, 0.7152, 0.0722
"""Luminance of the primaries of ITU-R Recommendation BT.709."""


def intensity(context: Context, image: Image | Mask) -> Image:
    """Return the brightness of each voxel as float32."""
    if image.components == 1:
        return _float32(image)
    array = _colours(image)
    with np.errstate(all="ignore"):
        total = RED * array[..., 0].astype(np.float64)
        total += GREEN * array[..., 1].astype(np.float64)
        total += BLUE * array[..., 2].astype(np.float64)
        brightness = total.astype(np.float32)
    # Processors disagree on the sign of the NaN of infinity minus infinity.
    brightness[np.isnan(brightness)] = np.nan
    return Image.of_array(brightness, image.grid)


def red(context: Context, image: Image | Mask) -> Image:
    """Return the first component as float32."""
    return _component(image, 0)


def green(context: Context, image: Image | Mask) -> Image:
    """Return the second component as float32."""
    return _component(image, 1)


def blue(context: Context, image: Image | Mask) -> Image:
    """Return the third component as float32."""
    return _component(image, 2)


def alpha(context: Context, image: Image | Mask) -> Image:
    """Return the fourth component as float32, or 255 if there is none."""
    if image.components == 4:
        return _component(image, 3)
    return Image.of_array(np.full(image.grid.shape, np.float32(255)), image.grid)


def rgb(context: Context, *components: Image | Mask) -> Image:
    """Return one float32 image of the given components."""
    for component in components[1:]:
        require_same_grid(components[0], component)
    arrays = [float32_array(component, "component") for component in components]
    return Image.of_array(
        np.stack(arrays, axis=-1), components[0].grid, len(components)
    )


def _component(image: Image | Mask, index: int) -> Image:
    if image.components == 1:
        return _float32(image)
    array = _colours(image)[..., index].astype(np.float32)
    return Image.of_array(array, image.grid)


def _colours(image: Image | Mask) -> np.ndarray:
    if image.components not in (3, 4):
        raise KernelTypeError(
            f"a colour image has 3 or 4 components, this one has {image.components}; "
            "take one of them first (simpleitk.VectorIndexSelectionCast)"
        )
    return number_array(image)


def _float32(image: Image | Mask) -> Image:
    if isinstance(image, Image) and image.pixel_type == np.float32:
        return image
    return Image.of_array(float32_array(image), image.grid)
