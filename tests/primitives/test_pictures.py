"""Pictures of volumes: upright, complete, in colours that can be told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from primitives import (
    Grid,
    GridMismatchError,
    Image,
    InputFile,
    KernelError,
    KernelTypeError,
    Mask,
)
from primitives.formats.mosaic import MAX_WIDTH, draw
from primitives.formats.write import write_value
from tests.primitives.samples import call

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def head(shape: tuple[int, int, int] = (1, 40, 40)) -> tuple[Image, Grid]:
    """Return a gray block, brighter in front and brightest front right.

    Its axes run to the patient's left, back and head.
    """
    numbers = np.full(shape, 100, np.float32)
    numbers[:, : shape[1] // 2] = 200
    numbers[:, : shape[1] // 2, : shape[2] // 2] = 250
    numbers[:, -1, :] = 0
    numbers[:, :, -1] = 0
    grid = Grid(shape[::-1], (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), IDENTITY)
    return Image.of_array(numbers, grid), grid


def quarters(picture: npt.NDArray[np.uint8]) -> list[float]:
    """Return the mean gray of the corners: top left, top right, bottom left, right."""
    height, width = picture.shape[:2]
    top, left = height // 4, width // 4
    return [
        float(picture[at_y - 3 : at_y + 3, at_x - 3 : at_x + 3].mean())
        for at_y in (top, 3 * top)
        for at_x in (left, 3 * left)
    ]


def test_front_is_at_the_top_and_right_is_on_the_left() -> None:
    corners = quarters(draw([head()[0]]))
    assert corners[0] > corners[1] > corners[2]
    assert corners[2] == pytest.approx(corners[3], abs=2)


@pytest.mark.slow
@given(st.permutations([0, 1, 2]), st.lists(st.booleans(), min_size=3, max_size=3))
def test_the_picture_does_not_depend_on_the_order_of_the_voxels(
    order: list[int], flipped: list[bool]
) -> None:
    """However a scanner stores the patient, the picture is the same."""
    original, _ = head((6, 24, 30))
    array = original.array
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in flipped)
    stored = array[steps].transpose(order)
    direction = np.zeros((3, 3))
    for axis in range(3):
        # Voxel axis x is the last of the array's.
        physical = 2 - order[2 - axis]
        direction[physical, axis] = -1.0 if flipped[2 - physical] else 1.0
    size = stored.shape[::-1]
    grid = Grid(
        (size[0], size[1], size[2]),
        (1.0, 1.0, 1.0),
        (0.0, 0.0, 0.0),
        tuple(direction.reshape(-1).tolist()),
    )
    turned = Image.of_array(np.ascontiguousarray(stored), grid)
    assert (draw([turned]) == draw([original])).all()


def test_a_slice_has_the_patients_proportions() -> None:
    block, grid = head((1, 40, 40))
    stretched = Grid(grid.size, (1.0, 2.0, 1.0), grid.origin, grid.direction)
    height, width = draw([Image.of_array(block.array.copy(), stretched)]).shape
    assert height / width == pytest.approx(2, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(3, 5, 5), (189, 60, 50), (500, 30, 700), (1, 1, 1)])
def test_the_picture_is_not_too_wide(shape: tuple[int, int, int]) -> None:
    block, _ = head(shape)
    assert draw([block]).shape[1] <= MAX_WIDTH


def test_numbers_that_are_not_finite_leave_the_rest_visible() -> None:
    block, grid = head((4, 40, 40))
    numbers = block.array.copy()
    numbers[:, 3, 3] = np.nan
    numbers[:, 3, 5] = np.inf
    numbers[:, 5, 3] = -np.inf
    picture = draw([Image.of_array(numbers, grid)])
    assert len(np.unique(picture)) > 3
    nothing = Image.of_array(np.full(grid.shape, np.nan, np.float32), grid)
    assert draw([nothing]).max() == 0


def test_a_mask_alone_is_white_on_black() -> None:
    block, grid = head((1, 40, 40))
    picture = draw([Mask(block.array > 150, grid)])
    assert picture.ndim == 2
    assert {0, 255} <= set(np.unique(picture).tolist())


def test_an_empty_mask_is_a_black_picture() -> None:
    _, grid = head((5, 10, 10))
    assert draw([Mask(np.zeros(grid.shape, bool), grid)]).max() == 0


def test_masks_over_an_image_have_a_colour_each() -> None:
    block, grid = head()
    front, back = Mask(block.array > 150, grid), Mask(block.array == 100, grid)
    picture = draw([block, front, back]).astype(int)
    height = picture.shape[0]
    tint = picture - picture.mean(axis=2, keepdims=True)
    upper = tint[: height // 3].mean(axis=(0, 1))
    lower = tint[2 * height // 3 : -8].mean(axis=(0, 1))
    assert np.argmax(upper) == 0
    assert np.argmax(lower) == 2


def test_the_image_shows_through_the_colour() -> None:
    block, grid = head()
    picture = draw([block, Mask(np.ones(grid.shape, bool), grid)]).astype(int)
    corners = quarters(picture.astype(np.uint8))
    assert corners[0] > corners[1] > corners[2]


def test_labels_have_a_colour_each() -> None:
    block, grid = head()
    labels = np.zeros(grid.shape, np.uint8)
    labels[:, 5:15, 5:15], labels[:, 25:35, 5:15], labels[:, 5:15, 25:35] = 1, 2, 7
    picture = draw([block, Image.of_array(labels, grid)])
    gray = np.ptp(picture.astype(int), axis=2) < 8
    outlines = np.unique(picture[~gray].reshape(-1, 3) // 32, axis=0)
    assert len(outlines) >= 3


@pytest.mark.slow
def test_a_small_lesion_does_not_fall_between_two_slices() -> None:
    block, grid = head((150, 40, 40))
    lesion = np.zeros(grid.shape, bool)
    lesion[101:103, 10:14, 10:14] = True
    picture = draw([block, Mask(lesion, grid)])
    assert (np.ptp(picture.astype(int), axis=2) > 20).sum() >= 32


@pytest.mark.slow
def test_an_overlay_is_saved_as_a_picture(tmp_path: Path) -> None:
    block, grid = head((9, 40, 40))
    layers = call("overlay", block, Mask(block.array > 150, grid))
    for suffix in (".png", ".jpg", ".tif", ".bmp"):
        write_value(layers, tmp_path / f"seg{suffix}")
        found = call("load", InputFile.at(tmp_path / f"seg{suffix}"))
        assert found.components == 3
        assert found.grid.dimension == 2
    assert [layer["label"] for layer in layers["layers"]] == ["Base", "Overlay 1"]


def test_overlays_and_sequences_stand_for_their_images() -> None:
    block, grid = head()
    region = Mask(block.array > 150, grid)
    flat = call("overlay", block, region, region)
    assert call("overlay", call("overlay", block, region), (region,)) == flat


def test_an_overlay_needs_images_on_one_grid() -> None:
    block, _ = head()
    with pytest.raises(GridMismatchError):
        call("overlay", block, head((2, 40, 40))[0])
    with pytest.raises(KernelError, match="at least one"):
        call("overlay", ())
    with pytest.raises(KernelTypeError, match="not a double"):
        call("overlay", block, 3.0)
