"""docs/examples/brain-tissue.imgql, step by step, in SimpleITK with default threads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

NAME = "brain/mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
BOX = (1, 1, 1)


def largest_component(mask: sitk.Image) -> sitk.Image:
    """Return the largest component, through full connectivity."""
    labels = sitk.ConnectedComponent(mask, True)
    return sitk.RelabelComponent(labels, sortByObjectSize=True) == 1


def touching(mask: sitk.Image, other: sitk.Image) -> sitk.Image:
    """Return the components of ``mask`` that touch or meet ``other``."""
    near = sitk.BinaryDilate(other, BOX, sitk.sitkBox)
    labels = sitk.ConnectedComponent(mask, True)
    array = sitk.GetArrayViewFromImage(labels)
    hit = np.unique(array[sitk.GetArrayViewFromImage(near) != 0])
    chosen = np.zeros(int(array.max()) + 1, np.uint8)
    chosen[hit] = 1
    chosen[0] = 0
    return with_grid(chosen[array], mask)


def ranks(image: sitk.Image, mask: sitk.Image) -> sitk.Image:
    """Return the mid-rank of each voxel among those of ``mask``; -1 outside."""
    inside = sitk.GetArrayViewFromImage(mask) != 0
    values = sitk.GetArrayViewFromImage(image)[inside]
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    out = np.full(inside.shape, -1, np.float32)
    out[inside] = ((below + 0.5 * counts) / values.size)[place]
    return with_grid(out, image)


def with_grid(array: npt.NDArray[np.generic], like: sitk.Image) -> sitk.Image:
    """Return an array as an image on the grid of ``like``."""
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(like)
    return image


def count(mask: sitk.Image) -> int:
    """Count the voxels of a mask."""
    return int(np.count_nonzero(sitk.GetArrayViewFromImage(mask)))


def dice(found: sitk.Image, expected: sitk.Image) -> float:
    """Return twice the overlap over the sum of sizes."""
    return 2 * count(found & expected) / (count(found) + count(expected))


def save_overlay(template: sitk.Image, labels: sitk.Image, path: str) -> None:
    """Save every fifth axial slice with its labels in colour."""
    coloured = sitk.LabelOverlay(template, labels, opacity=0.5)
    slices = [coloured[:, :, z] for z in range(0, coloured.GetDepth(), 5)]
    sitk.WriteImage(sitk.Tile(slices, (8, 0)), path)


def main() -> None:
    """Segment, measure, print, save."""
    template = sitk.ReadImage(NAME.format("t1"))
    t1 = sitk.Cast(template, sitk.sitkFloat32)
    brain = largest_component(t1 > 0)
    rank = ranks(t1, brain)

    fluid = brain & (rank < 0.083)
    core = largest_component(rank >= 0.8)
    white = touching(rank >= 0.667, core)
    grey = brain & sitk.Not(fluid) & sitk.Not(white)

    outside = sitk.Not(brain)
    depth = sitk.SignedMaurerDistanceMap(
        outside, squaredDistance=False, useImageSpacing=True
    )
    inner = touching(fluid & (depth >= 25), depth >= 35)

    ml = float(np.prod(template.GetSpacing())) / 1000
    print(f"brain_ml={count(brain) * ml}")
    print(f"grey_ml={count(grey) * ml}")
    print(f"white_ml={count(white) * ml}")
    print(f"fluid_ml={count(fluid) * ml}")
    print(f"inner_fluid_ml={count(inner) * ml}")
    print(f"grey_dice={dice(grey, sitk.ReadImage(NAME.format('gm')) >= 128)}")
    print(f"white_dice={dice(white, sitk.ReadImage(NAME.format('wm')) >= 128)}")

    sitk.WriteImage(grey, "grey-matter.nii.gz")
    sitk.WriteImage(white, "white-matter.nii.gz")
    sitk.WriteImage(fluid, "fluid.nii.gz")
    labels = fluid + 2 * grey + 3 * white
    save_overlay(template, labels, "brain-tissue.png")


if __name__ == "__main__":
    main()
