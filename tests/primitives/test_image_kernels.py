"""Thresholds, ranks, reductions, colours and textures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from primitives.catalog import standard_registry
from primitives.context import CancelledError, Context
from primitives.errors import KernelError, KernelTypeError
from primitives.values import Grid, Image, Mask

from .samples import call, grid_of, image, mask

float32s = st.floats(-100, 100, width=32)
few_values = st.sampled_from([-1.5, -0.0, 0.0, 0.25, 1.0, 2.0, 200.0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("eq_sv", [0, 1, 0]),
        ("geq_sv", [0, 1, 1]),
        ("leq_sv", [1, 1, 0]),
        ("gt_sv", [0, 0, 1]),
        ("lt_sv", [1, 0, 0]),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_thresholds_compare_with_the_number(
    name: str, expected: list[int], dtype: str
) -> None:
    found = call(f"vox1.{name}", 2.0, image([[1, 2, 3]], dtype))
    assert found.array.astype(int).tolist() == [expected]


def test_integers_are_compared_exactly() -> None:
    grey = image([[200, 201]], "uint8")
    assert call("vox1.lt_sv", 200.5, grey).array.tolist() == [[True, False]]
    assert call("vox1.geq_sv", 300.0, grey).array.tolist() == [[False, False]]
    assert call("vox1.leq_sv", math.inf, grey).array.all()
    assert not call("vox1.gt_sv", math.nan, grey).array.any()


def test_a_number_is_rounded_to_the_type_of_the_image() -> None:
    assert call("vox1.eq_sv", 0.1, image([[0.1]], "float32")).array.all()
    assert call("vox1.eq_sv", 0.1, image([[0.1]], "float64")).array.all()


def test_between_includes_both_bounds() -> None:
    found = call("vox1.between", 2.0, 3.0, image([[1, 2, 3, 4]], "uint8"))
    assert found.array.tolist() == [[False, True, True, False]]
    with pytest.raises(KernelError, match="lower one first"):
        call("vox1.between", 3.0, 2.0, image([[1]]))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint64", "float32"])
def test_between_takes_fractions_and_bounds_beyond_the_pixel_type(dtype: str) -> None:
    numbers = image([[0, 1, 2, 3]], dtype)
    for low, high, expected in (
        (0.5, 2.5, [0, 1, 1, 0]),
        (-math.inf, 1, [1, 1, 0, 0]),
        (1, math.inf, [0, 1, 1, 1]),
        (-1e300, 1e300, [1, 1, 1, 1]),
        (-1e30, -1, [0, 0, 0, 0]),
        (1e30, math.inf, [0, 0, 0, 0]),
        (math.nan, 2, [0, 0, 0, 0]),
        (0, math.nan, [0, 0, 0, 0]),
    ):
        found = call("vox1.between", low, high, numbers)
        assert found.array.astype(int).tolist() == [expected], (low, high)


def test_arithmetic_does_not_truncate_to_the_pixel_type() -> None:
    grey = image([[200]], "uint8")
    assert call("vox1.mul_vs", grey, 0.5).array.tolist() == [[100]]
    assert call("vox1.add_vs", grey, 100.0).array.tolist() == [[300]]
    assert call("vox1.sub_vs", grey, 250.0).array.tolist() == [[-50]]
    assert call("vox1.sub_sv", 250.0, grey).array.tolist() == [[50]]
    assert call("vox1.div_sv", 100.0, grey).array.tolist() == [[0.5]]
    assert call("vox1.div_vs", grey, 8.0).array.tolist() == [[25]]
    assert call("vox1.abs", image([[-3, 3]], "int16")).array.tolist() == [[3, 3]]


def test_a_number_over_zero_is_the_greatest_finite_number() -> None:
    found = call("vox1.div_sv", 1.0, image([[0, 2]]))
    assert found.array.tolist() == [[np.finfo(np.float32).max, 0.5]]
    with pytest.raises(KernelError, match="zero"):
        call("vox1.div_vs", image([[1]]), 0.0)


def test_mask_keeps_the_pixel_type() -> None:
    found = call("vox1.mask", image([[5, 6]], "int16"), mask([[0, 1]]))
    assert found.array.tolist() == [[0, 6]]
    assert found.array.dtype == np.int16
    assert isinstance(call("vox1.mask", mask([[1, 1]]), mask([[0, 1]])), Mask)


def test_reductions_give_doubles() -> None:
    grey, region = image([[1, 2, 6]], "uint8"), mask([[1, 0, 1]])
    for name, arguments, expected in (
        ("volume", (region,), 2.0),
        ("max", (grey,), 6.0),
        ("min", (grey,), 1.0),
        ("avg", (grey, region), 3.5),
        ("avg0", (grey, region), 3.5),
        ("avg0", (grey, mask([[0, 0, 0]])), 0.0),
    ):
        found = call(f"vox1.{name}", *arguments)
        assert (type(found), found) == (float, expected), name


def test_the_mean_over_an_empty_region_is_an_error() -> None:
    with pytest.raises(KernelError, match="avg0"):
        call("vox1.avg", image([[1]]), mask([[0]]))


def test_extremes_have_one_zero() -> None:
    zeros = image([[0.0, -0.0]])
    assert math.copysign(1, call("vox1.max", zeros)) == 1
    assert math.copysign(1, call("vox1.min", zeros)) == 1


@given(
    arrays.arrays(np.float32, st.integers(1, 20000), elements=float32s, fill=float32s)
)
def test_the_mean_is_near_the_exact_one(values: npt.NDArray[np.float32]) -> None:
    line = image(values.reshape(1, -1))
    everywhere = call("vox1.tt", line)
    exact = math.fsum(values.tolist()) / values.size
    assert call("vox1.avg", line, everywhere) == pytest.approx(exact, abs=1e-10)


def test_volumes_are_in_physical_units() -> None:
    grid = Grid((2, 2, 2), (2.0, 5.0, 10.0), (0.0,) * 3, tuple(np.eye(3).reshape(-1)))
    region = Mask(np.ones((2, 2, 2), bool), grid)
    assert call("voxpeer.voxelvolume", region) == 100.0
    assert call("voxpeer.volumeml", region) == 0.8
    with pytest.raises(KernelTypeError, match="2-D"):
        call("voxpeer.volumeml", mask([[1]]))


def naive_ranks(
    values: npt.NDArray[Any], inside: npt.NDArray[np.bool_], correction: float
) -> npt.NDArray[np.float32]:
    """Return the ranks by their definition."""
    numbers = values.astype(np.float32)
    found = np.full(numbers.shape, np.float32(-1))
    population = numbers[inside]
    for index in np.argwhere(inside):
        voxel = numbers[tuple(index)]
        smaller = int((population < voxel).sum())
        equal = int((population == voxel).sum())
        found[tuple(index)] = (smaller + correction * equal) / population.size
    return found


@given(
    st.data(),
    st.sampled_from(["uint8", "int16", "int32", "float32", "float64"]),
    st.sampled_from([0.0, 0.5, 1.0, 0.3]),
)
def test_percentiles_are_those_of_the_definition(
    data: st.DataObject, dtype: str, correction: float
) -> None:
    shape = data.draw(arrays.array_shapes(min_dims=2, max_dims=3, max_side=6))
    numbers = data.draw(arrays.arrays(np.float64, shape, elements=few_values))
    if dtype.startswith("u"):
        numbers = np.abs(numbers)
    if dtype.startswith("float"):
        numbers[numbers == 200] = data.draw(st.sampled_from([np.nan, np.inf, 200]))
    inside = data.draw(arrays.arrays(np.bool_, shape))
    values = image(numbers, dtype)
    found = call("vox1.percentiles", values, mask(inside), correction)
    expected = naive_ranks(values.array, inside, correction)
    np.testing.assert_array_equal(found.array, expected)
    assert found.array.dtype == np.float32


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "float32", "float64"])
@pytest.mark.parametrize("spread", [20, 3e4, 1e7])
def test_percentiles_are_the_same_counted_and_sorted_in_any_number_of_threads(
    dtype: str, spread: float
) -> None:
    dice = np.random.default_rng(3)
    limits = np.iinfo(dtype) if dtype[0] in "iu" else np.finfo(np.float32)
    numbers = dice.normal(100, spread, (40, 50, 60)).clip(limits.min, limits.max)
    whole = np.rint(numbers).clip(0, limits.max).astype(dtype)
    inside = dice.random(whole.shape) < 0.5
    for values in (whole, numbers.astype(dtype)):
        selected = values[inside].astype(np.float32)
        _, places, counts = np.unique(selected, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - counts + 0.5 * counts) / selected.size
        kernel = standard_registry().get("vox1.percentiles").load()
        for threads in (1, 2, 5):
            found = kernel(Context(threads), image(values, dtype), mask(inside), 0.5)
            expected = ranks[places].astype(np.float32)
            np.testing.assert_array_equal(found.array[inside], expected)
            assert (found.array[~inside] == -1).all()


def test_otsu_separates_two_peaks_inside_the_region() -> None:
    grey = image([[10, 12, 11, 200, 210, 205]], "uint8")
    region = mask([[1, 1, 1, 1, 1, 0]])
    found = call("vox1.otsu", grey, region, 32.0)
    assert found.array.astype(int).tolist() == [[0, 0, 0, 1, 1, 0]]
    assert not call("vox1.otsu", grey, mask([[0] * 6]), 32.0).array.any()
    with pytest.raises(KernelError, match="whole number"):
        call("vox1.otsu", grey, region, 2.5)


def test_the_gradient_is_that_of_itk() -> None:
    dice = np.random.default_rng(1)
    values = dice.random((9, 8, 7), dtype=np.float32)
    grid = Grid((7, 8, 9), (0.5, 1.0, 2.0), (0.0,) * 3, tuple(np.eye(3).reshape(-1)))
    found = call("vox1.gradient", Image.of_array(values, grid))
    theirs = sitk.GetArrayFromImage(sitk.GradientMagnitude(found_itk(values, grid)))
    np.testing.assert_allclose(found.array, theirs, rtol=1e-5)


def found_itk(values: npt.NDArray[Any], grid: Grid) -> sitk.Image:
    """Return an ITK image of ``values`` on ``grid``."""
    return Image.of_array(values.copy(), grid).itk


def test_colours_are_taken_apart_and_joined() -> None:
    voxels = np.array([[[100, 50, 200]]], np.uint8)
    colour = Image.of_array(voxels, grid_of((1, 1)), 3)
    parts = [call(f"vox1.{name}", colour) for name in ("red", "green", "blue")]
    assert [part.array[0, 0] for part in parts] == [100, 50, 200]
    assert call("vox1.intensity", colour).array[0, 0] == np.float32(
        0.2126 * 100 + 0.7152 * 50 + 0.0722 * 200
    )
    assert call("vox1.alpha", colour).array[0, 0] == 255
    joined = call("vox1.rgb", *parts)
    assert joined.array.tolist() == voxels.tolist()
    assert (joined.components, joined.array.dtype) == (3, np.float32)
    assert call("vox1.rgba", *parts, parts[0]).components == 4


def test_a_grey_image_is_its_own_red() -> None:
    grey = image([[7]], "uint8")
    assert call("vox1.red", grey).array.tolist() == [[7]]
    assert call("vox1.intensity", grey).array.dtype == np.float32


def naive_correlation(
    values: npt.NDArray[np.float32],
    half: tuple[int, ...],
    reference: npt.NDArray[np.int64],
    edges: tuple[float, float, int],
) -> npt.NDArray[np.float32]:
    """Return the correlation of local histograms by its definition."""
    found = np.empty(values.shape, np.float32)
    for index in np.ndindex(values.shape):
        box = tuple(
            slice(max(0, at - by), at + by + 1)
            for at, by in zip(index, half, strict=True)
        )
        local = histogram(values[box], edges)
        mine, other = local - local.mean(), reference - reference.mean()
        if not mine.any() or not other.any():
            found[index] = float(not mine.any() and not other.any())
        else:
            found[index] = (mine * other).sum() / np.sqrt(
                (mine**2).sum() * (other**2).sum()
            )
    return found


def histogram(
    values: npt.NDArray[np.float32], edges: tuple[float, float, int]
) -> npt.NDArray[np.int64]:
    """Count values in bins over [low, high)."""
    low, high, count = edges
    counted = values[(values >= low) & (values < high)].astype(np.float64)
    places = np.floor((counted - low) / ((high - low) / count)).astype(np.int64)
    return np.bincount(np.minimum(places, count - 1), minlength=count)


@pytest.mark.parametrize("shape", [(9, 8), (1, 30), (20, 7, 6), (3, 1, 40)])
@pytest.mark.parametrize("background", [None, 5.0, 200.0])
@pytest.mark.parametrize("radius", [1, 2, 30])
def test_the_correlation_is_that_of_the_definition(
    shape: tuple[int, ...], background: float | None, radius: int
) -> None:
    dice = np.random.default_rng(5)
    values = dice.integers(0, 12, shape).astype(np.float32)
    inside = dice.random(shape) < 0.3
    if background is not None:
        for axis, length in enumerate(shape):
            np.moveaxis(values, axis, 0)[length // 2 + 1 :] = background
            np.moveaxis(values, axis, 0)[: length // 4] = background
    edges = (1.0, 11.0, 5)
    found = call(
        "vox1.crossCorrelation",
        float(radius),
        image(values),
        image(values),
        mask(inside),
        *edges,
    )
    reference = histogram(values[inside], edges)
    expected = naive_correlation(values, (radius,) * len(shape), reference, edges)
    np.testing.assert_allclose(found.array, expected, atol=1e-6)


@pytest.mark.parametrize("bins", [1, 20, 300])
def test_the_correlation_is_the_same_in_any_number_of_threads(bins: int) -> None:
    dice = np.random.default_rng(6)
    # Several slabs of planes.
    grey = image(dice.integers(0, 2 * bins, (24, 130, 140)))
    region = mask(grey.array > bins)
    kernel = standard_registry().get("vox1.crossCorrelation").load()
    found = [
        kernel(Context(threads), 2.0, grey, grey, region, 0.0, 2.0 * bins, bins)
        for threads in (1, 2, 8)
    ]
    assert len({each.array.tobytes() for each in found}) == 1


def test_a_correlation_that_nobody_wants_any_more_stops() -> None:
    grey = image(np.random.default_rng(7).random((8, 9, 10)))
    kernel = standard_registry().get("vox1.crossCorrelation").load()
    context = Context(2)
    context.cancel()
    with pytest.raises(CancelledError):
        kernel(context, 2.0, grey, grey, mask(grey.array > 0.5), 0.0, 1.0, 20.0)
