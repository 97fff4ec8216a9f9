"""PNG pictures of grey and transparency, which ITK does not read.

A pixel of such a picture takes as many bytes as one of another form that ITK reads:
8 bits of each are as long as 16 bits of grey, 16 bits of each as 8 bits of red, green,
blue and alpha.  Compression, filters and interlacing only know of bytes, so the same
data under another header is the same picture, read with its bytes in the same order.

Source: W3C, Portable Network Graphics, sections 11.2.1 (header) and 9 (filters).
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from primitives.values import Grid, Image

_MAGIC_BYTES = 8
_HEADER = struct.Struct(">IIBBBBB")
_GREY_ALPHA, _GREY, _RGBA = 4, 0, 6


def is_grey_with_alpha(head: bytes) -> bool:
    """Return whether a PNG file that begins so holds grey and transparency."""
    return len(head) > 25 and head[25] == _GREY_ALPHA


def read_grey_with_alpha(data: bytes, read: Callable[[Path], sitk.Image]) -> Image:
    """Return such a picture as red, green, blue and alpha, the first three alike.

    Args:
        data: the whole file, which is not damaged.
        read: reads a file with ITK.
    """
    with tempfile.TemporaryDirectory(prefix="voxpeer-") as folder:
        path = Path(folder, "picture.png")
        path.write_bytes(_as_other_form(data))
        image = read(path)
    pairs: npt.NDArray[Any]
    pixels: npt.NDArray[Any] = sitk.GetArrayFromImage(image)
    if pixels.dtype == np.uint16:
        pairs = np.stack([pixels >> 8, pixels & 255], axis=-1).astype(np.uint8)
    else:
        pairs = np.ascontiguousarray(pixels).view(">u2").astype(np.uint16)
    grey, alpha = pairs[..., 0], pairs[..., 1]
    height, width = grey.shape
    grid = Grid((width, height), (1.0, 1.0), (0.0, 0.0), (1.0, 0.0, 0.0, 1.0))
    return Image.of_array(np.stack([grey, grey, grey, alpha], axis=-1), grid, 4)


def _as_other_form(data: bytes) -> bytes:
    """Return the picture under the header of the form of the same length."""
    made = data[:_MAGIC_BYTES]
    at = _MAGIC_BYTES
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        content = data[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"IHDR":
            width, height, depth, _, *rest = _HEADER.unpack(content)
            form = (16, _GREY) if depth == 8 else (8, _RGBA)
            content = _HEADER.pack(width, height, *form, *rest)
        elif kind not in (b"IDAT", b"IEND"):
            continue  # what it says, it says of the other form
        made += struct.pack(">I", length) + kind + content
        made += struct.pack(">I", zlib.crc32(kind + content))
    return made
