"""The lesion pipeline of ``benchmarks.images``, made to be fast for this very brain.

Every step is the fastest library call or trick that its author knows: cc3d for
components, ORs of the rows of a ball for distances, counting for ranks, numba for local
histograms, boxes instead of volumes, buffers used again.
"""

from __future__ import annotations

import math
from typing import Any

import cc3d
import numba
import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

NAME = "brain/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
RADIUS, BINS = 3, 20

Array = npt.NDArray[Any]
Region = npt.NDArray[np.bool_]


def near(mask: Region) -> Region:
    """Return the dilation by a box of 3 voxels a side."""
    for axis in (2, 1, 0):
        found = mask.copy()
        to, by = np.moveaxis(found, axis, 0), np.moveaxis(mask, axis, 0)
        to[1:] |= by[:-1]
        to[:-1] |= by[1:]
        mask = found
    return mask


def touching(mask: Region, other: Region) -> Region:
    """Return the components of ``mask`` that touch or meet ``other``."""
    labels, count = cc3d.connected_components(mask, return_N=True)
    chosen = np.zeros(count + 1, np.bool_)
    chosen[labels[near(other) & mask]] = True
    chosen[0] = False
    return chosen[labels]


def largest(mask: Region) -> Region:
    """Return the component with the most voxels."""
    labels = cc3d.connected_components(mask)
    sizes = np.bincount(labels.reshape(-1))
    sizes[0] = 0
    found: Region = labels == sizes.argmax()
    return found


def box_of(mask: Region, margin: int) -> tuple[slice, ...]:
    """Return the box around a mask, some voxels larger on every side."""
    sides = []
    for axis, length in enumerate(mask.shape):
        others = tuple(other for other in range(3) if other != axis)
        held = np.flatnonzero(mask.any(axis=others))
        first, last = int(held[0]) - margin, int(held[-1]) + 1 + margin
        sides.append(slice(max(first, 0), min(last, length)))
    return tuple(sides)


def within(mask: Region, square: int) -> Region:
    """Return where a voxel of the mask is at most a squared distance away."""
    widest = math.isqrt(square)
    rows: list[list[tuple[int, int]]] = [[] for _ in range(widest + 1)]
    for z in range(-widest, widest + 1):
        for y in range(-widest, widest + 1):
            if z * z + y * y <= square:
                rows[math.isqrt(square - z * z - y * y)].append((z, y))
    found = np.zeros(mask.shape, np.bool_)
    spread = mask.copy()
    depth, height, _ = mask.shape
    for width, steps in enumerate(rows):
        if width:
            spread[:, :, width:] |= mask[:, :, :-width]
            spread[:, :, :-width] |= mask[:, :, width:]
        for z, y in steps:
            to = found[max(z, 0) : depth + min(z, 0), max(y, 0) : height + min(y, 0)]
            to |= spread[
                max(-z, 0) : depth - max(z, 0), max(-y, 0) : height - max(y, 0)
            ]
    return found


def regular(mask: Region, radius: int) -> Region:
    """Return the mask without what a ball of this radius does not fit into."""
    box = box_of(mask, radius)
    found = np.zeros(mask.shape, np.bool_)
    nearer = radius * radius - 1
    found[box] = within(~within(~mask[box], nearer), nearer)
    return found


def ranks(values: npt.NDArray[np.uint8], inside: Region) -> npt.NDArray[np.float32]:
    """Return the mid-rank of each voxel of ``inside``; -1 elsewhere."""
    counts = np.bincount(values[inside], minlength=256)
    below = np.cumsum(counts) - counts
    shares = ((below + 0.5 * counts) / counts.sum()).astype(np.float32)
    found: npt.NDArray[np.float32] = np.where(inside, shares[values], np.float32(-1))
    return found


@numba.njit(nogil=True, parallel=True, cache=True)
def correlate(bins: Array, offset: Array, scale: float, found: Array) -> None:
    """Correlate local histograms, held as running sums of columns, with another."""
    depth, height, width = bins.shape
    count = offset.size
    for z in numba.prange(depth):
        columns = np.zeros((width, count + 1), np.int32)
        first, last = max(0, z - RADIUS), min(depth, z + RADIUS + 1)
        window = np.zeros(count + 1, np.int32)
        for y in range(-RADIUS, height):
            if y + RADIUS < height:
                for plane in range(first, last):
                    for x in range(width):
                        columns[x, bins[plane, y + RADIUS, x]] += 1
            if y - RADIUS - 1 >= 0:
                for plane in range(first, last):
                    for x in range(width):
                        columns[x, bins[plane, y - RADIUS - 1, x]] -= 1
            if y < 0:
                continue
            window[:] = 0
            for x in range(-RADIUS, width):
                if x + RADIUS < width:
                    for index in range(count):
                        window[index] += columns[x + RADIUS, index]
                if x - RADIUS - 1 >= 0:
                    for index in range(count):
                        window[index] -= columns[x - RADIUS - 1, index]
                if x < 0:
                    continue
                total = 0
                squares = 0
                products = 0.0
                for index in range(count):
                    held = window[index]
                    total += held
                    squares += held * held
                    products += held * offset[index]
                spread = squares - total * total / count
                if spread > 0:
                    found[z, y, x] = products / (math.sqrt(spread) * scale)
                else:
                    found[z, y, x] = 0


def likeness(values: npt.NDArray[np.uint8], region: Region) -> npt.NDArray[np.float32]:
    """Correlate the histogram around each voxel with that of a region."""
    low, high = int(values.min()), int(values.max())
    places = np.arange(256) - low
    table = np.floor(places / ((high - low) / BINS)).astype(np.uint8)
    table[high] = BINS
    bins = table[values]
    reference = np.bincount(bins[region], minlength=BINS + 1)[:BINS]
    offset = reference - reference.mean()
    found = np.empty(values.shape, np.float32)
    correlate(bins, offset, math.sqrt((offset * offset).sum()), found)
    return found


def main() -> None:
    """Segment, and print the size of every region."""
    t1 = sitk.GetArrayFromImage(sitk.ReadImage(NAME))
    border = np.ones(t1.shape, np.bool_)
    border[1:-1, 1:-1, 1:-1] = False
    brain = ~touching(t1 < 1, border)
    rank = ranks(t1, brain)
    bright = regular(rank > np.float32(0.95), 3)
    fairly = regular(rank > np.float32(0.86), 2)
    seed = bright | touching(fairly, bright)
    alike = regular(likeness(t1, seed) > np.float32(0.6), 2)
    lesion = seed | touching(alike, seed)
    core = ~within(~lesion, 4)
    body = largest(core)
    edge = body & near(~body)
    regions = {
        "brain": brain,
        "bright": bright,
        "fairly": fairly,
        "seed": seed,
        "alike": alike,
        "lesion": lesion,
        "body": body,
        "edge": edge,
    }
    for name, region in regions.items():
        print(f"{name}={float(np.count_nonzero(region))}")


if __name__ == "__main__":
    main()
