"""Distance maps, and comparisons with them that make no map."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk
from hypothesis import example, given, settings
from hypothesis import strategies as st

from primitives.values import Grid, Mask

from .regions import all_voxels, long_masks, masks
from .samples import call, grid_of, mask

FAR = np.float32(1.8446743e19)

distances = st.one_of(
    st.floats(-3, 12),
    st.sampled_from(
        [0.0, 0.5, 0.88, 1.0, math.sqrt(2), 1.5, 2.0, 2.64, 3.0, 1e19, 2e19, 1e39]
    ),
)


def boundary_of(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the true voxels with a false neighbour."""
    padded = np.pad(inside, 1, constant_values=True)
    found = np.zeros_like(inside)
    for shift in np.ndindex((3,) * inside.ndim):
        part = tuple(
            slice(start, start + length)
            for start, length in zip(shift, inside.shape, strict=True)
        )
        found |= ~padded[part]
    return inside & found


def naive_distance(region: Mask) -> npt.NDArray[np.float32]:
    """Return the signed distance by its definition, all voxels against all."""
    inside = region.array
    boundary = boundary_of(inside)
    if not boundary.any():
        return np.full(inside.shape, -FAR if inside.any() else FAR)
    least = min(region.grid.spacing)
    voxels = all_voxels(region.grid)
    sources = voxels[boundary.reshape(-1)]
    squares = np.zeros((len(voxels), len(sources)))
    # Summed in the order x, y, z.
    for axis in reversed(range(inside.ndim)):
        step = region.grid.spacing[::-1][axis]
        difference = voxels[:, axis, None] - sources[None, :, axis]
        squares += (step / least) ** 2 * difference.astype(float) ** 2
    found = (least * np.sqrt(squares.min(axis=1))).astype(np.float32)
    found = found.reshape(inside.shape)
    signed: npt.NDArray[np.float32] = np.where(inside & ~boundary, -found, found)
    return signed


@given(masks())
def test_the_distance_is_that_of_the_definition(region: Mask) -> None:
    found = call("vox1.dt", region).array
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, naive_distance(region))
    assert not np.signbit(found[found == 0]).any()


@pytest.mark.slow
@settings(max_examples=60)
@given(long_masks())
def test_far_distances_are_those_of_the_definition(region: Mask) -> None:
    np.testing.assert_array_equal(call("vox1.dt", region).array, naive_distance(region))


@st.composite
def distances_that_occur(draw: st.DrawFn, region: Mask) -> float:
    """Draw a distance between two voxels, or a neighbour of it in float32."""
    square = 0.0
    for step in region.grid.spacing:
        square += (step * draw(st.integers(0, 6))) ** 2
    towards = draw(st.sampled_from([0.0, math.sqrt(square), math.inf]))
    return float(np.nextafter(np.float32(math.sqrt(square)), np.float32(towards)))


@pytest.mark.slow
@given(st.one_of(masks(), long_masks()), st.data())
def test_a_ball_reaches_exactly_as_far_as_the_map_says(
    region: Mask, data: st.DataObject
) -> None:
    limit = data.draw(distances_that_occur(region))
    found = call("vox1.distleq", limit, region).array
    map_ = np.maximum(naive_distance(region), 0)
    np.testing.assert_array_equal(found, map_ <= np.float32(limit))


@pytest.mark.slow
@pytest.mark.parametrize("radius", [3.0, 30.0])
def test_many_planes_and_a_large_ball_give_what_the_map_says(radius: float) -> None:
    dice = np.random.default_rng(5)
    region = Mask(dice.random((40, 300, 290)) < 2e-5, grid_of((40, 300, 290)))
    found = call("vox1.distleq", radius, region).array
    map_ = call("vox1.dt", region).array
    np.testing.assert_array_equal(found, map_ <= radius)


@given(masks(), distances)
@example(mask([[0, 0], [0, 0]]), 2e19)
@example(mask([[1, 1], [1, 1]]), 0.0)
def test_comparisons_equal_those_with_the_map(region: Mask, distance: float) -> None:
    signed = call("vox1.dt", region).array
    positive = np.maximum(signed, 0)
    with np.errstate(over="ignore"):
        limit = np.float32(distance)
    for name, expected in (
        ("distleq", positive <= limit),
        ("distgeq", positive >= limit),
        ("distlt", signed < limit),
        ("distgt", signed > limit),
    ):
        found = call(f"vox1.{name}", distance, region).array
        np.testing.assert_array_equal(found, expected, err_msg=name)


@pytest.mark.parametrize("name", ["distleq", "distgeq", "distlt", "distgt"])
def test_no_distance_satisfies_a_comparison_with_nan(name: str) -> None:
    region = mask([[0, 1, 0], [0, 0, 0]])
    assert not call(f"vox1.{name}", math.nan, region).array.any()


def test_a_square_has_its_distances() -> None:
    square = np.zeros((7, 7))
    square[1:6, 1:6] = 1
    found = call("vox1.dt", mask(square)).array
    assert found[3].tolist() == [1, 0, -1, -2, -1, 0, 1]
    assert found[0, 0] == np.float32(math.sqrt(2))


def test_distances_are_in_mm() -> None:
    grid = Grid((3, 2), (0.88, 2.0), (0.0, 0.0), (1.0, 0.0, 0.0, 1.0))
    region = Mask(np.array([[True, False, False], [False, False, False]]), grid)
    found = call("vox1.dt", region).array
    assert found[0].tolist() == [0, np.float32(0.88), np.float32(1.76)]
    assert found[1, 0] == 2


def test_no_true_voxel_is_far_from_everywhere() -> None:
    assert (call("vox1.dt", mask([[0, 0]])).array == FAR).all()
    assert (call("vox1.dt", mask([[1, 1]])).array == -FAR).all()


@pytest.mark.parametrize("shape", [(40, 50), (30, 24, 20)])
def test_isotropic_distances_equal_those_of_itk(shape: tuple[int, ...]) -> None:
    dice = np.random.default_rng(3)
    region = Mask(dice.random(shape) < 0.01, grid_of(shape))
    expected = sitk.SignedMaurerDistanceMap(region.itk, False, False, True)
    found = np.maximum(call("vox1.dt", region).array, 0)
    inside = region.array
    theirs = sitk.GetArrayFromImage(expected)
    np.testing.assert_array_equal(found[~inside], theirs[~inside])


@pytest.mark.parametrize("length", [200, 400])
def test_a_distance_too_long_for_16_bits_is_exact(length: int) -> None:
    line = np.zeros((2, length))
    line[0, 0] = 1
    found = call("vox1.dt", mask(line)).array
    np.testing.assert_array_equal(found[0], np.arange(length))
    expected = np.sqrt(np.arange(length) ** 2 + 1.0).astype(np.float32)
    np.testing.assert_array_equal(found[1], expected)


@pytest.mark.parametrize("spacing", [(1.0, 1e155, 1e8), (1e200, 3.0, 3.0)])
@pytest.mark.parametrize("name", ["vox1.distleq", "vox1.distlt"])
def test_nothing_is_near_an_empty_region_on_the_most_stretched_grid(
    spacing: tuple[float, float, float], name: str
) -> None:
    plain = grid_of((3, 4, 5))
    grid = Grid(plain.size, spacing, plain.origin, plain.direction)
    region = Mask(np.zeros(grid.shape, np.bool_), grid)
    assert not call(name, 1.0, region).array.any()


def test_one_voxel_is_near_itself_alone_on_a_grid_with_endless_steps() -> None:
    plain = grid_of((1, 4, 5))
    grid = Grid(plain.size, (1e8, 3.3, 1e155), plain.origin, plain.direction)
    inside = np.zeros(grid.shape, np.bool_)
    inside[0, 1, 2] = True
    found = call("vox1.distleq", 1.0, Mask(inside.copy(), grid))
    assert found.array.tolist() == inside.tolist()
