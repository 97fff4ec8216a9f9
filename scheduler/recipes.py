"""What re-lowers a kept result: its plan, and the way from there to its node.

A node that stands in the plan is named by its place there.  A node that the run made,
as loops do, is named by how it was made, from nodes of the plan and of earlier steps::

    [digest of the plan, node, [step, …]]

in MessagePack.  A node is a number: its place among the nodes of the plan, or behind
all of these the place of the step that makes it.  Steps are

``["const", value]``                            a constant
``["place", text]``                             a path of this machine
``["app", primitive, [node or nil, …]]``        a primitive applied to nodes
``["in", function, argument, node, depth]``     what ``node``, which stands in the
                                                function under ``depth`` more, becomes
                                                for the argument

The plan is stored with the folder that its paths are relative to.  Plans and recipes
hold paths: neither leaves this machine.  :mod:`scheduler.rebuilding` reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from store import Digest, Store

from .graph import Graph
from .plan import App, Const, Place, Plan, Ref

MOST_STEPS = 500
"""A node that takes more steps has no recipe: a long fold, all at once."""

Step: TypeAlias = tuple[object, ...]
"""How a node is made from others, all of which have smaller references."""

_encoder = msgspec.msgpack.Encoder()


class StoredPlan(msgspec.Struct, frozen=True, array_like=True):
    """A plan as it is kept.

    Attributes:
        directory: what relative paths in it are relative to.
        plan: the plan.
    """

    directory: str
    plan: Plan


class Recipes:
    """Writes the recipes of one run; its plan is stored with the first of them."""

    def __init__(self, graph: Graph, plan: Plan, store: Store) -> None:
        self._graph = graph
        # Encoded at once: the graph grows in the plan's own list of nodes.
        self._plan = _encoder.encode(StoredPlan(str(graph.directory), plan))
        self._planned = len(plan.nodes)
        self._store = store
        self._digest: Digest | None = None
        self._instance: tuple[Ref, Ref] | None = None
        self._places: dict[Ref, tuple[Ref, int]] = {}
        """Of the instance that was looked at last, what its nodes were made from."""

    def recipe(self, ref: Ref) -> tuple[bytes, Digest]:
        """Return the recipe of a node, and the digest of the plan that it names.

        The recipe is empty if it would be too long.

        Raises:
            StoreError: the plan cannot be stored.
        """
        digest = self._digest or self.store_plan()
        made = self._made(ref)
        if made is None:
            return b"", digest
        node, steps = made
        return _encoder.encode((digest, node, steps)), digest

    def store_plan(self) -> Digest:
        """Store the plan, again if need be, and return its digest.

        Raises:
            StoreError: there is no room for it.
        """
        self._digest = self._store.put([self._plan])
        return self._digest

    def _made(self, ref: Ref) -> tuple[int, list[Step]] | None:
        """Return the number of a node, and the steps that make it."""
        numbers: dict[Ref, int] = {}
        steps: list[Step] = []
        todo = [ref]
        while todo:
            at = todo[-1]
            if at < self._planned or at in numbers:
                todo.pop()
                continue
            step = self._step(at)
            missing = [
                other
                for other in _references(step)
                if other >= self._planned and other not in numbers
            ]
            if missing:
                todo += missing
            else:
                todo.pop()
                numbers[at] = self._planned + len(steps)
                steps.append(_numbered(step, numbers))
            if max(len(steps), len(todo)) > MOST_STEPS:
                return None
        return numbers.get(ref, ref), steps

    def _step(self, ref: Ref) -> Step:
        """Return how a node that does not stand in the plan was made."""
        node = self._graph.nodes[ref]
        if isinstance(node, Const):
            return "const", node.value
        if isinstance(node, Place):
            return "place", node.text
        origin = self._graph.origin(ref)
        if origin is not None:
            if origin != self._instance:
                made = self._graph.builder.instance(*origin)
                self._places = {it: place for place, it in made.items()}
                self._instance = origin
            return ("in", *origin, *self._places[ref])
        assert isinstance(node, App)
        return "app", node.primitive, list(node.args)


def _references(step: Step) -> Iterator[Ref]:
    match step:
        case ("app", _, list(args)):
            yield from (arg for arg in args if arg is not None)
        case ("in", int(function), int(argument), int(node), _):
            yield from (function, argument, node)


def _numbered(step: Step, numbers: dict[Ref, int]) -> Step:
    """Return a step with numbers instead of references."""
    match step:
        case ("app", primitive, list(args)):
            known = [None if arg is None else numbers.get(arg, arg) for arg in args]
            return "app", primitive, known
        case ("in", *refs, depth):
            return ("in", *(numbers.get(ref, ref) for ref in refs), depth)  # type: ignore[call-overload]
        case _:
            return step
