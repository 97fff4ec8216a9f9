"""The range of an image's voxels, without importing numpy for any other value."""

from __future__ import annotations

from .values import Image, Mask, Value


def extremes_of(value: Value) -> tuple[float, float] | None:
    """Return the least and the greatest number in an image, None for all else.

    A mask has zeros and ones.  Of several components, all count; NaN is both if there
    is any.
    """
    if isinstance(value, Mask):
        return float(value.array.all()), float(value.array.any())
    if not isinstance(value, Image) or value.pixel_type.kind == "c":
        return None
    return float(value.array.min()), float(value.array.max())
