"""Kernels for images that hold several volumes: a series over time, or channels."""

from __future__ import annotations

from primitives.context import Context
from primitives.errors import InputFileError, KernelTypeError
from primitives.files import InputFile
from primitives.values import Image, Mask, Value

from .operands import whole_number
from .operators import a_kind


def volumes(context: Context, image: Image | Mask) -> Value:
    """Return the volumes of an image of four axes as a sequence, the first one first.

    An image of two or three axes is its only volume.

    Raises:
        KernelTypeError: the argument is no image.
    """
    from primitives.formats.read_volume import split

    if not isinstance(image, Image | Mask):
        raise KernelTypeError(f"volumes takes an image, not {a_kind(image)}")
    return split(image)


def volume_count(context: Context, file: InputFile) -> int:
    """Return how many volumes an image file holds.

    Raises:
        InputFileError: the file is no image, or damaged.
    """
    from primitives.formats.read_volume import volume_count

    return volume_count(_image_file(file, "volumecount"))


def load_volume(context: Context, file: InputFile, position: float) -> Image:
    """Return one volume of an image file, counted from 0.

    Raises:
        InputFileError: the file is no image, or damaged.
        KernelError: it has no such volume.
    """
    from primitives.formats.read_volume import read_volume

    at = whole_number(position, "position", 0)
    return read_volume(_image_file(file, "loadvolume"), at)


def _image_file(file: InputFile | Value, name: str) -> InputFile:
    if not isinstance(file, InputFile):
        raise InputFileError(f"{name} takes the path of an image file")
    return file
