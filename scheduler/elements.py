"""Which items of which loops a node was made for, for people."""

from __future__ import annotations

from collections.abc import Iterator

from primitives.values import Value

from .graph import SEQUENCE, Graph
from .plan import App, Const, Place, Ref

INDEX = "default.index"
MOST_SHOWN = 60
"""Characters of an item; longer ones are cut."""


def items_of(graph: Graph, ref: Ref) -> tuple[str, ...]:
    """Return the items of the loops that a node is in, the outermost loop's first.

    What is the same for all items belongs to none of them.
    """
    found: list[str] = []
    origin = graph.origin(ref)
    while origin is not None:
        function, argument = origin
        text = _shown(graph, argument)
        if text:
            found.append(text)
        # An inner loop's function was itself made for an item of the outer one.
        origin = graph.origin(function)
    return tuple(reversed(found))


def shown_item(value: Value) -> str:
    """Return a scalar item of a loop in a few words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(str(value).split())
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


def _shown_constants(graph: Graph, literal: App) -> Iterator[str]:
    for arg in literal.args:
        node = None if arg is None else graph.nodes[arg]
        yield shown_item(node.value) if isinstance(node, Const) else "…"


def _shown(graph: Graph, ref: Ref) -> str:
    node = graph.nodes[ref]
    if isinstance(node, Const):
        return shown_item(node.value)
    if isinstance(node, Place):
        return shown_item(node.text)
    if not isinstance(node, App):
        return ""
    file = graph.files.get(ref)
    if file is not None:
        return shown_item(file.path.name)
    if node.primitive == SEQUENCE:
        return shown_item(", ".join(_shown_constants(graph, node)))
    if node.primitive == INDEX and node.args[1] is not None:
        at = graph.nodes[node.args[1]]
        if isinstance(at, Const):
            return f"number {shown_item(at.value)}"
    return ""
