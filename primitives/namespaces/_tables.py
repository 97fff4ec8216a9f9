"""Help for writing a namespace's table."""

from __future__ import annotations

from collections.abc import Iterable

from primitives.registry import Primitive, Table


def by_short_name(
    primitives: Iterable[Primitive], aliases: dict[str, str] | None = None
) -> Table:
    """Return ``primitives`` by short name, and again by each alias."""
    table = {primitive.short_name: primitive for primitive in primitives}
    for alias, name in (aliases or {}).items():
        table[alias] = table[name]
    return table
