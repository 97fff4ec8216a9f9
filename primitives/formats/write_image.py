"""Images and overlays to image files and pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from primitives.errors import InputFileError, OutputFileError
from primitives.pixels import dtype_of_itk
from primitives.values import Image, Mask, require_same_grid

from . import mosaic
from .integrity import check_whole
from .suffixes import PICTURE_SUFFIXES

Array = npt.NDArray[Any]

JPEG_QUALITY = 92
_JPEG_HEADER_BYTES = 1 << 16
_NIFTI_VOXEL_OFFSET = 352
_INCOMPLETE = "the file was not written completely; is the disk full?"


def write_image(value: Image | Mask, target: Path, suffix: str) -> None:
    """Write an image or mask as ``suffix`` says.

    Masks are 0 and 1, and 0 and 255 in pictures.  A volume becomes a mosaic of
    slices in pictures, except in TIFF, which holds volumes.

    Raises:
        OSError: the file cannot be written.
        OutputFileError: the format cannot hold such an image.
    """
    if suffix in PICTURE_SUFFIXES:
        _require_picture(value, target)
        _write_picture(_picture(value, target, suffix), target, suffix)
        return
    _write(value.itk, target, compress=suffix != ".nii")
    if suffix in (".nii", ".nii.gz"):
        _check_nifti(target, value.itk)
    else:
        _check_whole(target, suffix)


def write_overlay(layers: Sequence[Image | Mask], target: Path, suffix: str) -> None:
    """Write the picture of several images on one grid, the first at the bottom.

    Raises:
        OSError: the file cannot be written.
        GridMismatchError: the images do not lie on one grid.
    """
    _require_picture(layers[0], target)
    for layer in layers[1:]:
        require_same_grid(layers[0], layer)
    _write_picture(mosaic.draw(layers), target, suffix)


def _require_picture(value: Image | Mask, target: Path) -> None:
    if value.grid.dimension > 3:
        raise OutputFileError(
            f"'{target.name}': an image of {value.grid.dimension} axes is no picture; "
            "save one of its volumes, such as volumes(image)[0], or all as .nii.gz"
        )


def _picture(value: Image | Mask, target: Path, suffix: str) -> Array:
    """Return the pixels of a picture, shape (height, width) or with colours last."""
    if value.components not in (1, 3, 4):
        raise OutputFileError(
            f"'{target.name}': an image of {value.components} components is no "
            "picture; save it as .nii.gz, .nrrd or .mha"
        )
    if value.components == 4 and suffix in (".jpg", ".jpeg", ".bmp"):
        raise OutputFileError(
            f"'{target.name}': {suffix} holds no transparency; use .png or .tif"
        )
    is_tiff = suffix in (".tif", ".tiff")
    if value.grid.dimension == 3 and not is_tiff:
        return mosaic.draw([value])
    if isinstance(value, Mask):
        return value.array.astype(np.uint8) * np.uint8(255)
    return _pixels(value.array, is_tiff=is_tiff, has_16_bits=suffix == ".png")


def _pixels(array: Array, *, is_tiff: bool, has_16_bits: bool) -> Array:
    """Return the image as the format can hold it, the same numbers where it can.

    Numbers from 0 to 255 are rounded to bytes; others are stretched from black to
    white.
    """
    kept = {"uint8"}
    if has_16_bits or is_tiff:
        kept.add("uint16")
    if is_tiff:
        kept |= {"int16", "float32"}
    if array.dtype.name in kept:
        return array
    numbers = np.abs(array) if array.dtype.kind == "c" else array
    numbers = np.nan_to_num(numbers.astype(np.float64))
    low, high = float(numbers.min()), float(numbers.max())
    if low < 0 or high > 255:
        low, high = mosaic.window(numbers.reshape(1, *numbers.shape[:2], -1))
        numbers = (np.clip(numbers, low, high) - low) * (255 / (high - low))
    return np.rint(numbers).astype(np.uint8)


def _write_picture(pixels: Array, target: Path, suffix: str) -> None:
    is_color = pixels.ndim >= 3 and pixels.shape[-1] in (3, 4)
    image = sitk.GetImageFromArray(np.ascontiguousarray(pixels), isVector=is_color)
    quality = -1
    if suffix in (".jpg", ".jpeg"):
        quality = JPEG_QUALITY
        _require_room(target, pixels.nbytes + _JPEG_HEADER_BYTES)
    _write(image, target, compress=True, level=quality)
    _check_whole(target, suffix)


def _require_room(target: Path, size: int) -> None:
    """Raise OSError unless ``size`` bytes can be written at ``target``.

    ITK's JPEG writer ends the whole process when they cannot.
    """
    target.write_bytes(bytes(size))
    target.unlink()


def _write(image: sitk.Image, target: Path, *, compress: bool, level: int = -1) -> None:
    try:
        sitk.WriteImage(image, str(target), compress, level)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[-1] if lines else "unknown error"
        raise OSError(f"ITK says: {reason}") from None


def _check_whole(target: Path, suffix: str) -> None:
    try:
        check_whole(target, suffix)
    except InputFileError:
        raise OSError(_INCOMPLETE) from None


def _check_nifti(target: Path, image: sitk.Image) -> None:
    """Check the length of what ITK wrote; it says nothing when a disk is full.

    A gzip file ends with the length of its content.
    """
    dtype = dtype_of_itk(image)
    voxels = image.GetNumberOfPixels() * image.GetNumberOfComponentsPerPixel()
    expected = _NIFTI_VOXEL_OFFSET + voxels * dtype.itemsize
    if target.name.endswith(".gz"):
        with target.open("rb") as file:
            file.seek(-4, io.SEEK_END)
            length = int.from_bytes(file.read(), "little")
        is_whole = length == expected % 2**32
    else:
        is_whole = target.stat().st_size == expected
    if not is_whole:
        raise OSError(_INCOMPLETE)
