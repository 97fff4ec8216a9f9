"""What operators mean, in plain Python: voxel by voxel, as the definitions say.

Nothing here is fast, and nothing is shared with the kernels: no numpy, no SimpleITK.
Images are small.
"""

from __future__ import annotations

import itertools
import math
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

Place = tuple[int, ...]
FAR = struct.unpack("f", struct.pack("f", 1.8446743e19))[0]
GREATEST = struct.unpack("f", b"\xff\xff\x7f\x7f")[0]
"""The greatest finite float32."""


def f32(number: float) -> float:
    """Return the float32 that is nearest to a number."""
    rounded: float = struct.unpack("f", struct.pack("f", number))[0]
    return rounded


@dataclass(frozen=True)
class Picture:
    """An image of one number per voxel; a region has zeros and ones.

    Attributes:
        size: voxels along each axis, x first.
        spacing: mm from voxel to voxel, x first.
        values: x fastest.
    """

    size: tuple[int, ...]
    spacing: tuple[float, ...]
    values: tuple[float, ...]

    def places(self) -> Iterator[Place]:
        """Yield each voxel's place, x fastest."""
        axes = [range(length) for length in reversed(self.size)]
        return (place[::-1] for place in itertools.product(*axes))

    def at(self, place: Place) -> float:
        """Return the value at a place."""
        index = 0
        for position, length in zip(reversed(place), reversed(self.size), strict=True):
            index = index * length + position
        return self.values[index]

    def true(self) -> set[Place]:
        """Return where the value is not zero."""
        return {p for p, value in zip(self.places(), self.values, strict=True) if value}

    def with_values(self, values: Iterable[float]) -> Picture:
        """Return other values at the same places."""
        return Picture(self.size, self.spacing, tuple(values))

    def region(self, places: set[Place]) -> Picture:
        """Return the region of some places."""
        return self.with_values(float(place in places) for place in self.places())

    def around(self, place: Place) -> Iterator[Place]:
        """Yield the neighbourhood of a place, itself included."""
        return self.box(place, (1,) * len(self.size))

    def box(self, place: Place, half_widths: Sequence[int]) -> Iterator[Place]:
        """Yield the places in a box around one, as far as they are in the image."""
        ranges = [
            range(max(0, middle - half), min(length, middle + half + 1))
            for middle, half, length in zip(place, half_widths, self.size, strict=True)
        ]
        return itertools.product(*ranges)


def each(rule: Callable[..., float], *arguments: Picture | float) -> Picture:
    """Apply a rule voxel by voxel; a number stands for itself everywhere."""
    first = next(it for it in arguments if isinstance(it, Picture))
    count = len(first.values)
    columns = [
        it.values if isinstance(it, Picture) else (it,) * count for it in arguments
    ]
    return first.with_values(
        float(rule(*voxels)) for voxels in zip(*columns, strict=True)
    )


# ---- regions ---------------------------------------------------------------


def near(b: Picture) -> Picture:
    """Return where some voxel of the neighbourhood is in the region."""
    return b.region({q for p in b.true() for q in b.around(p)})


def interior(b: Picture) -> Picture:
    """Return where the whole neighbourhood is in the region."""
    inside = b.true()
    return b.region({p for p in inside if all(q in inside for q in b.around(p))})


def components(b: Picture) -> list[set[Place]]:
    """Return the connected parts, in the order of their first voxels."""
    left = b.true()
    found = []
    for start in b.places():
        if start in left:
            part, todo = {start}, [start]
            left.remove(start)
            while todo:
                for place in b.around(todo.pop()):
                    if place in left:
                        left.remove(place)
                        part.add(place)
                        todo.append(place)
            found.append(part)
    return found


def labels(b: Picture) -> Picture:
    """Return the number of each voxel's component, 0 outside."""
    numbers = {p: n for n, part in enumerate(components(b), 1) for p in part}
    return b.with_values(float(numbers.get(place, 0)) for place in b.places())


def through(start: Picture, c: Picture) -> Picture:
    """Return the components of a region that have a voxel of the start."""
    begin = start.true()
    return c.region({p for part in components(c) if part & begin for p in part})


def largest(b: Picture) -> Picture:
    """Return the greatest components."""
    parts = components(b)
    most = max(map(len, parts), default=0)
    return b.region({p for part in parts if len(part) == most for p in part})


def border(base: Picture) -> Picture:
    """Return where a coordinate is the first or the last one."""
    return base.region(
        {
            place
            for place in base.places()
            if any(at in (0, n - 1) for at, n in zip(place, base.size, strict=True))
        }
    )


def may_reach(target: Picture, via: Picture) -> Picture:
    """Return where a path begins that ends in a region and stays in another between."""
    passage = via.true()
    todo = list(target.true())
    seen, found = set(todo), set(todo)
    while todo:
        for place in target.around(todo.pop()):
            found.add(place)
            if place in passage and place not in seen:
                seen.add(place)
                todo.append(place)
    return target.region(found)


def both(b: Picture, c: Picture) -> Picture:
    """Return the intersection."""
    return b.region(b.true() & c.true())


def either(b: Picture, c: Picture) -> Picture:
    """Return the union."""
    return b.region(b.true() | c.true())


def outside(b: Picture) -> Picture:
    """Return the complement."""
    return b.region(set(b.places()) - b.true())


def without(b: Picture, c: Picture) -> Picture:
    """Return the difference."""
    return b.region(b.true() - c.true())


# ---- distances -------------------------------------------------------------


def squares(b: Picture) -> dict[Place, float]:
    """Return the squared distance in mm of each voxel to a region, axis by axis."""
    inside = b.true()
    found = {place: 0.0 if place in inside else math.inf for place in b.places()}
    for axis, (length, step) in enumerate(zip(b.size, b.spacing, strict=True)):
        steps = [(step * n) ** 2 for n in range(length)]
        before = found
        found = {}
        for place in before:
            line = [
                before[(*place[:axis], n, *place[axis + 1 :])] for n in range(length)
            ]
            at = place[axis]
            found[place] = min(line[n] + steps[abs(n - at)] for n in range(length))
    return found


def distance(b: Picture) -> Picture:
    """Return the signed distance: 0 on the region's boundary, negative inside it."""
    inside = b.true()
    if not inside:
        return b.with_values([FAR] * len(b.values))
    edge = {p for p in inside if any(q not in inside for q in b.around(p))}
    if not edge:
        return b.with_values([-FAR] * len(b.values))
    to_region, to_edge = squares(b), squares(b.region(edge))
    return b.with_values(
        f32(-math.sqrt(to_edge[p]) if p in inside else math.sqrt(to_region[p]))
        for p in b.places()
    )


def positive_distance(b: Picture) -> Picture:
    """Return the distance, 0 inside."""
    return each(lambda d: max(d, 0.0), distance(b))


def within(n: float, b: Picture) -> Picture:
    """Return where the distance is at most ``n``."""
    return each(lambda d: d <= n, positive_distance(b))


def beyond(n: float, b: Picture) -> Picture:
    """Return where the distance is at least ``n``."""
    return each(lambda d: d >= n, positive_distance(b))


def nearer(n: float, b: Picture) -> Picture:
    """Return where the signed distance is below ``n``."""
    return each(lambda d: d < n, distance(b))


def farther(n: float, b: Picture) -> Picture:
    """Return where the signed distance is above ``n``."""
    return each(lambda d: d > n, distance(b))


# ---- statistics ------------------------------------------------------------


def ranks(i: Picture, b: Picture, correction: float) -> Picture:
    """Return the share of a region's voxels that are less; of equal ones, a part."""
    inside = [bool(value) for value in b.values]
    chosen = sorted(v for v, is_in in zip(i.values, inside, strict=True) if is_in)

    def rank(value: float, is_in: bool) -> float:
        if not is_in:
            return -1.0
        smaller = bisect_left(chosen, value)
        equal = bisect_right(chosen, value) - smaller
        return f32((smaller + correction * equal) / len(chosen))

    return i.with_values(map(rank, i.values, inside))


def correlation(
    radius: float,
    a: Picture,
    texture: Picture,
    over: Picture,
    low: float,
    high: float,
    bins: int,
) -> Picture:
    """Return Pearson's coefficient of histograms: around a voxel, and of a region."""
    half_widths = [max(1, round(radius / step)) for step in a.spacing]
    reference = _histogram((texture.at(p) for p in over.true()), low, high, bins)
    return a.with_values(
        _pearson(
            _histogram((a.at(q) for q in a.box(p, half_widths)), low, high, bins),
            reference,
        )
        for p in a.places()
    )


def _histogram(
    numbers: Iterable[float], low: float, high: float, bins: int
) -> list[int]:
    counts = [0] * bins
    width = (high - low) / bins
    for number in numbers:
        if low <= number < high:
            counts[min(math.floor((number - low) / width), bins - 1)] += 1
    return counts


def _pearson(one: list[int], other: list[int]) -> float:
    count = len(one)
    means = sum(one) / count, sum(other) / count
    spreads = [
        math.sqrt(sum((n - mean) ** 2 for n in numbers))
        for numbers, mean in zip((one, other), means, strict=True)
    ]
    if spreads[0] == 0 or spreads[1] == 0:
        return float(spreads[0] == spreads[1])
    product = sum(
        (n - means[0]) * (m - means[1]) for n, m in zip(one, other, strict=True)
    )
    return product / (spreads[0] * spreads[1])


def mean(i: Picture, b: Picture) -> float:
    """Return the mean over a region."""
    chosen = [v for v, is_in in zip(i.values, b.values, strict=True) if is_in]
    return math.fsum(chosen) / len(chosen)


def gradient(i: Picture) -> Picture:
    """Return the length of the gradient, by central differences."""

    def slope(place: Place, axis: int) -> float:
        ends = []
        for step in (-1, 1):
            at = min(max(place[axis] + step, 0), i.size[axis] - 1)
            ends.append(i.at((*place[:axis], at, *place[axis + 1 :])))
        return (ends[1] - ends[0]) / (2 * i.spacing[axis])

    return i.with_values(
        math.sqrt(sum(slope(place, axis) ** 2 for axis in range(len(i.size))))
        for place in i.places()
    )


def count(b: Picture) -> int:
    """Return the number of voxels of a region."""
    return len(b.true())


def dice(b: Picture, c: Picture) -> float:
    """Return the Dice overlap."""
    return 2 * count(both(b, c)) / (count(b) + count(c))


def masked(i: Picture, b: Picture) -> Picture:
    """Return the image inside a region, 0 outside."""
    return each(lambda value, is_in: value if is_in else 0.0, i, b)
