"""The lesion pipeline of ``benchmarks.images``, step by step in SimpleITK and numpy.

Written as a person would who knows both, with ITK's default threads.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

NAME = "brain/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
BOX = (1, 1, 1)
RADIUS, BINS = 3, 20

Array = npt.NDArray[np.generic]


def with_grid(array: Array, like: sitk.Image) -> sitk.Image:
    """Return an array as an image on the grid of ``like``."""
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(like)
    return image


def near(mask: sitk.Image) -> sitk.Image:
    """Return the dilation by a box of 3 voxels a side."""
    found: sitk.Image = sitk.BinaryDilate(mask, BOX, sitk.sitkBox)
    return found


def touching(mask: sitk.Image, other: sitk.Image) -> sitk.Image:
    """Return the components of ``mask`` that touch or meet ``other``."""
    labels = sitk.ConnectedComponent(mask, True)
    array = sitk.GetArrayViewFromImage(labels)
    hit = np.unique(array[sitk.GetArrayViewFromImage(near(other)) != 0])
    chosen = np.zeros(int(array.max()) + 1, np.uint8)
    chosen[hit] = 1
    chosen[0] = 0
    return with_grid(chosen[array], mask)


def distance(mask: sitk.Image) -> sitk.Image:
    """Return the signed distance to a mask in mm."""
    found: sitk.Image = sitk.SignedMaurerDistanceMap(
        mask, squaredDistance=False, useImageSpacing=True
    )
    return found


def regular(mask: sitk.Image, radius: float) -> sitk.Image:
    """Return the mask without what a ball of this radius does not fit into."""
    found: sitk.Image = distance(distance(sitk.Not(mask)) >= radius) < radius
    return found


def ranks(image: sitk.Image, mask: sitk.Image) -> sitk.Image:
    """Return the mid-rank of each voxel among those of ``mask``; -1 outside."""
    inside = sitk.GetArrayViewFromImage(mask) != 0
    values = sitk.GetArrayViewFromImage(image)[inside]
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    out = np.full(inside.shape, -1, np.float32)
    out[inside] = ((below + 0.5 * counts) / values.size)[place]
    return with_grid(out, image)


def box_sums(counts: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Sum over the box around each voxel, as far as it is in the image."""
    for axis in range(3):
        margins = [(RADIUS + 1, RADIUS) if axis == at else (0, 0) for at in range(3)]
        sums = np.cumsum(np.pad(counts, margins), axis=axis, dtype=np.int32)
        length, width = counts.shape[axis], 2 * RADIUS + 1
        last = np.take(sums, range(width, width + length), axis)
        counts = last - np.take(sums, range(length), axis)
    return counts


def likeness(image: sitk.Image, region: sitk.Image) -> sitk.Image:
    """Correlate the histogram around each voxel with that of a region."""
    values = sitk.GetArrayViewFromImage(image).astype(np.float64)
    low, high = values.min(), values.max()
    bins = np.floor((values - low) / ((high - low) / BINS)).astype(np.int32)
    inside = sitk.GetArrayViewFromImage(region) != 0
    reference = np.bincount(bins[inside], minlength=BINS + 1)[:BINS]
    offset = reference - reference.mean()
    total = np.zeros(values.shape)
    squares = np.zeros(values.shape)
    products = np.zeros(values.shape)
    for index in range(BINS):
        counts = box_sums((bins == index).astype(np.int32)).astype(np.float64)
        total += counts
        squares += counts * counts
        products += counts * offset[index]
    spread = np.sqrt(squares - total * total / BINS)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = products / (spread * np.sqrt((offset * offset).sum()))
    return with_grid(np.nan_to_num(found).astype(np.float32), image)


def count(mask: sitk.Image) -> float:
    """Count the voxels of a mask."""
    return float(np.count_nonzero(sitk.GetArrayViewFromImage(mask)))


def main() -> None:
    """Segment, and print the size of every region."""
    t1 = sitk.Cast(sitk.ReadImage(NAME), sitk.sitkFloat32)
    border = np.ones(t1.GetSize()[::-1], np.uint8)
    border[1:-1, 1:-1, 1:-1] = 0
    background = touching(t1 < 1, with_grid(border, t1))
    brain = sitk.Not(background)
    rank = ranks(t1, brain)
    bright = regular(rank > 0.95, 3)
    fairly = regular(rank > 0.86, 2)
    seed = bright | touching(fairly, bright)
    alike = regular(likeness(t1, seed) > 0.6, 2)
    lesion = seed | touching(alike, seed)
    core = distance(sitk.Not(lesion)) > 2
    labels = sitk.ConnectedComponent(core, True)
    body = sitk.RelabelComponent(labels, sortByObjectSize=True) == 1
    edge = body & near(sitk.Not(body))
    print(f"brain={count(brain)}")
    print(f"bright={count(bright)}")
    print(f"fairly={count(fairly)}")
    print(f"seed={count(seed)}")
    print(f"alike={count(alike)}")
    print(f"lesion={count(lesion)}")
    print(f"body={count(body)}")
    print(f"edge={count(edge)}")


if __name__ == "__main__":
    main()
