"""Neighbourhoods and components of regions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from primitives.errors import GridMismatchError, KernelTypeError
from primitives.values import Grid, Image, Mask

from .regions import long_masks, masks, pairs_of_masks
from .samples import call, grid_of, image, mask

Array = npt.NDArray[np.bool_]


def near(region: Mask) -> Array:
    return np.asarray(call("vox1.near", region).array)


def components(region: Array) -> list[Array]:
    """Return the components by growing each one voxel by voxel."""
    left, found = region.copy(), []
    while left.any():
        start = np.unravel_index(int(np.argmax(left)), left.shape)
        part = np.zeros_like(region)
        part[start] = True
        while True:
            grown = near(Mask(part.copy(), grid_of(part.shape))) & region
            if (grown == part).all():
                break
            part = grown
        found.append(part)
        left &= ~part
    return found


def test_near_adds_the_box_around_a_voxel() -> None:
    dot = np.zeros((5, 5))
    dot[1, 2] = 1
    expected = np.zeros((5, 5))
    expected[0:3, 1:4] = 1
    assert (near(mask(dot)) == expected).all()


def test_interior_does_not_erode_at_the_edge_of_the_image() -> None:
    full = mask(np.ones((3, 4, 2)))
    assert call("vox1.interior", full).array.all()


def test_an_image_counts_as_true_where_it_is_not_zero() -> None:
    found = call("vox1.near", image([[0, 0, 0, 255]], "uint8"))
    assert found.array.tolist() == [[False, False, True, True]]


@given(masks())
def test_interior_is_the_dual_of_near(region: Mask) -> None:
    negated = Mask(~region.array, region.grid)
    assert (call("vox1.interior", region).array == ~near(negated)).all()


@given(pairs_of_masks())
def test_near_keeps_the_order_of_regions(regions: tuple[Mask, Mask]) -> None:
    one, other = regions
    both = Mask(one.array & other.array, one.grid)
    assert (near(both) <= near(one)).all()
    assert (one.array <= near(one)).all()


@given(st.one_of(masks(), long_masks(axis=0)))
def test_near_is_the_dilation_of_itk(region: Mask) -> None:
    dilated = sitk.BinaryDilate(region.itk, [1] * region.array.ndim, sitk.sitkBox)
    assert (near(region) == sitk.GetArrayFromImage(dilated)).all()


@given(masks())
def test_labels_are_numbered_in_raster_order(region: Mask) -> None:
    found = call("vox1.lcc", region).array
    assert found.dtype == np.float32
    expected = np.zeros(found.shape)
    for number, part in enumerate(components(region.array), start=1):
        expected[part] = number
    assert (found == expected).all()


@given(long_masks())
def test_labels_are_those_of_itk(region: Mask) -> None:
    expected = sitk.ConnectedComponent(region.itk, True)
    found = call("vox1.lcc", region).array
    assert (found == sitk.GetArrayFromImage(expected)).all()


@pytest.mark.slow
@pytest.mark.parametrize("density", [0.01, 0.1, 0.5])
def test_components_of_noise_are_those_of_itk(density: float) -> None:
    dice = np.random.default_rng(2)
    region = Mask(dice.random((30, 70, 130)) < density, grid_of((30, 70, 130)))
    start = Mask(dice.random((30, 70, 130)) < 0.002, region.grid)
    theirs = sitk.GetArrayFromImage(sitk.ConnectedComponent(region.itk, True))
    assert (call("vox1.lcc", region).array == theirs).all()
    met = np.unique(theirs[start.array & region.array])
    assert (call("vox1.through", start, region).array == np.isin(theirs, met)).all()
    sizes = np.bincount(theirs.reshape(-1))[1:]
    largest = 1 + np.flatnonzero(sizes == sizes.max())
    assert (call("vox1.maxvol", region).array == np.isin(theirs, largest)).all()


def test_a_spiral_is_one_component() -> None:
    # Its arms are found to belong together only at the last.
    size = 101
    spiral = np.zeros((size, size))
    y, x, step_y, step_x = 0, 0, 0, 1
    while True:
        spiral[y, x] = 1
        ahead = [(y + n * step_y, x + n * step_x) for n in (1, 2)]
        if not blocked(spiral, *ahead):
            y, x = ahead[0]
            continue
        step_y, step_x = step_x, -step_y
        if blocked(spiral, *((y + n * step_y, x + n * step_x) for n in (1, 2))):
            break
    labels = call("vox1.lcc", mask(spiral)).array
    assert (labels == spiral).all()
    assert spiral.sum() > size * size / 3


def blocked(spiral: npt.NDArray[np.float64], *ahead: tuple[int, int]) -> bool:
    """Return whether the next place is outside, or the one after it is taken."""
    size = len(spiral)
    (y, x), (far_y, far_x) = ahead
    if not (0 <= y < size and 0 <= x < size):
        return True
    inside = 0 <= far_y < size and 0 <= far_x < size
    return bool(inside and spiral[far_y, far_x])


@given(pairs_of_masks())
def test_through_takes_the_components_that_meet_the_start(
    regions: tuple[Mask, Mask],
) -> None:
    start, region = regions
    expected = np.zeros_like(region.array)
    for part in components(region.array):
        if (part & start.array).any():
            expected |= part
    assert (call("vox1.through", start, region).array == expected).all()


@given(masks())
def test_maxvol_takes_all_components_of_the_greatest_size(region: Mask) -> None:
    parts = components(region.array)
    greatest = max((part.sum() for part in parts), default=0)
    expected = np.zeros_like(region.array)
    for part in parts:
        if part.sum() == greatest:
            expected |= part
    assert (call("vox1.maxvol", region).array == expected).all()


def test_diagonal_neighbours_are_connected() -> None:
    assert call("vox1.lcc", mask([[1, 0], [0, 1]])).array.tolist() == [[1, 0], [0, 1]]


def test_the_border_is_the_first_and_last_voxels_of_each_axis() -> None:
    found = call("vox1.border", image(np.zeros((3, 4)))).array
    assert found.tolist() == [
        [True, True, True, True],
        [True, False, False, True],
        [True, True, True, True],
    ]
    assert call("vox1.border", image(np.zeros((1, 3, 3)))).array.all()


def test_coordinates_count_voxels_from_zero() -> None:
    base = image(np.zeros((2, 3)))
    assert call("vox1.x", base).array.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert call("vox1.y", base).array.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert not call("vox1.z", base).array.any()


def test_constants_have_the_grid_of_the_base() -> None:
    base = image([[1, 2]])
    assert call("vox1.tt", base).array.all()
    assert not call("vox1.ff", base).array.any()
    assert call("vox1.bconstant", base, True).array.all()
    constant = call("vox1.constant", base, 2.5)
    assert constant.array.tolist() == [[2.5, 2.5]]
    assert constant.array.dtype == np.float32
    assert constant.grid == base.grid


def test_regions_on_different_grids_are_refused() -> None:
    one = mask([[1, 0]])
    moved = Grid((2, 1), (1.0, 1.0), (5.0, 0.0), (1.0, 0.0, 0.0, 1.0))
    other = Mask(one.array.copy(), moved)
    for name in ("and", "or", "through", "mask"):
        with pytest.raises(GridMismatchError, match="same grid"):
            call(f"vox1.{name}", one, other)


def test_a_colour_image_is_no_region() -> None:
    colours = Image.of_array(np.zeros((2, 2, 3), np.uint8), grid_of((2, 2)), 3)
    with pytest.raises(KernelTypeError, match="one component"):
        call("vox1.near", colours)
