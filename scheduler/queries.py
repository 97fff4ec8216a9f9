"""Long lists of keys in queries."""

from __future__ import annotations

from collections.abc import Iterator

from store import NodeKey

QUERY_KEYS = 500


def parts(keys: list[NodeKey]) -> Iterator[list[NodeKey]]:
    """Yield keys in parts that one query takes."""
    for start in range(0, len(keys), QUERY_KEYS):
        yield keys[start : start + QUERY_KEYS]
