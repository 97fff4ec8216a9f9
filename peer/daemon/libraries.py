"""What decides the bits of float results here, to be compared with others'."""

from __future__ import annotations

from collections.abc import Iterable

from peer.wire import limits
from primitives.environment import environment_class
from primitives.errors import PrimitivesError
from primitives.registry import Primitive


def deciding_libraries(primitives: Iterable[Primitive]) -> tuple[str, ...]:
    """Return the parts of the environment classes of all ``primitives``."""
    parts: set[str] = set()
    for primitive in primitives:
        try:
            parts.update(environment_class(primitive).split(";"))
        except PrimitivesError:
            continue  # a library is missing: its results are not computed here
    short = (part[: limits.LIBRARY_CHARACTERS] for part in parts if part)
    return tuple(sorted(short))[: limits.HELLO_LIBRARIES]


def difference(ours: Iterable[str], theirs: Iterable[str]) -> str:
    """Return which parts differ, for people; empty if none does."""
    here, there = set(ours), set(theirs)
    words = []
    if only_here := sorted(here - there):
        words.append(f"here {', '.join(only_here)}")
    if only_there := sorted(there - here):
        words.append(f"there {', '.join(only_there)}")
    return "; ".join(words)
