"""Golomb-coded sets: a set of 64-bit ids in about p + 1.6 bits for each.

A set of n ids is mapped to numbers below n·2^p, which are sorted; their differences are
written in a Golomb-Rice code of parameter p.  Who looks up an id that is not in the set
finds it there all the same once in 2^p times; what is in the set is always found.
The layout, bit for bit, is in docs/reference/network.md.

Source: F. Putze, P. Sanders, J. Singler, "Cache-, Hash- and Space-Efficient Bloom
Filters", 2007; the mapping without division is that of BIP 158.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from .errors import FilterError

MAX_P = 16
"""Greatest Golomb parameter."""

MAX_COUNT = 2**20
"""Most ids in one set, whatever a caller allows."""


def encode(items: Iterable[int], p: int) -> bytes:
    """Return the coded set of ``items``; each counts once, however often it is given.

    Args:
        items: ids of 64 bits.
        p: Golomb parameter, 1 to 16.
    """
    return Filter.of(items, p).encode()


@dataclass(frozen=True, slots=True)
class Filter:
    """A set that can be asked whether an id may be in it: ``id in filter``.

    Attributes:
        p: Golomb parameter; one in 2^p answers "yes" is wrong.
        values: the mapped ids, ascending, 8 bytes each.
    """

    p: int
    values: array[int] = field(default_factory=lambda: array("Q"))

    @classmethod
    def of(cls, items: Iterable[int], p: int) -> Filter:
        """Return the filter of ``items``; each counts once."""
        if not 1 <= p <= MAX_P:
            raise ValueError(f"p is {p}, not 1 to {MAX_P}")
        distinct = set(items)
        span = len(distinct) << p
        return cls(p, array("Q", sorted([(item * span) >> 64 for item in distinct])))

    @classmethod
    def decode(cls, data: bytes, count: int, p: int, limit: int) -> Filter:
        """Read a coded set of ``count`` ids.

        Work and memory are bounded by ``limit``, not by what ``data`` claims.

        Raises:
            FilterError: ``data`` is not the one coding of a set of ``count`` ids, or
                ``count`` exceeds ``limit``.
        """
        if not 1 <= p <= MAX_P:
            raise FilterError(f"the Golomb parameter is {p}, not 1 to {MAX_P}")
        if not 0 <= count <= min(limit, MAX_COUNT):
            raise FilterError(f"{count} ids, where at most {limit} are allowed")
        least, most = (count * (p + 1) + 7) // 8, (count * (p + 2) + 7) // 8
        if not least <= len(data) <= most:
            raise FilterError(f"{len(data)} bytes cannot hold {count} ids")
        return cls(p, _read(data, count, p))

    @property
    def count(self) -> int:
        """Number of ids."""
        return len(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __contains__(self, item: int) -> bool:
        value = (item * (len(self.values) << self.p)) >> 64
        index = bisect_left(self.values, value)
        return index < len(self.values) and self.values[index] == value

    def encode(self) -> bytes:
        """Return the coded set."""
        p, mask, previous = self.p, (1 << self.p) - 1, 0
        pieces = []
        for value in self.values:
            delta = value - previous
            previous = value
            pieces.append("1" * (delta >> p) + f"{delta & mask:0{p + 1}b}")
        bits = "".join(pieces)
        size = (len(bits) + 7) // 8
        return int(bits.ljust(8 * size, "0") or "0", 2).to_bytes(size, "big")


def _read(data: bytes, count: int, p: int) -> array[int]:
    """Read ``count`` differences; strings of bits are what Python is fastest with."""
    bits = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}" if data else ""
    values = array("Q")
    value, position, end = 0, 0, len(bits)
    span = count << p
    for _ in range(count):
        zero = bits.find("0", position)
        after = zero + 1 + p
        if zero < 0 or after > end:
            raise FilterError("the set ends in the middle of an id")
        value += (zero - position << p) + int(bits[zero + 1 : after], 2)
        if value >= span:
            raise FilterError("an id lies outside the set's range")
        values.append(value)
        position = after
    if end - position > 7 or "1" in bits[position:]:
        raise FilterError("something follows the last id")
    return values
