"""Plans as trees, to compare what programs mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from language import Compiled, compile_text
from primitives.catalog import standard_registry
from scheduler.plan import App, Const, Fn, Param, Place, Plan, Ref, Scalar


def compiled(text: str, **parameters: Scalar) -> Compiled:
    """Compile a program whose files would lie in ``/data``."""
    return compile_text(
        text,
        registry=standard_registry(),
        parameters=parameters,
        directory=Path("/data"),
    )


def meaning(text: str, **parameters: Scalar) -> list[tuple[str, str, Any]]:
    """Return kind, label and tree of each goal of a program."""
    plan = compiled(text, **parameters).plan
    tree = trees(plan)
    return [(goal.kind, goal.label, tree[goal.node]) for goal in plan.goals]


def value(expression: str, before: str = "") -> Any:
    """Return the tree of one expression, after some definitions."""
    return meaning(f'{before}\nprint "value" {expression}')[0][2]


def trees(plan: Plan) -> Mapping[Ref, Any]:
    """Return the tree of each node; equal trees are one object."""
    found: dict[Ref, Any] = {}
    interned: dict[Any, Any] = {}
    for ref, node in enumerate(plan.nodes):
        tree: Any
        match node:
            case Const():
                tree = (type(node.value).__name__, node.value)
            case Place():
                tree = ("place", node.text)
            case Param():
                tree = ("param", node.index)
            case Fn():
                tree = ("fn", found[node.body])
            case App():
                args = (None if arg is None else found[arg] for arg in node.args)
                tree = (node.primitive, *args)
        found[ref] = interned.setdefault(tree, tree)
    return found
