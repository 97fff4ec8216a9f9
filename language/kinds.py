"""Kinds of plan nodes, as far as they are known before anything runs."""

from __future__ import annotations

from functools import cache

from primitives.formats.suffixes import IMAGE_SUFFIXES, normalized_suffix
from primitives.registry import KINDS, NUMBER, Primitive
from scheduler.plan import App, Const, Node, Param, Place, Ref

IMAGES = frozenset({"image", "mask"})
_CONSTANTS: dict[type, frozenset[str]] = {
    bool: frozenset({"bool"}),
    int: frozenset({"int"}),
    float: frozenset({"double"}),
    str: frozenset({"string"}),
    type(None): frozenset({"null"}),
}
_WORDS = {"int": "an integer", "double": "a number", "bool": "true or false",
          "string": "a text", "image": "an image", "mask": "a mask",
          "sequence": "a sequence", "record": "a record", "bytes": "bytes",
          "null": "nothing"}  # fmt: skip


@cache
def accepted(primitive: Primitive) -> tuple[tuple[int, frozenset[str]], ...]:
    """Return the parameters that take some kinds only, by position.

    Integers and doubles stand for one another: kernels convert where it is exact.
    """
    return tuple(
        (at, widened(formal.kinds))
        for at, formal in enumerate(primitive.parameters)
        if formal.kinds < KINDS and not formal.variadic
    )


@cache
def variadic(primitive: Primitive) -> tuple[int, frozenset[str]] | None:
    """Return where the variadic parameter begins and what it takes, if limited."""
    formals = primitive.parameters
    if not formals or not formals[-1].variadic or formals[-1].kinds == KINDS:
        return None
    return len(formals) - 1, widened(formals[-1].kinds)


def widened(kinds: frozenset[str]) -> frozenset[str]:
    """Return ``kinds`` with both kinds of numbers if one is there."""
    return kinds | NUMBER if kinds & NUMBER else kinds


def kinds_of(
    nodes: list[Node], ref: Ref, primitives: dict[str, Primitive]
) -> frozenset[str] | None:
    """Return the kinds that a node's value may have, or None if any.

    A function has no kinds.

    Args:
        nodes: the plan.
        ref: which of its nodes.
        primitives: those of the plan, by qualified name.
    """
    node = nodes[ref]
    if isinstance(node, App):
        if node.primitive == "default.load" and _is_image_file(nodes, node):
            return frozenset({"image"})
        result = primitives[node.primitive].result_kinds
        return None if result == KINDS else result
    if isinstance(node, Const):
        return _CONSTANTS[type(node.value)]
    if isinstance(node, Place):
        return _CONSTANTS[str]
    return None if isinstance(node, Param) else frozenset()


def _is_image_file(nodes: list[Node], load: App) -> bool:
    path = nodes[load.args[0] or 0]
    return (
        isinstance(path, Const)
        and isinstance(path.value, str)
        and normalized_suffix(path.value) in IMAGE_SUFFIXES
    )


def describe(kinds: frozenset[str]) -> str:
    """Return kinds in words: ``an image or a mask``."""
    if kinds >= NUMBER:
        kinds -= {"int"}
    words = [word for kind, word in _WORDS.items() if kind in kinds]
    if kinds == IMAGES:
        words = ["an image"]
    return " or ".join(words) or "a function"
