"""Which results let one see an input, and so stay here unless inputs are shared.

The rule.  A result reveals an input if

* it is what a reader read; or
* its primitive hands on what it is given (``Primitive.reveals_input``: arithmetic,
  casts, resampling, smoothing, sequences, overlays, texts, …), an argument of it
  reveals an input, and its value holds an image, a text or bytes.

Masks, numbers, and sequences and records of nothing else never reveal; neither does
what was computed through a primitive that does not hand on what it is given, such as
a threshold or a distance.  What cannot be told counts as revealing: the items of a
loop, whatever they are.

The mark is no part of a node's key: it says who may have a result, not what it is.
"""

from __future__ import annotations

from primitives.values import Image, Value

from .graph import Graph
from .plan import App, Fn, Param, Ref, children

HARMLESS = frozenset({"null", "bool", "int", "double", "mask"})
"""Kinds of value that show nothing."""


class Revealing:
    """Tells which nodes of one run's graph reveal an input, by what made them."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[Ref, bool] = {}

    def is_reader(self, ref: Ref) -> bool:
        """Return whether a node's value is a file's content."""
        node = self._graph.nodes[ref]
        return isinstance(node, App) and self._graph.operation(node.primitive).reads

    def __call__(self, ref: Ref) -> bool:
        """Return whether a node's value may show an input, if it can show anything."""
        known = self._known
        todo = [ref]
        while todo:
            at = todo[-1]
            if at in known:
                todo.pop()
                continue
            decided = self._decide(at)
            if decided is not None:
                known[at] = decided
                continue
            below = children(self._graph.nodes[at])
            if any(known.get(child) for child in below):
                known[at] = True
                continue
            unknown = [child for child in below if child not in known]
            if unknown:
                todo.extend(unknown)
            else:
                known[at] = False
        return known[ref]

    def _decide(self, ref: Ref) -> bool | None:
        """Return what a node says of itself; None if its arguments decide."""
        node = self._graph.nodes[ref]
        if isinstance(node, Param):
            return True
        if isinstance(node, Fn):
            return None
        if not isinstance(node, App):
            return False
        operation = self._graph.operation(node.primitive)
        if operation.reads:
            return True
        primitive = operation.primitive
        if not primitive.reveals_input or primitive.result_kinds <= HARMLESS:
            return False
        return None


def can_show(value: Value) -> bool:
    """Return whether a value holds anything but masks and numbers."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, (Image, str, bytes)):
            return True
        if isinstance(item, tuple):
            todo.extend(part for part in item if type(part) not in _NUMBERS)
        elif isinstance(item, dict):
            todo.extend(item.values())
    return False


_NUMBERS = frozenset({type(None), bool, int, float})
