"""Pictures of volumes: a mosaic of axial slices, as a radiologist looks at them.

Slices go from the feet towards the head, row by row.  In each, anterior is at the top
and the patient's right side on the left, by the image's direction cosines.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from primitives.values import Grid, Image, Mask

from .colors import color_of

Array = npt.NDArray[Any]
_Range = tuple[int, int]
FloatArray = npt.NDArray[np.float32]

MAX_WIDTH = 1600
"""Width that a picture of a volume does not exceed, in pixels."""
MAX_TILE_WIDTH = 320
MAX_SLICES = 24
MAX_LABELS = 32
"""Integer images with more distinct values than this are no label images."""
_GAP = 4
_LEAST_AREA = 0.05
_FILL = 0.4
_OUTLINE = 0.95
_WINDOW = (1.0, 99.6)


@dataclass(frozen=True)
class _View:
    """Which part of an upright volume is shown, and how large.

    Attributes:
        slices: indices along the axis from feet to head.
        rows: first and last+1 row shown.
        columns: first and last+1 column shown.
        tile: height and width of one slice in the picture.
        across: slices in a row of the mosaic.
    """

    slices: tuple[int, ...]
    rows: tuple[int, int]
    columns: tuple[int, int]
    tile: tuple[int, int]
    across: int


def draw(layers: Sequence[Image | Mask]) -> npt.NDArray[np.uint8]:
    """Return the picture of one or more images on one grid, the first at the bottom.

    Args:
        layers: 2-D, or 3-D to be shown as a mosaic.

    Returns:
        Gray, shape (height, width), for a single image; else RGB in a third axis.
    """
    grid = layers[0].grid
    volumes = [_upright(layer) for layer in layers]
    spacing = _upright_spacing(grid)
    view = _choose_view(volumes, spacing)
    canvas = _background(volumes[0], layers[0], view)
    place = 0
    for layer, volume in zip(layers[1:], volumes[1:], strict=True):
        for strength in _regions(layer, volume, view):
            canvas = _blend(_as_color(canvas), color_of(place), strength)
            place += 1
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)


def _upright(layer: Image | Mask) -> Array:
    """Return the voxels with axes towards head, back and left (components last).

    A 2-D image is one slice, as it is.
    """
    array = layer.array
    if layer.grid.dimension == 2:
        return array[np.newaxis]
    order, flipped = _axes(layer.grid)
    # Array axes run against voxel axes: the last one is x.
    from_array = [2 - order[physical] for physical in (2, 1, 0)]
    rest = list(range(3, array.ndim))
    upright = array.transpose(from_array + rest)
    backwards = tuple(
        slice(None, None, -1 if flipped[physical] else 1) for physical in (2, 1, 0)
    )
    return upright[backwards]


def _upright_spacing(grid: Grid) -> tuple[float, float, float]:
    if grid.dimension == 2:
        return (1.0, grid.spacing[1], grid.spacing[0])
    order, _ = _axes(grid)
    along = [grid.spacing[order[physical]] for physical in (2, 1, 0)]
    return (along[0], along[1], along[2])


def _axes(grid: Grid) -> tuple[list[int], list[bool]]:
    """Return which voxel axis runs most along left, back and head, and if backwards."""
    cosines = np.reshape(grid.direction, (3, 3))
    order = [0, 0, 0]
    free_physical, free_voxel = [0, 1, 2], [0, 1, 2]
    while free_physical:
        part = np.abs(cosines[np.ix_(free_physical, free_voxel)])
        row, column = np.unravel_index(int(np.argmax(part)), part.shape)
        order[free_physical.pop(row)] = free_voxel.pop(column)
    flipped = [bool(cosines[physical, order[physical]] < 0) for physical in range(3)]
    return order, flipped


def _choose_view(volumes: list[Array], spacing: tuple[float, float, float]) -> _View:
    depth, height, width = volumes[0].shape[:3]
    heads, rows, columns = (0, 1), (0, height), (0, width)
    if depth > 1:
        heads, rows, columns = _content(volumes[0])
        heads = _around_regions(volumes[1:], heads)
    height_mm = (rows[1] - rows[0]) * spacing[1]
    width_mm = (columns[1] - columns[0]) * spacing[2]
    across, count = _layout(heads[1] - heads[0], height_mm / width_mm)
    slices = _evenly(*heads, count)
    finest = min(spacing[1], spacing[2])
    native = max(1.0, width_mm / finest)
    limit = min(MAX_TILE_WIDTH, (MAX_WIDTH + _GAP) // across - _GAP)
    if depth == 1:
        limit = max(int(min(native, MAX_WIDTH)), limit)
    tile_width = max(1, int(min(limit, native * max(1.0, math.ceil(limit / native)))))
    tile_height = max(1, round(tile_width * height_mm / width_mm))
    return _View(slices, rows, columns, (tile_height, tile_width), across)


def _content(volume: Array) -> tuple[_Range, _Range, _Range]:
    """Return the range along each axis that is not background."""
    if volume.dtype == bool:
        inside = volume
    else:
        gray = _gray(volume)
        low, high = window(gray)
        inside = gray > low + 0.08 * (high - low)
    ranges = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        filled = np.count_nonzero(inside, axis=others)
        # The first and last slices of a head show next to nothing.
        least = filled.max() * _LEAST_AREA if axis == 0 else 0
        ranges.append(_extent(filled > least, 0 if axis == 0 else 2))
    return ranges[0], ranges[1], ranges[2]


def _around_regions(volumes: list[Array], heads: _Range) -> _Range:
    """Narrow the range of slices to where masks are, with a margin.

    A small lesion would otherwise fall between two slices.
    """
    regions = [volume for volume in volumes if volume.dtype == bool and volume.any()]
    if not regions or len(regions) != len(volumes):
        return heads
    filled = np.logical_or.reduce([region.any(axis=(1, 2)) for region in regions])
    first, stop = _extent(filled, max(2, (heads[1] - heads[0]) // 20))
    if stop - first > (heads[1] - heads[0]) // 2:
        return heads
    return first, stop


def _extent(filled: Array, margin: int) -> _Range:
    """Return the first index that is filled and the last one + 1, with a margin."""
    found = np.flatnonzero(filled)
    if not found.size:
        return 0, len(filled)
    return max(0, int(found[0]) - margin), min(len(filled), int(found[-1]) + 1 + margin)


def _layout(available: int, tile_aspect: float) -> tuple[int, int]:
    """Return how many slices go in a row, and how many there are: full rows.

    The picture is to be about two thirds as high as wide, with as many slices as are
    worth showing.
    """
    best, best_score = (1, 1), -math.inf
    for across in range(1, MAX_SLICES + 1):
        for down in range(1, MAX_SLICES // across + 1):
            count = across * down
            if count > available:
                continue
            shape = abs(math.log(down * tile_aspect / across / 0.66))
            score = count / min(available, MAX_SLICES) - shape
            if score > best_score:
                best, best_score = (across, count), score
    return best


def _evenly(first: int, stop: int, count: int) -> tuple[int, ...]:
    step = (stop - first) / count
    return tuple(int(first + step * (place + 0.5)) for place in range(count))


def _background(volume: Array, layer: Image | Mask, view: _View) -> FloatArray:
    if isinstance(layer, Mask):
        return _mosaic(volume, view) * np.float32(255)
    if layer.components in (3, 4):
        bands = [_mosaic(volume[..., band], view) for band in range(3)]
        return _stretched(np.stack(bands, axis=-1), volume)
    gray = _gray(volume)
    low, high = window(gray)
    # Voxels beyond the window, infinite ones too, must not spread into neighbours.
    clipped = np.clip(np.nan_to_num(gray, nan=low, posinf=high, neginf=low), low, high)
    return (_mosaic(clipped, view) - np.float32(low)) * np.float32(255 / (high - low))


def _stretched(canvas: FloatArray, volume: Array) -> FloatArray:
    if volume.dtype == np.uint8:
        return canvas
    low, high = window(volume)
    if low >= 0 and high <= 255:
        return canvas
    return (canvas - np.float32(low)) * np.float32(255 / (high - low))


def _gray(volume: Array) -> Array:
    if volume.ndim == 4:
        mean: FloatArray = volume[..., :3].mean(axis=-1, dtype=np.float32)
        return mean
    return np.abs(volume) if volume.dtype.kind == "c" else volume


def window(gray: Array) -> tuple[float, float]:
    """Return the numbers to be shown black and white, robust against outliers."""
    step = max(1, round((gray.size / 400_000) ** (1 / 3)))
    sample = gray[::step, ::step, ::step].reshape(-1).astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 1.0
    low = float(np.percentile(sample, _WINDOW[0]))
    above = sample[sample > low]
    high = float(np.percentile(above, _WINDOW[1])) if above.size else low + 1.0
    return low, high


def _mosaic(volume: Array, view: _View) -> FloatArray:
    """Return the chosen slices at their places, interpolated; zero between them."""
    tile_height, tile_width = view.tile
    down = -(-len(view.slices) // view.across)
    height = down * (tile_height + _GAP) - _GAP
    width = view.across * (tile_width + _GAP) - _GAP
    lowest = np.float32(0 if volume.dtype == bool else volume.min())
    canvas = np.full((height, width), lowest, np.float32)
    to_rows = _weights(view.rows[1] - view.rows[0], tile_height)
    to_columns = _weights(view.columns[1] - view.columns[0], tile_width).T
    for place, index in enumerate(view.slices):
        part = volume[index, slice(*view.rows), slice(*view.columns)]
        top = place // view.across * (tile_height + _GAP)
        left = place % view.across * (tile_width + _GAP)
        tile = to_rows @ part.astype(np.float32) @ to_columns
        canvas[top : top + tile_height, left : left + tile_width] = tile
    return canvas


def _weights(size: int, target: int) -> FloatArray:
    """Return the matrix, (target, size), that resamples a line of voxels.

    Linear interpolation where the picture is finer, weighted means where it is
    coarser.
    """
    scale = size / target
    reach = max(1.0, scale)
    centers = (np.arange(target) + 0.5) * scale - 0.5
    centers = np.clip(centers, 0, size - 1)
    distance = np.abs(np.arange(size)[np.newaxis] - centers[:, np.newaxis])
    weights = np.maximum(0.0, 1.0 - distance / reach)
    normal: FloatArray = (weights / weights.sum(axis=1, keepdims=True)).astype(
        np.float32
    )
    return normal


def _regions(layer: Image | Mask, volume: Array, view: _View) -> list[FloatArray]:
    """Return per region of a layer how strongly it colours each pixel, 0 to 1."""
    if isinstance(layer, Mask):
        return [_region(volume, view)]
    gray = _gray(volume)
    if gray.dtype.kind in "iu":
        shown = gray[list(view.slices)]
        labels = np.unique(gray) if len(np.unique(shown)) <= MAX_LABELS + 1 else ()
        if 0 < len(labels) <= MAX_LABELS + 1:
            return [_region(gray == label, view) for label in labels if label != 0]
    low, high = window(gray)
    amount = (np.clip(gray, low, high).astype(np.float32) - low) / (high - low)
    return [_mosaic(np.nan_to_num(amount), view) * np.float32(0.75)]


def _region(inside: Array, view: _View) -> FloatArray:
    """Return the strength of a region: half clear, with a clear outline."""
    solid = _mosaic(inside, view) >= 0.5
    core = solid.copy()
    core[1:] &= solid[:-1]
    core[:-1] &= solid[1:]
    core[:, 1:] &= solid[:, :-1]
    core[:, :-1] &= solid[:, 1:]
    strength = np.where(core, np.float32(_FILL), np.float32(_OUTLINE))
    return np.where(solid, strength, np.float32(0))


def _as_color(canvas: FloatArray) -> FloatArray:
    return canvas if canvas.ndim == 3 else np.repeat(canvas[..., np.newaxis], 3, -1)


def _blend(canvas: FloatArray, color: FloatArray, strength: FloatArray) -> FloatArray:
    amount = strength[..., np.newaxis]
    return canvas * (1 - amount) + color * amount
