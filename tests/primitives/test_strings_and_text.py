"""Values as text: strings, what print shows, and JSON."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primitives import KernelError, KernelTypeError, Value, format_value, to_json
from tests.primitives.samples import call, image, mask


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3.0, "3.0"),
        (0.1, "0.1"),
        (1e16, "1e+16"),
        (-0.0, "-0.0"),
        (3, "3"),
        (True, "true"),
        (None, "null"),
        ("bare words", "bare words"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        ((1, 2.0, "a", False), '[1, 2.0, "a", false]'),
        ({"b": math.inf, "a": (math.nan,)}, '{"a": ["NaN"], "b": "Infinity"}'),
        (b"\0", '"AA=="'),
        ("ä", "ä"),
    ],
)
def test_print_shows_a_value_on_one_line(value: Value, shown: str) -> None:
    assert format_value(value) == shown


def test_an_image_is_shown_as_a_summary_with_its_digest() -> None:
    digest = bytes.fromhex("0123456789abcdef" * 4)
    shown = format_value(image([[1, 2, 3]], "int16"), digest)
    assert shown == "image 3x1 Int16, 1x1 mm, sha256 0123456789ab"
    assert format_value(mask([[1, 2, 3]])) == "mask 3x1, 1x1 mm"


@given(st.floats())
def test_a_double_can_be_read_back_from_its_text(number: float) -> None:
    again = float(format_value(number))
    assert again == number or (math.isnan(again) and math.isnan(number))


def test_json_describes_an_image_inside_a_sequence() -> None:
    (described,) = json.loads(to_json((image([[1, 2]], "uint8"),)))
    assert described == {
        "kind": "image",
        "pixel_type": "UInt8",
        "size": [2, 1],
        "spacing": [1.0, 1.0],
        "origin": [0.0, 0.0],
        "direction": [1.0, 0.0, 0.0, 1.0],
    }


def test_concat_joins_texts_as_print_shows_them() -> None:
    assert call("concat", "x", 3.0, 3, True, (1,)) == "x3.03true[1]"
    with pytest.raises(KernelTypeError, match="an image cannot be part of a text"):
        call("concat", "x", image([[1]]))


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("{}-{}", ("a", 1.0), "a-1.0"),
        ("{1}{0}", ("a", "b"), "ba"),
        ("{:03d}", (7.0,), "007"),
        ("{:03d}", (7,), "007"),
        ("{:.2f}", (1 / 3,), "0.33"),
        ("{:>4}|", ("a",), "   a|"),
        ("{{}}", (), "{}"),
        ("{} {:>5}", (True, False), "true false"),
    ],
)
def test_templates_are_filled_in_order(
    template: str, values: tuple[Value, ...], expected: str
) -> None:
    assert call("format_string", template, *values) == expected


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("{", ()),
        ("{}", ()),
        ("{:d}", (1.5,)),
        ("{:d}", ("a",)),
        ("{name}", ("a",)),
        ("{0.__class__}", ("a",)),
        ("{0[0]}", ("a",)),
        ("{!r}", ("a",)),
        ("{:{}}", ("a", 5)),
        ("{:c}", (1e15,)),
    ],
)
def test_templates_that_do_not_fit_are_errors(
    template: str, values: tuple[Value, ...]
) -> None:
    with pytest.raises(KernelError, match="template"):
        call("format_string", template, *values)
