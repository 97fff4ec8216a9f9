"""Whether two image files lie at the same place, by their headers alone."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

from .suffixes import PICTURE_SUFFIXES, normalized_suffix

_NIFTI = (".nii", ".nii.gz")
_SIZE_BYTES = 348
_AXES = slice(40, 56)
_PLACES = (slice(76, 108), slice(252, 328))
"""Where NIfTI-1 has spacing, and the ways from voxels to millimetres."""


def displacement(path: Path, base: Path) -> str:
    """Say how the grid of an image file differs from that of one of the same size.

    Returns:
        A text for people; empty if the grids are the same, the sizes differ, or a file
        cannot be read, which is said elsewhere.
    """
    kinds = normalized_suffix(path), normalized_suffix(base)
    if all(kind in PICTURE_SUFFIXES for kind in kinds):
        return ""
    if all(kind in _NIFTI for kind in kinds) and _have_equal_headers(path, base):
        return ""
    # Only ITK says what differing headers mean, and it takes a while to import.
    from primitives.errors import InputFileError

    from .axes import grid_without_single_axes
    from .read_image import scalar_grid

    try:
        grids = [scalar_grid(file) for file in (path, base)]
    except InputFileError:
        return ""
    mine, theirs = (grid and grid_without_single_axes(grid) for grid in grids)
    if mine is None or theirs is None or mine.size != theirs.size:
        return ""
    if mine.matches(theirs):
        return ""
    if mine.describe() == theirs.describe():
        return "its axes or its place differ from theirs"
    return f"{mine.describe()} against {theirs.describe()}"


def _have_equal_headers(path: Path, base: Path) -> bool:
    """Return whether two NIfTI-1 headers say the same of size and place."""
    mine, theirs = _header(path), _header(base)
    if not mine or mine[:4] != theirs[:4]:
        return False
    return all(mine[part] == theirs[part] for part in (_AXES, *_PLACES))


def _header(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            is_compressed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not is_compressed:
                return _checked(file.read(_SIZE_BYTES))
            with gzip.GzipFile(fileobj=file) as inner:
                return _checked(inner.read(_SIZE_BYTES))
    except (OSError, EOFError, zlib.error):
        return b""


def _checked(header: bytes) -> bytes:
    if len(header) < _SIZE_BYTES:
        return b""
    lengths = (struct.unpack_from(order + "i", header)[0] for order in "<>")
    return header if _SIZE_BYTES in lengths else b""
