"""Namespace ``geom``: drawing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from primitives.errors import KernelError, KernelTypeError
from primitives.values import Image, Value

from .samples import call, image, mask


def drawing(picture: Value) -> list[str]:
    """Return an image as text, a ``#`` for each pixel that is not zero."""
    rows = (picture.array != 0).tolist()
    return ["".join("#" if pixel else "." for pixel in row) for row in rows]


def test_a_canvas_has_rows_first_and_plain_geometry() -> None:
    canvas = call("geom.blank", 2.0, 3, 0.5)
    assert canvas.array.tolist() == [[0.5] * 3] * 2
    assert canvas.pixel_type == np.float32
    assert canvas.grid.size == (3, 2)
    assert canvas.grid.spacing == (1.0, 1.0)
    assert canvas.grid.origin == (0.0, 0.0)
    assert call("geom.blank", 1, 1).array.tolist() == [[0.0]]


def test_a_circle_is_drawn_where_the_distance_is_at_most_the_radius() -> None:
    canvas = call("geom.blank", 7, 8)
    assert drawing(call("geom.circle", canvas, 3, 2, 2, 9)) == [
        "...#....",
        "..###...",
        ".#####..",
        "..###...",
        "...#....",
        "........",
        "........",
    ]
    assert not canvas.array.any()


def test_what_lies_outside_of_the_canvas_is_left_out() -> None:
    canvas = call("geom.blank", 3, 3)
    assert drawing(call("geom.circle", canvas, -1, 1, 2, 1)) == ["#..", "##.", "#.."]
    for centre in (-50, 50):
        assert not call("geom.circle", canvas, centre, centre, 3, 1).array.any()
        polygon = call("geom.regular_polygon", canvas, centre, centre, 3, 5, 1)
        assert not polygon.array.any()


def test_a_polygon_has_a_corner_to_the_left() -> None:
    canvas = call("geom.blank", 9, 9)
    assert drawing(call("geom.regular_polygon", canvas, 4, 4, 3, 4, 1)) == [
        ".........",
        "....#....",
        "...###...",
        "..#####..",
        ".#######.",
        "..#####..",
        "...###...",
        "....#....",
        ".........",
    ]
    triangle = drawing(call("geom.regular_polygon", canvas, 4, 4, 4, 3, 1))
    assert triangle[4] == "#######.."
    assert [row[6] for row in triangle] == list(".#######.")


@given(
    sides=st.integers(3, 12),
    radius=st.integers(1, 20),
    cx=st.integers(-5, 30),
    cy=st.integers(-5, 30),
)
def test_a_polygon_is_that_of_its_formula(
    sides: int, radius: int, cx: int, cy: int
) -> None:
    canvas = call("geom.blank", 24, 26)
    found = call("geom.regular_polygon", canvas, cx, cy, radius, sides, 1).array != 0
    rows, columns = np.indices((24, 26))
    dx, dy = columns - cx, rows - cy
    sector = 2 * math.pi / sides
    turned = np.mod(np.arctan2(dy, dx) + math.pi, sector) - sector / 2
    reach = radius * math.cos(sector / 2) / np.maximum(np.cos(turned), 1e-9)
    beyond = np.hypot(dx, dy) - reach
    # Pixels on a side are decided by rounding in the formula.
    sure = np.abs(beyond) > 1e-6
    assert (found == (beyond <= 0))[sure].all()
    assert found[~sure].all()


def test_a_polygon_of_many_sides_is_nearly_its_circle() -> None:
    canvas = call("geom.blank", 41, 41)
    polygon = call("geom.regular_polygon", canvas, 20, 20, 15, 1000, 1).array
    circle = call("geom.circle", canvas, 20, 20, 15, 1).array
    assert (polygon <= circle).all()
    assert (polygon != circle).sum() <= 20


def test_the_pixel_type_is_kept() -> None:
    for kind in ("uint8", "int16", "float64"):
        found = call("geom.circle", image([[1, 2], [3, 4]], kind), 0, 0, 0.5, 7)
        assert found.pixel_type == np.dtype(kind)
        assert found.array.tolist() == [[7, 2], [3, 4]]
    drawn = call("geom.circle", mask([[1, 0]]), 1, 0, 0.5, 2)
    assert drawn.pixel_type == np.uint8
    assert drawn.array.tolist() == [[1, 2]]


COLOURS = Image.of_array(np.zeros((2, 2, 3), np.float32), image([[0, 0]] * 2).grid, 3)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("blank", (0, 3), "height must be a whole number from 1"),
        ("blank", (2, 2.5), "width must be a whole number from 1"),
        ("blank", (1e6, 1e6), "too large"),
        ("circle", (image([[[1]]]), 0, 0, 1, 1), "3-D; take a slice"),
        ("circle", (COLOURS, 0, 0, 1, 1), "one component"),
        ("circle", (image([[1]]), 0, 0, 0, 1), "radius must be above 0"),
        ("circle", (image([[1]]), math.nan, 0, 1, 1), "finite"),
        ("circle", (image([[1]], "uint8"), 0, 0, 1, 0.5), "whole number from 0 to 255"),
        ("circle", (image([[1]], "uint8"), 0, 0, 1, 256), "whole number from 0 to 255"),
        ("regular_polygon", (image([[1]]), 0, 0, 1, 2, 1), "number from 3"),
        ("regular_polygon", (image([[1]]), 0, 0, 1, 1001, 1), "draw a circle"),
    ],
)
def test_wrong_drawings_are_explained(
    name: str, arguments: tuple[Value, ...], message: str
) -> None:
    with pytest.raises((KernelError, KernelTypeError), match=message):
        call(f"geom.{name}", *arguments)
