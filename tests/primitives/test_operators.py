"""Arithmetic, comparison and logic on numbers, images and sequences."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from primitives import (
    GridMismatchError,
    Image,
    KernelError,
    KernelTypeError,
    Mask,
    Value,
    standard_registry,
)
from tests.primitives.samples import call, grid_of, image, mask

ints = st.integers(-(2**31), 2**31)
floats = st.floats(-1e100, 1e100)
FLOAT32_MAX = float(np.finfo(np.float32).max)


@pytest.mark.parametrize(
    ("symbol", "word"),
    [
        ("+", "addition"),
        ("/", "division"),
        ("<=", "num_leq"),
        ("&&", "bool_and_scalar"),
        ("!", "not_compat"),
    ],
)
def test_a_symbol_and_its_word_are_one_primitive(symbol: str, word: str) -> None:
    registry = standard_registry()
    assert registry.find(symbol) is registry.find(word)
    assert registry.get(f"default.{symbol}") is registry.get(f"default.{word}")


@given(ints, ints)
def test_integers_stay_integers_except_in_division(one: int, other: int) -> None:
    for symbol in "+-*":
        assert type(call(symbol, one, other)) is int
    if other:
        assert type(call("/", one, other)) is float


@given(ints, floats)
def test_a_double_makes_the_result_a_double(one: int, other: float) -> None:
    for symbol in "+-*":
        assert type(call(symbol, one, other)) is float
        assert type(call(symbol, other, one)) is float


@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
def test_dividing_a_number_by_zero_is_an_error(zero: float) -> None:
    with pytest.raises(KernelError, match="division by zero"):
        call("/", 1.0, zero)


def test_an_integer_beyond_64_bits_is_an_error() -> None:
    assert call("+", 2**62, 2**62 - 1) == 2**63 - 1
    with pytest.raises(KernelError, match="64 bits"):
        call("+", 2**62, 2**62)
    with pytest.raises(KernelError, match="64 bits"):
        call("*", 2**40, 2**40)


def test_strings_join_by_addition_and_compare_for_equality() -> None:
    assert call("+", "a", "b") == "ab"
    assert call("==", "a", "a") is True
    assert call("!=", "a", "b") is True
    with pytest.raises(KernelTypeError, match="< is not defined for a string"):
        call("<", "a", "b")


@pytest.mark.parametrize("symbol", ["+", "==", "<"])
def test_a_string_and_a_number_do_not_mix(symbol: str) -> None:
    with pytest.raises(KernelTypeError, match="a string and a double"):
        call(symbol, "1", 1.0)


def test_integers_and_doubles_compare_by_value() -> None:
    assert call("==", 1, 1.0) is True
    assert call("<", 1, 1.5) is True
    assert call("==", math.nan, math.nan) is False


def test_numbers_are_true_unless_they_are_zero() -> None:
    assert call("&&", 2.0, True) is True
    assert call("||", 0, 0.0) is False
    assert call("!", 0) is True
    with pytest.raises(KernelTypeError, match="a string"):
        call("&&", "yes", True)


def test_sequences_combine_item_by_item_and_repeat_a_single_value() -> None:
    assert call("+", (1, 2), (10, 20)) == (11, 22)
    assert call("*", (1, (2, 3)), 2) == (2, (4, 6))
    assert call("<", 2, (1, 3)) == (False, True)
    assert call("!", (0, 1)) == (True, False)
    assert call("+", (), 1) == ()
    assert call("+", (), ()) == ()


def test_sequences_of_different_length_do_not_combine() -> None:
    with pytest.raises(KernelError, match="2 and 3 items"):
        call("+", (1, 2), (1, 2, 3))


def test_integer_images_are_never_truncated() -> None:
    bright = image([[200, 7]], "uint8")
    assert call("*", bright, 0.5).array.tolist() == [[100.0, 3.5]]
    assert call("+", bright, 100).array.tolist() == [[300.0, 107.0]]
    assert call("-", bright, 250.0).array.tolist() == [[-50.0, -243.0]]
    assert call("-", 1, bright).array.tolist() == [[-199.0, -6.0]]


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [
        ("uint8", "int16", "float32"),
        ("uint16", "float32", "float32"),
        ("int32", "uint8", "float64"),
        ("int64", "float32", "float64"),
        ("float32", "float64", "float64"),
    ],
)
def test_pixel_types_grow_as_needed(left: str, right: str, result: str) -> None:
    added = call("+", image([[1]], left), image([[2]], right))
    assert added.pixel_type == result
    assert added.array.tolist() == [[3.0]]


def test_a_mask_counts_as_zero_and_one() -> None:
    added = call("+", mask([[1, 0]]), mask([[1, 1]]))
    assert added.array.tolist() == [[2.0, 1.0]]
    assert added.pixel_type == "float32"
    assert call("*", image([[5, 6]]), mask([[0, 1]])).array.tolist() == [[0, 6]]


def test_a_voxel_divided_by_zero_is_the_greatest_finite_number() -> None:
    quotient = call("/", image([[1, -1, 0, math.nan, 4]]), image([[0, 0, -0.0, 0, 2]]))
    assert quotient.array.tolist() == [[FLOAT32_MAX] * 4 + [2.0]]
    assert call("/", image([[3]]), 0).array.tolist() == [[FLOAT32_MAX]]
    assert call("/", 6, image([[0, 3]])).array.tolist() == [[FLOAT32_MAX, 2.0]]


def test_a_new_nan_has_the_same_bits_everywhere() -> None:
    infinite = image([[math.inf, -math.inf]])
    for result in (
        call("-", infinite, infinite),
        call("*", infinite, 0),
        call("+", infinite, image([[-math.inf, math.inf]])),
    ):
        assert result.array.view(np.uint32).tolist() == [[0x7FC00000] * 2]


def test_minimum_and_maximum_do_not_depend_on_the_processor() -> None:
    zeros = image([[0.0, -0.0, math.nan, 1]])
    others = image([[-0.0, 0.0, 1, math.nan]])
    least = call("minimum", zeros, others).array
    assert np.signbit(least[0, :2]).tolist() == [False, True]
    assert np.isnan(least[0, 2:]).all()
    assert call("maximum", 1, 2.0) == 2.0
    assert math.isnan(call("maximum", math.nan, 1.0))
    assert math.isnan(call("minimum", 1.0, math.nan))


@pytest.mark.parametrize(
    ("symbol", "number", "expected"),
    [
        ("<", 200.5, [True, False]),
        ("<=", 200, [True, False]),
        (">", 200.5, [False, True]),
        (">=", 300, [False, False]),
        ("==", 200.5, [False, False]),
        ("!=", 200.5, [True, True]),
        ("==", 200, [True, False]),
        (">", -1, [True, True]),
        ("<", math.inf, [True, True]),
        ("!=", math.nan, [True, True]),
        ("<=", math.nan, [False, False]),
    ],
)
def test_integer_images_compare_with_numbers_exactly(
    symbol: str, number: float, expected: list[bool]
) -> None:
    found = call(symbol, image([[200, 201]], "uint8"), number)
    assert isinstance(found, Mask)
    assert found.array.tolist() == [expected]


def test_a_float_image_compares_with_a_number_at_its_pixel_type() -> None:
    assert call("==", image([[0.1]]), 0.1).array.tolist() == [[True]]
    assert call("==", image([[0.1]], "float64"), 0.1).array.tolist() == [[True]]
    assert call("<", 0.1, image([[0.1, 0.2]])).array.tolist() == [[False, True]]


@given(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), floats, floats)
def test_comparing_images_is_comparing_their_voxels(
    symbol: str, one: float, other: float
) -> None:
    left, right = image([[one]], "float64"), image([[other]], "float64")
    expected = call(symbol, one, other)
    assert call(symbol, left, right).array.item() is expected
    assert call(symbol, left, other).array.item() is expected
    assert call(symbol, one, right).array.item() is expected


def test_logic_works_voxel_by_voxel_and_makes_masks_of_images() -> None:
    region, numbers = mask([[1, 0]]), image([[255, 3]], "uint8")
    assert call("&&", region, numbers).array.tolist() == [[True, False]]
    assert call("||", region, False).array.tolist() == [[True, False]]
    assert call("!", numbers).array.tolist() == [[False, False]]
    assert isinstance(call("&&", numbers, numbers), Mask)


def test_images_on_different_grids_do_not_combine() -> None:
    moved = Image.of_array(np.zeros((1, 2), np.float32), grid_of((1, 2), spacing=2.0))
    for symbol in ("+", "<", "&&"):
        with pytest.raises(GridMismatchError, match="same grid"):
            call(symbol, image([[1, 2]]), moved)


def test_images_with_different_numbers_of_components_do_not_combine() -> None:
    color = Image.of_array(np.zeros((1, 2, 3), np.uint8), grid_of((1, 2)), 3)
    assert call("+", color, 1).components == 3
    with pytest.raises(KernelTypeError, match="3 and 1 components"):
        call("+", color, image([[1, 2]]))
    with pytest.raises(KernelTypeError, match="component"):
        call("<", color, 1)


def test_arguments_stay_unchanged() -> None:
    one = image([[1.0, 2.0]])
    before = one.array.tobytes()
    for symbol in ("+", "/", "<", "&&", "minimum"):
        call(symbol, one, one)
    assert one.array.tobytes() == before
    assert not call("+", one, one).array.flags.writeable


@pytest.mark.parametrize("value", [None, b"", {"a": 1}])
def test_other_kinds_are_refused_by_name(value: Value) -> None:
    with pytest.raises(KernelTypeError, match="is not defined for an image and a"):
        call("+", image([[1]]), value)


def test_numbers_are_computed_without_numpy() -> None:
    code = (
        "import sys; from primitives import Context, standard_registry;"
        "add = standard_registry().get('default.+').load();"
        "assert add(Context(), (1, 2.0), 3) == (4, 5.0);"
        "assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extremes_of_large_images_are_those_of_the_definition(dtype: str) -> None:
    dice = np.random.default_rng(4)
    one, other = (dice.integers(-3, 4, (50, 2000)).astype(dtype) for _ in range(2))
    # Zeros of both signs and NaNs, but not everywhere: some parts have neither.
    one[:10][one[:10] == 0] = -0.0
    other[20:25, ::7] = np.nan
    one[24:28, ::3] = np.nan
    for name, is_better in (("minimum", np.less), ("maximum", np.greater)):
        expected = np.where(is_better(other, one) | np.isnan(other), other, one)
        found = call(name, image(one, dtype), image(other, dtype)).array
        assert found.tobytes() == expected.tobytes()
        assert call(name, image(one, dtype), 0.0).array.dtype == dtype
