"""What is shown of a value."""

from __future__ import annotations

import math

import numpy as np
import pytest

from peer.repl.values import LINE_WIDTH, item_lines, lines_of
from primitives.values import Grid, Image, Mask, Value

GRID = Grid((2, 2, 2), (1.0, 2.0, 5.0), (0.0,) * 3, (1.0, 0, 0, 0, 1, 0, 0, 0, 1))
FLAT = Grid((2, 2), (1.0, 2.0), (0.0,) * 2, (1.0, 0, 0, 1))


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (2.0, ["2.0"]),
        (3, ["3"]),
        (True, ["true"]),
        (math.nan, ["NaN"]),
        ("two\nlines", ["two", "lines"]),
        ("", [""]),
        ((), ["[]"]),
        ({"b": 1, "longer": (1.0, 2.0)}, ["b       1", "longer  [1.0, 2.0]"]),
    ],
)
def test_numbers_texts_and_records(value: Value, lines: list[str]) -> None:
    assert lines_of(value) == lines


def test_items_have_their_positions() -> None:
    assert item_lines((True, "a\nb"), 9) == ["[ 9]  true", "[10]  a b"]


def test_a_long_item_is_cut() -> None:
    (line,) = item_lines(("x" * 1000,), 0)
    assert len(line) == len("[0]  ") + LINE_WIDTH


def test_an_image_has_its_range_and_mean() -> None:
    image = Image.of_array(np.arange(8, dtype=np.float32).reshape(2, 2, 2), GRID)
    (line,) = lines_of(image)
    assert line == "image 2x2x2 Float32, 1x2x5 mm, min 0, max 7, mean 3.5"


def test_what_is_no_number_is_counted_apart() -> None:
    numbers = np.array([[np.nan, 1], [np.inf, 3]])
    (line,) = lines_of(Image.of_array(numbers, FLAT))
    assert line.endswith("2 values NaN or infinite, min 1, max 3, mean 2")


def test_integers_stay_integers() -> None:
    image = Image.of_array(np.full((2, 2), 2**40, np.int64), FLAT)
    assert f"min {2**40}, max {2**40}" in lines_of(image)[0]


def test_a_mask_has_its_voxels_and_volume() -> None:
    inside = np.zeros((2, 2, 2), bool)
    inside[0, 0] = True
    (line,) = lines_of(Mask(inside, GRID))
    assert line == "mask 2x2x2, 1x2x5 mm, 2 voxels (25 %), 0.02 ml"


def test_an_overlay_has_a_line_for_each_layer() -> None:
    mask = Mask(np.ones((2, 2), bool), FLAT)
    layers = [{"label": name, "image": mask} for name in ("Base", "Overlay 1")]
    base, over = lines_of({"layers": tuple(layers)})
    assert base.startswith("Base: mask 2x2, 1x2 mm, 4 voxels")
    assert over.startswith("Overlay 1: mask 2x2, ")


def test_a_flat_mask_has_an_area() -> None:
    (line,) = lines_of(Mask(np.ones((2, 2), bool), FLAT))
    assert line.endswith("4 voxels (100 %), 8 mm²")
