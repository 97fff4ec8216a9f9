"""Lists of keys in queries, in a few usual lengths so that few are ever prepared."""

from __future__ import annotations

from collections.abc import Sequence

QUERY_KEYS = 500
SIZES = (1, 8, 64, QUERY_KEYS)


def filled(values: Sequence[bytes]) -> list[bytes]:
    """Return at most :data:`QUERY_KEYS` values, filled up to a usual length.

    A repeated value changes nothing in a query.
    """
    size = next(size for size in SIZES if size >= len(values))
    return [*values, *[values[-1]] * (size - len(values))]


def marks(count: int) -> str:
    """Return the placeholders for so many values."""
    return ",".join("?" * count)
