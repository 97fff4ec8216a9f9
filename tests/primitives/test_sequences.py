"""Sequences, records and strings taken apart and put together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primitives import FOLD_OPERATORS, KernelError, KernelTypeError, Value
from tests.primitives.samples import call, image

numbers = st.lists(st.integers(-1000, 1000)).map(tuple)


def test_a_range_holds_integers() -> None:
    assert call("range", 3.0) == (0, 1, 2)
    assert call("range", 2, 5.0) == (2, 3, 4)
    assert call("range", 5, 2) == ()
    assert all(type(item) is int for item in call("range", 3.0))


@pytest.mark.parametrize("bound", [2.5, True, "3"])
def test_a_range_needs_integers(bound: Value) -> None:
    with pytest.raises(KernelTypeError, match="integer"):
        call("range", bound)


def test_a_range_too_long_for_memory_is_an_error() -> None:
    with pytest.raises(KernelError, match="too long"):
        call("range", 1e12)


def test_items_are_counted_from_zero() -> None:
    assert call("index", ("a", "b"), 1.0) == "b"
    assert call("index", ("a", "b"), "1") == "b"
    assert call("index", "word", 0) == "w"
    assert call("index", {"a": 1}, "a") == 1


@pytest.mark.parametrize(
    ("items", "at", "message"),
    [
        ((1, 2), 2, "there is no item 2: the sequence has 2"),
        ((1, 2), -1, "there is no item -1"),
        ((), 0, "the sequence has 0"),
        ({"a": 1}, "b", "the record has no 'b'; it has a"),
    ],
)
def test_what_is_not_there_is_an_error(items: Value, at: Value, message: str) -> None:
    with pytest.raises(KernelError, match=message):
        call("index", items, at)


@pytest.mark.parametrize(
    ("items", "at"), [((1,), 0.5), ((1,), True), ((1,), "x"), ({}, 1), (3.0, 0)]
)
def test_what_is_no_index_is_an_error(items: Value, at: Value) -> None:
    with pytest.raises(KernelTypeError):
        call("index", items, at)


@given(numbers, st.integers(0, 20), st.integers(0, 20))
def test_a_slice_is_half_open_and_ends_with_the_sequence(
    items: tuple[int, ...], start: int, stop: int
) -> None:
    assert call("slice", items, start, stop) == items[start:stop]
    assert call("slice", items, None, stop) == items[:stop]
    assert call("slice", items, start) == items[start:]


def test_a_negative_bound_is_an_error_in_a_slice_and_zero_in_a_subsequence() -> None:
    with pytest.raises(KernelError, match="not negative"):
        call("slice", (1, 2, 3), -2, None)
    assert call("subsequence", (1, 2, 3), -2, 2) == (1, 2)
    assert call("subsequence", (1, 2, 3), 2) == (1, 2)
    assert call("subsequence", (1, 2, 3), 1, 9) == (2, 3)
    assert call("subsequence", (1, 2, 3), -1) == ()


def test_length_counts_items_characters_and_keys() -> None:
    assert call("length", (1, 2)) == 2
    assert call("length", "äb") == 2
    assert call("length", {"a": 1}) == 1
    with pytest.raises(KernelTypeError, match="a double has no length"):
        call("length", 2.0)


def test_argmax_finds_the_first_greatest() -> None:
    assert call("argmax", (1, 3.0, 3)) == 1
    with pytest.raises(KernelError, match="empty"):
        call("argmax", ())
    with pytest.raises(KernelError, match="NaN"):
        call("argmax", (1.0, float("nan")))
    with pytest.raises(KernelTypeError, match="an image"):
        call("argmax", (1, image([[1]])))


@pytest.mark.parametrize(
    ("symbol", "items", "expected"),
    [
        ("+", (1, 2, 3), 6),
        ("-", (1, 2), -3),
        ("*", (2, 3.0), 6.0),
        ("&&", (True, 0), False),
        ("||", (False, 2), True),
        ("min", (3, 1, 2), 1),
        ("max", (3.0, 1), 3.0),
        ("+", (), 0),
        ("*", (), 1),
        ("&&", (), True),
    ],
)
def test_folding_goes_from_the_left_from_the_operators_start(
    symbol: str, items: Value, expected: Value
) -> None:
    result = call("fold", symbol, None, items)
    assert result == expected
    assert type(result) is type(expected)


def test_folding_starts_from_a_seed() -> None:
    assert call("fold", "/", 8.0, (2, 2)) == 2.0
    assert call("fold", "+", "", ("a", "b")) == "ab"
    assert call("fold", "max", 0, ()) == 0
    assert call("fold", "+", 1, (image([[1, 2]]),)).array.tolist() == [[2, 3]]


def test_folds_that_have_no_start_are_errors() -> None:
    with pytest.raises(KernelError, match="empty sequence has no min"):
        call("fold", "min", None, ())
    with pytest.raises(KernelTypeError, match="fold / needs a seed"):
        call("fold", "/", None, (1, 2))
    with pytest.raises(KernelTypeError, match="fold knows the operators"):
        call("fold", "%", None, (1, 2))


@given(st.sampled_from(sorted(FOLD_OPERATORS)), numbers)
def test_a_fold_equals_the_written_out_chain(
    symbol: str, items: tuple[int, ...]
) -> None:
    rule = FOLD_OPERATORS[symbol]
    seed: Value = 3 if rule.seed is None else rule.seed
    if symbol in "*/":
        items = tuple(item or 1 for item in items[:5])
    chain = seed
    for item in items:
        chain = call(rule.primitive, chain, item)
    assert call("fold", symbol, seed, items) == chain
