"""Regions as runs along x, and which runs belong together.

Components are found among runs instead of voxels: a region of a brain has a hundred
times fewer of them.  How many starts and ends of runs lie before a position is known
from counts of bits, so the runs that touch a run in another row are found without a
search.  Then the touching runs are united: every root that touches a lower one is
hooked to it and all paths are shortened, which at least halves the number of roots in a
component (Shiloach and Vishkin, "An O(log n) parallel connectivity algorithm", 1982).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .bits import WORD, Bits, Words, shifted_up

Positions = npt.NDArray[np.int64]
"""Numbers of bits from the first one of a :class:`.bits.Bits`."""

Numbers = npt.NDArray[np.int64]

RUNS_AT_ONCE = 1 << 16
"""Runs whose neighbours are looked for at once; their numbers stay in an L2 cache."""


@dataclass(frozen=True)
class Runs:
    """Runs of a volume in raster order.

    Attributes:
        bits: the region.
        starts: position of the first voxel of each run.
        ends: position after the last voxel of each run.
        start_counts: counts of the first voxels.
        end_counts: counts of the positions after the last voxels.
    """

    bits: Bits
    starts: Positions
    ends: Positions
    start_counts: Counts
    end_counts: Counts

    @staticmethod
    def of(bits: Bits) -> Runs:
        """Return the runs of a region."""
        before = shifted_up(bits.words)
        first, after = bits.words & ~before, before & ~bits.words
        return Runs(
            bits, _positions(first), _positions(after), Counts(first), Counts(after)
        )

    @property
    def lengths(self) -> Numbers:
        """Voxels of each run."""
        return self.ends - self.starts

    def meeting(self, other: Bits) -> npt.NDArray[np.bool_]:
        """Return which runs have a voxel in another region."""
        common = Counts(self.bits.words & other.words)
        return common(self.starts) < common(self.ends)


class Counts:
    """Counts bits before any position."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._before = np.zeros(len(words) + 1, np.int64)
        np.cumsum(np.bitwise_count(words), out=self._before[1:])

    def __call__(self, positions: Positions) -> Numbers:
        """Return how many bits are set before each of the positions."""
        word = positions >> 6
        # Twice by half: a shift by all 64 bits is not defined.
        below = ~((~WORD.type(0)) << (positions & 63).astype(WORD))
        found: Numbers = self._before[word]
        found += np.bitwise_count(np.take(self._words, word, mode="clip") & below)
        return found


def _positions(words: Words) -> Positions:
    """Return the positions of the bits that are set."""
    # First the words, then the bytes that hold any: few of them do.
    word = np.flatnonzero(words != 0)
    parts = words[word].view(np.uint8)
    byte = np.flatnonzero(parts != 0)
    bits = np.unpackbits(parts[byte], bitorder="little").view(np.bool_)
    bit = np.flatnonzero(bits)
    byte = byte[bit >> 3]
    found: Positions = (word[byte >> 3] << 6) + ((byte & 7) << 3) + (bit & 7)
    return found


def components(runs: Runs) -> Numbers:
    """Return for each run the first run of its component, diagonals included."""
    first = np.arange(len(runs.starts))
    high, low = _touching(runs)
    while high.size:
        first[high] = low
        first = _shortened(first)
        one, other = first[high], first[low]
        differ = one != other
        one, other = one[differ], other[differ]
        high, low = np.maximum(one, other), np.minimum(one, other)
    return first


def _shortened(first: Numbers) -> Numbers:
    """Return for each run the end of its path; every look halves what is left."""
    while True:
        shorter = first[first]
        if (shorter == first).all():
            return first
        first = shorter


def _touching(runs: Runs) -> tuple[Numbers, Numbers]:
    """Return all pairs of touching runs: the later ones and the earlier ones."""
    pairs = [
        pair
        for start in range(0, len(runs.starts), RUNS_AT_ONCE)
        for pair in _touching_some(runs, slice(start, start + RUNS_AT_ONCE))
    ]
    if not pairs:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    later, earlier = zip(*pairs, strict=True)
    return np.concatenate(later), np.concatenate(earlier)


def _touching_some(runs: Runs, part: slice) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield the pairs of some later runs and those in each of the rows before."""
    _, height, row = runs.bits.layout.places
    starts, ends = runs.starts[part], runs.ends[part]
    y = starts // (8 * row) % height
    for step_z, step_y in ((0, -1), (-1, -1), (-1, 0), (-1, 1)):
        back = 8 * row * (step_z * height + step_y)
        # Runs that touch end no earlier than the voxel before this one's first, and
        # start no later than the one after its last.
        low = runs.end_counts(np.maximum(starts + back, 0))
        count = runs.start_counts(np.maximum(ends + (back + 1), 0)) - low
        if step_y:
            count *= y > 0 if step_y < 0 else y < height - 1
        later = np.repeat(np.arange(part.start, part.start + len(y)), count)
        within = np.arange(len(later)) - np.repeat(np.cumsum(count) - count, count)
        yield later, np.repeat(low, count) + within


def painted(runs: Runs, is_chosen: npt.NDArray[np.bool_]) -> Bits:
    """Return the region of the runs that are chosen."""
    words = runs.bits.words
    turns = np.zeros(64 * len(words), np.bool_)
    turns[runs.starts[is_chosen]] = True
    turns[runs.ends[is_chosen]] = True
    result = np.packbits(turns, bitorder="little").view(WORD)
    # Each bit becomes the parity of itself and those before it in its word, ...
    for shift in (1, 2, 4, 8, 16, 32):
        result ^= result << WORD.type(shift)
    # ... and then of those in the words before.
    is_odd = np.bitwise_xor.accumulate(result >> WORD.type(63))
    result[1:] ^= ~is_odd[:-1] + WORD.type(1)
    return runs.bits.layout.of(result)
