"""Programs about pictures: colours, shapes and the relations of regions."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import SimpleITK as sitk

from tests.peer.conftest import Bench

from . import slow
from .files import read, write
from .running import run_published
from .slow import Picture, Place, each, f32

pytestmark = pytest.mark.slow

FLAT = (1.0, 1.0)
Colour = tuple[int, int, int]


def drawn(
    size: tuple[int, int], colour: Callable[[Place], Colour]
) -> tuple[Picture, Picture, Picture]:
    """Return the components of a picture."""
    empty = Picture(size, FLAT, ())
    colours = [colour(place) for place in empty.places()]
    red, green, blue = zip(*colours, strict=True)
    return empty.with_values(red), empty.with_values(green), empty.with_values(blue)


def save(path: Path, *components: Picture) -> None:
    """Write a picture of bytes."""
    write(path, *components, pixel_type=sitk.sitkUInt8)


def load(path: Path) -> tuple[Picture, ...]:
    """Read a picture."""
    return read(path, FLAT)


def disc(middle: Place, radius: float) -> Callable[[Place], bool]:
    """Return whether a place is in a disc."""
    return lambda place: (
        sum((a - b) ** 2 for a, b in zip(place, middle, strict=True)) <= radius**2
    )


def white(region: Picture) -> Picture:
    """Return a region as pictures show it."""
    return each(lambda v: 255 * v, region)


# ---- nevus -----------------------------------------------------------------


def skin(place: Place) -> Colour:
    """Return the colour of skin with a nevus, a hair and dark corners."""
    x, y = place
    chance = random.Random(x * 100 + y)
    corner = min(x, 35 - x) + min(y, 27 - y) < 5
    hair = x == y + 15 and 2 < y < 18
    if disc((14, 13), 6)(place) or corner or hair:
        return chance.randint(90, 110), chance.randint(50, 60), chance.randint(40, 50)
    return chance.randint(200, 220), chance.randint(120, 160), chance.randint(90, 140)


def test_a_nevus_is_found_and_painted(tmp_path: Path) -> None:
    red, green, blue = drawn((36, 28), skin)
    expert = red.region({place for place in red.places() if disc((14, 13), 6)(place)})
    save(tmp_path / "mole.png", red, green, blue)
    save(tmp_path / "mole_expert.png", white(expert))
    printed = run_published(tmp_path, "nevus.imgql", NAME="mole")

    grey = each(
        lambda r, g, b: f32(0.2126 * r + 0.7152 * g + 0.0722 * b), red, green, blue
    )
    whole = each(lambda _: 1, grey)
    dark = each(lambda v: v < f32(0.2), slow.ranks(grey, whole, 0))
    spots = slow.without(dark, slow.through(slow.near(slow.border(dark)), dark))
    nevus = slow.largest(slow.within(2, slow.beyond(2, slow.outside(spots))))
    ratio = each(lambda r, g, b: f32(r / (g + b)) if g + b else 0, red, green, blue)
    pale = slow.without(each(lambda v: v > f32(0.9), ratio), dark)
    assert printed["dark"] == slow.count(dark)
    assert printed["nevus"] == slow.count(nevus) > 50
    assert printed["pale"] == slow.count(pale)
    assert printed["mean red"] == pytest.approx(slow.mean(red, nevus))
    assert printed["dice"] == pytest.approx(slow.dice(nevus, expert))
    assert printed["dice"] > 0.9
    assert load(tmp_path / "nevus.png") == (white(nevus),)
    ring = slow.without(slow.near(nevus), nevus)
    assert load(tmp_path / "painted.png") == tuple(
        each(lambda old, is_in, new: new if is_in else old, component, ring, new)
        for component, new in ((red, 0), (green, 255), (blue, 0))
    )


# ---- tutorial --------------------------------------------------------------

SHAPES: list[tuple[Callable[[Place], bool], Colour]] = [
    (disc((6, 6), 3), (250, 10, 10)),
    (disc((11, 7), 1), (10, 10, 250)),
    (disc((27, 8), 6), (10, 250, 10)),
    (disc((27, 8), 3), (10, 10, 250)),
    (disc((8, 20), 2), (10, 10, 250)),
    (disc((20, 20), 2.5), (250, 10, 10)),
    (lambda place: 22 <= place[0] <= 30 and 21 <= place[1] <= 22, (10, 10, 250)),
]


def shapes(place: Place) -> Colour:
    """Return the colour of the last shape that a place is in."""
    colour = (255, 255, 255)
    for contains, its_colour in SHAPES:
        if contains(place):
            colour = its_colour
    return colour


def test_shapes_are_found_by_what_is_around_them(tmp_path: Path) -> None:
    picture = drawn((36, 26), shapes)
    save(tmp_path / "shapes.png", *picture)
    printed = run_published(tmp_path, "tutorial.imgql")

    def of_colour(index: int) -> Picture:
        return each(
            lambda *c: (
                c[index] > 200 and all(v < 60 for v in c[:index] + c[index + 1 :])
            ),
            *picture,
        )

    red, green, blue = (of_colour(index) for index in range(3))
    near_red = slow.through(slow.near(slow.within(3, red)), blue)
    open_sea = slow.may_reach(
        slow.outside(slow.either(blue, green)), slow.outside(green)
    )
    in_green = slow.without(blue, open_sea)
    lonely = slow.without(slow.without(blue, near_red), in_green)
    assert printed == {
        "blue": slow.count(blue),
        "near red": slow.count(near_red),
        "in green": slow.count(in_green),
        "lonely": slow.count(lonely),
        "components": 4,
    }
    assert all(printed.values())
    answer = load(tmp_path / "answer.png")
    assert answer == (white(near_red), white(in_green), white(lonely))
    (seen,) = load(tmp_path / "near.jpg")
    assert each(lambda v: v > 127, seen) == slow.within(3, red)


# ---- relations of regions --------------------------------------------------

MAP = """
........................
..111111111111..........
..11111111111144........
..122211111111445.......
..122213111144455.......
..122213111111455..66...
..11111111111111777.....
..3111111111117777..888.
..331111111111......888.
..333111111111..........
........................
"""
LEVELS = {
    ".": 0,
    "1": 10,
    "2": 20,
    "3": 30,
    "4": 40,
    "5": 50,
    "6": 70,
    "7": 60,
    "8": 71,
}


def test_relations_hold_where_sets_say_so(tmp_path: Path) -> None:
    rows = MAP.split()
    size = (len(rows[0]), len(rows))
    empty = Picture(size, FLAT, ())
    level = empty.with_values(float(LEVELS[rows[y][x]]) for x, y in empty.places())
    save(tmp_path / "regions.png", level)
    printed = run_published(tmp_path, "regions.imgql")
    expected = dict.fromkeys(
        ["ntpp", "tpp", "po", "ec", "dc", "eq", "ntppi", "tppi", "dr", "o"], True
    )
    assert printed == {**expected, "none": False}
    shown = load(tmp_path / "relations.png")
    inside = each(lambda v: v in (20, 30), level)
    apart = each(lambda v: v == 70, level)
    for component, (of_inside, of_apart) in zip(
        shown, ((255, 0), (0, 0), (0, 255)), strict=True
    ):
        painted = each(
            lambda v, i, a, one=of_inside, two=of_apart: two if a else one if i else v,
            *(level, inside, apart),
        )
        assert component == painted


Regions = frozenset[Place]


def nearby(places: Regions) -> Regions:
    """Return the places that are in or next to some places."""
    return frozenset(
        (x + dx, y + dy) for x, y in places for dx in (-1, 0, 1) for dy in (-1, 0, 1)
    )


RELATIONS: dict[str, Callable[[Regions, Regions], bool]] = {
    "p": lambda b, c: bool(b) and b <= c,
    "pp": lambda b, c: bool(b) and b < c,
    "pi": lambda b, c: bool(c) and c <= b,
    "ppi": lambda b, c: bool(c) and c < b,
    "o": lambda b, c: bool(b & c),
    "po": lambda b, c: bool(b & c) and not b <= c and not c <= b,
    "dr": lambda b, c: bool(b) and bool(c) and not b & c,
    "eq": lambda b, c: bool(b) and b == c,
    "dc": lambda b, c: bool(b) and bool(c) and not nearby(b) & c,
    "ec": lambda b, c: bool(b) and bool(c) and not b & c and bool(nearby(b) & c),
    "tpp": lambda b, c: bool(b) and b < c and not nearby(b) <= c,
    "ntpp": lambda b, c: bool(b) and b < c and nearby(b) <= c,
    "tppi": lambda b, c: bool(c) and c < b and not nearby(c) <= b,
    "ntppi": lambda b, c: bool(c) and c < b and nearby(c) <= b,
}
BOXES = {
    "big": (2, 2, 12, 12),
    "inner": (4, 4, 7, 7),
    "edge": (2, 5, 6, 8),
    "over": (9, 9, 15, 15),
    "beside": (13, 4, 16, 8),
    "far": (18, 2, 20, 6),
    "none": (5, 5, 4, 4),
}
"""First and last column and row of each region, none of them at the border."""


def test_every_relation_of_every_pair_is_that_of_sets(tmp_path: Path) -> None:
    def places(box: tuple[int, ...]) -> Regions:
        return frozenset(
            (x, y) for x in range(box[0], box[2] + 1) for y in range(box[1], box[3] + 1)
        )

    def formula(box: tuple[int, ...]) -> str:
        return (
            f"(x >=. {box[0]}) & (x <=. {box[2]}) & (y >=. {box[1]}) & (y <=. {box[3]})"
        )

    save(tmp_path / "base.png", Picture((24, 20), FLAT, (0.0,) * 480))
    lines = ['import "RegionCalculus"', 'load base = "base.png"']
    lines += [f"let {name} = {formula(box)}" for name, box in BOXES.items()]
    lines += [
        f'print "{relation} {one} {other}" {relation}({one},{other})'
        for relation in RELATIONS
        for one in BOXES
        for other in BOXES
    ]
    done = Bench(tmp_path).run("\n".join(lines))
    assert done.returncode == 0, done.stderr
    printed = dict(line.split("=") for line in done.stdout.splitlines())
    wrong = [
        label
        for relation, holds in RELATIONS.items()
        for one, box in BOXES.items()
        for other, other_box in BOXES.items()
        if printed[label := f"{relation} {one} {other}"]
        != str(holds(places(box), places(other_box))).lower()
    ]
    assert wrong == []
