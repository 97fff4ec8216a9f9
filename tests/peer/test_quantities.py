"""Sizes, times and parameters as people type them."""

from __future__ import annotations

import pytest

from peer.errors import ConfigError
from peer.quantities import (
    format_duration,
    format_size,
    format_span,
    parse_duration_s,
    parse_parameter,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("1000", 1000), ("512MB", 512_000_000), ("1.5 GiB", 3 * 2**29), ("2kb", 2000)],
)
def test_sizes_have_decimal_and_binary_units(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "MB", "12 XB", "-3GB", "1e9"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match="write for example 512MB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90.0), ("90s", 90.0), ("5m", 300.0), ("1.5h", 5400.0), ("250ms", 0.25)],
)
def test_durations_have_units(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5 fortnights", "-1s", "0"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="write for example"):
        parse_duration_s(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("cut=0.8", 0.8),
        ("cut=-1e3", -1000.0),
        ("cut=3", 3.0),
        ("cut=0", 0.0),
        ("cut=0.50", 0.5),
        ("case=007", "007"),
        ("on=true", True),
        ("on=false", False),
        ("name=brain.nii.gz", "brain.nii.gz"),
        ('name="3"', "3"),
        ('name="true"', "true"),
        ("name=", ""),
        ("name=a=b", "a=b"),
        ("name=1e", "1e"),
        ("name=nan", "nan"),
    ],
)
def test_parameters_are_typed_by_how_they_read(text: str, value: object) -> None:
    name, found = parse_parameter(text)
    assert (type(found), found) == (type(value), value)
    assert name == text.partition("=")[0]


def test_a_parameter_without_a_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="write NAME=VALUE"):
        parse_parameter("cut")


def test_a_parameter_without_a_proper_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot name a parameter"):
        parse_parameter("1st=2")


def test_sizes_and_durations_are_shown_with_three_digits_or_so() -> None:
    assert [format_size(n) for n in (12, 34_200_000)] == ["12 B", "34.2 MB"]
    assert [format_duration(s) for s in (0.003, 1.25, 12.34, 250, 7300)] == [
        "3 ms",
        "1.25 s",
        "12.3 s",
        "4 min 10 s",
        "2 h 1 min",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.9, "59 s"),
        (60, "1 minute"),
        (90, "90 s"),
        (5400, "90 minutes"),
        (7200, "2 hours"),
        (86_400, "1 day"),
        (90_000, "25 hours"),
        (7 * 86_400, "7 days"),
    ],
)
def test_spans_are_rounded_down_for_people(seconds: float, text: str) -> None:
    assert format_span(seconds) == text
