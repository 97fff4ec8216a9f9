"""Every name of VoxLogicA 1: an expression for each, and what it must give.

The images ``i`` and ``j`` hold numbers, ``b`` and ``c`` regions, ``t`` a texture, ``m``
three colours, ``n`` four.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from tests.programs import slow
from tests.programs.slow import GREATEST, Picture, each, f32


class World(NamedTuple):
    """The images that the expressions are about; colours one by one."""

    i: Picture
    j: Picture
    t: Picture
    b: Picture
    c: Picture
    red: Picture
    green: Picture
    blue: Picture
    alpha: Picture


Expected: TypeAlias = Picture | tuple[Picture, ...] | float | bool
Row: TypeAlias = tuple[str, Callable[[World], Expected]]


def divided(number: float, by: float) -> float:
    """Return a quotient as voxels have it."""
    return f32(number / by) if by else GREATEST


def plus(one: float, other: float) -> float:
    """Return a sum as voxels have it."""
    return f32(one + other)


def minus(one: float, other: float) -> float:
    """Return a difference as voxels have it."""
    return f32(one - other)


def times(one: float, other: float) -> float:
    """Return a product as voxels have it."""
    return f32(one * other)


def everywhere(world: World, value: float) -> Picture:
    """Return a constant image."""
    return each(lambda _: f32(value), world.i)


def index(axis: int) -> Callable[[World], Picture]:
    """Return the image of indices along an axis; 0 where there is none."""
    return lambda w: w.i.with_values(
        float(place[axis]) if axis < len(place) else 0.0 for place in w.i.places()
    )


def brightness(w: World) -> Picture:
    """Return the luminance of the colours."""
    return each(
        lambda r, g, b: f32(0.2126 * r + 0.7152 * g + 0.0722 * b),
        *(w.red, w.green, w.blue),
    )


def painted(w: World) -> tuple[Picture, ...]:
    """Return the colours with one painted on the region."""
    colours = zip((w.red, w.green, w.blue), (250.0, 10.0, 20.0), strict=True)
    return tuple(
        each(lambda old, is_in, new: new if is_in else old, image, w.b, new)
        for image, new in colours
    )


def in_one_component(b: Picture, c: Picture) -> bool:
    """Return whether a region is in a single component of another, or empty."""
    return not b.true() or any(b.true() <= part for part in slow.components(c))


def apart(b: Picture, c: Picture) -> Picture:
    """Return the symmetric difference."""
    return b.region(b.true() ^ c.true())


NUMBERS: list[Row] = [
    ("3 .+. 4", lambda w: 7.0),
    ("3 .-. 4", lambda w: -1.0),
    ("3 .*. 4", lambda w: 12.0),
    ("3 ./. 4", lambda w: 0.75),
    ("3 .=. 3", lambda w: True),
    ("3 .=. 4", lambda w: False),
    ("3 .<. 4", lambda w: True),
    ("4 .<. 4", lambda w: False),
    ("4 .<=. 4", lambda w: True),
    ("4 .>. 4", lambda w: False),
    ("5 .>. 4", lambda w: True),
    ("4 .>=. 4", lambda w: True),
    ("(1 .<. 2) .&. (2 .<. 1)", lambda w: False),
    ("(1 .<. 2) .|. (2 .<. 1)", lambda w: True),
    ("!. (1 .<. 2)", lambda w: False),
    ("num_add(3, 4)", lambda w: 7.0),
    ("num_sub(3, 4)", lambda w: -1.0),
    ("num_mul(3, 4)", lambda w: 12.0),
    ("num_div(3, 4)", lambda w: 0.75),
    ("num_eq(3, 4)", lambda w: False),
    ("num_neq(3, 4)", lambda w: True),
    ("num_lt(3, 4)", lambda w: True),
    ("num_leq(4, 4)", lambda w: True),
    ("num_gt(3, 4)", lambda w: False),
    ("num_geq(4, 4)", lambda w: True),
    ("bool_and_scalar(true, false)", lambda w: False),
    ("bool_or_scalar(true, false)", lambda w: True),
    ("bool_not_scalar(false)", lambda w: True),
]

THRESHOLDS: list[Row] = [
    ("eq_sv(3, i)", lambda w: each(lambda v: v == 3, w.i)),
    ("geq_sv(3, i)", lambda w: each(lambda v: v >= 3, w.i)),
    ("leq_sv(3, i)", lambda w: each(lambda v: v <= 3, w.i)),
    ("gt_sv(3, i)", lambda w: each(lambda v: v > 3, w.i)),
    ("lt_sv(3, i)", lambda w: each(lambda v: v < 3, w.i)),
    ("between(2, 3, i)", lambda w: each(lambda v: 2 <= v <= 3, w.i)),
    ("3 .= i", lambda w: each(lambda v: v == 3, w.i)),
    ("3 .<= i", lambda w: each(lambda v: v >= 3, w.i)),
    ("3 .>= i", lambda w: each(lambda v: v <= 3, w.i)),
    ("3 .< i", lambda w: each(lambda v: v > 3, w.i)),
    ("3 .> i", lambda w: each(lambda v: v < 3, w.i)),
    ("i =. 3", lambda w: each(lambda v: v == 3, w.i)),
    ("i <=. 3", lambda w: each(lambda v: v <= 3, w.i)),
    ("i >=. 3", lambda w: each(lambda v: v >= 3, w.i)),
    ("i <. 3", lambda w: each(lambda v: v < 3, w.i)),
    ("i >. 3", lambda w: each(lambda v: v > 3, w.i)),
    ("i >. 0.1", lambda w: each(lambda v: v > f32(0.1), w.i)),
    ("i == 3", lambda w: each(lambda v: v == 3, w.i)),
    ("i != 3", lambda w: each(lambda v: v != 3, w.i)),
    ("i < j", lambda w: each(lambda v, u: v < u, w.i, w.j)),
    ("i <= j", lambda w: each(lambda v, u: v <= u, w.i, w.j)),
    ("i > 3", lambda w: each(lambda v: v > 3, w.i)),
    ("3 >= i", lambda w: each(lambda v: v <= 3, w.i)),
]

ARITHMETIC: list[Row] = [
    ("0.3 .* i", lambda w: each(lambda v: times(f32(0.3), v), w.i)),
    ("0.3 .+ i", lambda w: each(lambda v: plus(f32(0.3), v), w.i)),
    ("0.3 .- i", lambda w: each(lambda v: minus(f32(0.3), v), w.i)),
    ("0.3 ./ j", lambda w: each(lambda v: divided(f32(0.3), v), w.j)),
    ("i *. 0.3", lambda w: each(lambda v: times(v, f32(0.3)), w.i)),
    ("i +. 0.3", lambda w: each(lambda v: plus(v, f32(0.3)), w.i)),
    ("i -. 0.3", lambda w: each(lambda v: minus(v, f32(0.3)), w.i)),
    ("i /. 0.3", lambda w: each(lambda v: times(v, f32(1 / 0.3)), w.i)),
    ("i .* j", lambda w: each(times, w.i, w.j)),
    ("i .+ j", lambda w: each(plus, w.i, w.j)),
    ("i + j", lambda w: each(plus, w.i, w.j)),
    ("i - j", lambda w: each(minus, w.i, w.j)),
    ("i * j", lambda w: each(times, w.i, w.j)),
    ("i / j", lambda w: each(divided, w.i, w.j)),
    ("div_sv(2, j)", lambda w: each(lambda v: divided(2, v), w.j)),
    ("sub_sv(2, i)", lambda w: each(lambda v: minus(2, v), w.i)),
    ("div_vs(i, 3)", lambda w: each(lambda v: times(v, f32(1 / 3)), w.i)),
    ("sub_vs(i, 2)", lambda w: each(lambda v: minus(v, 2), w.i)),
    ("add_vs(i, 2)", lambda w: each(lambda v: plus(v, 2), w.i)),
    ("mul_vs(i, 3)", lambda w: each(lambda v: times(v, 3), w.i)),
    ("abs(i - j)", lambda w: each(lambda v, u: abs(minus(v, u)), w.i, w.j)),
    ("divZ(i, j, t)", lambda w: each(
        lambda v, u, z: divided(v, u) if u else z, w.i, w.j, w.t)),
    ("norm(2, i)", lambda w: each(
        lambda v: divided(times(2, v), max(w.i.values)), w.i)),
    ("booleanToNumber(7, b)", lambda w: each(lambda v: 7 * v, w.b)),
    ("constant(0.1)", lambda w: everywhere(w, 0.1)),
    ("mask(i, b)", lambda w: slow.masked(w.i, w.b)),
]  # fmt: skip

REGIONS: list[Row] = [
    ("b & c", lambda w: slow.both(w.b, w.c)),
    ("b | c", lambda w: slow.either(w.b, w.c)),
    ("!b", lambda w: slow.outside(w.b)),
    ("b \\ c", lambda w: slow.without(w.b, w.c)),
    ("vox1.and(b, c)", lambda w: slow.both(w.b, w.c)),
    ("vox1.or(b, c)", lambda w: slow.either(w.b, w.c)),
    ("vox1.not(b)", lambda w: slow.outside(w.b)),
    ("xor(b, c)", lambda w: apart(w.b, w.c)),
    ("tt", lambda w: everywhere(w, 1)),
    ("ff", lambda w: everywhere(w, 0)),
    ("bconstant(true)", lambda w: everywhere(w, 1)),
    ("border", lambda w: slow.border(w.i)),
    ("N b", lambda w: slow.near(w.b)),
    ("near(b)", lambda w: slow.near(w.b)),
    ("I c", lambda w: slow.interior(w.c)),
    ("interior(N b)", lambda w: slow.interior(slow.near(w.b))),
    ("B+ b", lambda w: slow.without(slow.near(w.b), w.b)),
    ("lcc(b)", lambda w: slow.labels(w.b)),
    ("Lcc(b)", lambda w: slow.labels(w.b)),
    ("through(b, c)", lambda w: slow.through(w.b, w.c)),
    ("maxvol(b)", lambda w: slow.largest(w.b)),
    ("b ~> c", lambda w: slow.through(w.c, w.b)),
    ("touch(b, c)", lambda w: slow.through(slow.near(w.c), w.b)),
    ("T(b, c)", lambda w: slow.through(slow.near(w.c), w.b)),
    ("grow(b, c)", lambda w: slow.either(w.b, slow.through(slow.near(w.b), w.c))),
    ("mayReach(b, c)", lambda w: slow.may_reach(w.b, w.c)),
    ("surrounded(b, c)", lambda w: slow.without(
        w.b, slow.may_reach(slow.outside(slow.either(w.b, w.c)), slow.outside(w.c)))),
    ("S(b, c)", lambda w: slow.without(
        w.b, slow.may_reach(slow.outside(slow.either(w.b, w.c)), slow.outside(w.c)))),
    ("ifB(true, b, c)", lambda w: w.b),
    ("ifB(false, b, c)", lambda w: w.c),
    ("ifN(true, i, j)", lambda w: w.i),
    ("ifN(false, i, j)", lambda w: w.j),
    ("maskCC(b, c)", lambda w: slow.masked(slow.labels(w.c), w.b)),
]  # fmt: skip

DISTANCES: list[Row] = [
    ("dt(b)", lambda w: slow.distance(w.b)),
    ("dt(N b)", lambda w: slow.distance(slow.near(w.b))),
    ("dt(ff)", lambda w: slow.distance(everywhere(w, 0))),
    ("dt(tt)", lambda w: slow.distance(everywhere(w, 1))),
    ("pdt(b)", lambda w: slow.positive_distance(w.b)),
    ("distleq(1.5, b)", lambda w: slow.within(1.5, w.b)),
    ("distgeq(1.5, b)", lambda w: slow.beyond(1.5, w.b)),
    ("distlt(1.5, b)", lambda w: slow.nearer(1.5, w.b)),
    ("distgt(1.5, b)", lambda w: slow.farther(1.5, w.b)),
    ("dilate(b, 1.5)", lambda w: slow.within(1.5, w.b)),
    ("erode(N b, 1)", lambda w: slow.outside(
        slow.within(1, slow.outside(slow.near(w.b))))),
    ("imopen(N b, 1)", lambda w: slow.within(1, slow.outside(
        slow.within(1, slow.outside(slow.near(w.b)))))),
    ("imclose(b, 1.5)", lambda w: slow.outside(
        slow.within(1.5, slow.outside(slow.within(1.5, w.b))))),
    ("smoothen(N b, 1.5)", lambda w: slow.within(
        1.5, slow.beyond(1.5, slow.outside(slow.near(w.b))))),
    ("flt(1.5, N b)", lambda w: slow.nearer(
        1.5, slow.beyond(1.5, slow.outside(slow.near(w.b))))),
]  # fmt: skip

STATISTICS: list[Row] = [
    ("volume(b)", lambda w: float(slow.count(w.b))),
    ("vol(b)", lambda w: float(slow.count(w.b))),
    ("max(i)", lambda w: max(w.i.values)),
    ("min(i)", lambda w: min(w.i.values)),
    ("avg(i, b)", lambda w: slow.mean(w.i, w.b)),
    ("avg0(i, b)", lambda w: slow.mean(w.i, w.b)),
    ("avg0(i, ff)", lambda w: 0.0),
    *((f"percentiles(i, b, {correction})", lambda w, correction=correction: slow.ranks(
        w.i, w.b, correction)) for correction in (0, 0.25, 0.5, 1)),
    ("percentiles(i, ff, 0.5)", lambda w: everywhere(w, -1)),
    ("otsu((i *. 0.01) + booleanToNumber(50, c), tt, 20)", lambda w: w.c),
    ("otsu((i *. 0.01) + booleanToNumber(50, c), !b, 20)", lambda w: slow.without(
        w.c, w.b)),
    ("i ~[2, 5] t", lambda w: slow.correlation(
        2, w.i, w.t, everywhere(w, 1), min(w.t.values), max(w.t.values), 5)),
    ("crossCorrelation(2, i, t, b, 1, 9, 7)", lambda w: slow.correlation(
        2, w.i, w.t, w.b, 1, 9, 7)),
    ("crossCorrelation(1, i, i, c, 0, 0, 3)", lambda w: everywhere(w, 1)),
    ("minCC(b, c)", lambda w: min(slow.masked(slow.labels(w.c), w.b).values)),
    ("maxCC(b, c)", lambda w: max(slow.masked(slow.labels(w.c), w.b).values)),
    ("collect(b, c)", lambda w: in_one_component(w.b, w.c)),
    ("collect(ff, c)", lambda w: True),
    ("collect(maxCC(b, c) .= lcc(c), c)", lambda w: True),
    ("emptyB(b)", lambda w: False),
    ("emptyB(b \\ b)", lambda w: True),
    ("nemptyB(b)", lambda w: True),
    ("eqB(b, b)", lambda w: True),
    ("eqB(b, c)", lambda w: False),
    ("neqB(b, c)", lambda w: True),
    ("leqB(b & c, b)", lambda w: True),
    ("leqB(b, c)", lambda w: w.b.true() <= w.c.true()),
    ("dice(b, c)", lambda w: slow.dice(w.b, w.c)),
    ("gradient(i)", lambda w: slow.gradient(w.i)),
    ("x", index(0)),
    ("y", index(1)),
    ("z", index(2)),
]  # fmt: skip

COLOURS: list[Row] = [
    ("intensity(m)", brightness),
    ("intensity(n)", brightness),
    ("intensity(i)", lambda w: w.i),
    ("red(m)", lambda w: w.red),
    ("green(m)", lambda w: w.green),
    ("blue(m)", lambda w: w.blue),
    ("red(n)", lambda w: w.red),
    ("alpha(n)", lambda w: w.alpha),
    ("alpha(m)", lambda w: everywhere(w, 255)),
    ("alpha(i)", lambda w: everywhere(w, 255)),
    ("red(i)", lambda w: w.i),
    ("green(i)", lambda w: w.i),
    ("blue(i)", lambda w: w.i),
    ("rgb(i, j, t)", lambda w: (w.i, w.j, w.t)),
    ("rgba(i, j, t, i)", lambda w: (w.i, w.j, w.t, w.i)),
    ("overlayB(b, i, j)", lambda w: each(
        lambda is_in, v, u: u if is_in else v, w.b, w.i, w.j)),
    ("overlayColor(b, m, 250, 10, 20)", painted),
]  # fmt: skip

ROWS = [
    *NUMBERS,
    *THRESHOLDS,
    *ARITHMETIC,
    *REGIONS,
    *DISTANCES,
    *STATISTICS,
    *COLOURS,
]

INEXACT = ("avg", "i ~[", "crossCorrelation", "gradient")
"""What begins so is compared with a tolerance."""


def is_close(found: float, expected: float) -> bool:
    """Return whether two numbers agree but for rounding."""
    return math.isclose(found, expected, rel_tol=1e-5, abs_tol=1e-5)
