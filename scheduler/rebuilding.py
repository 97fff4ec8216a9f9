"""Making the node of a kept result again, from its recipe and the files as they are.

What recipes say is in :mod:`scheduler.recipes`.  They are this store's own, but kept on
a disk: whatever is wrong with one means that it cannot be followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from primitives.errors import PrimitivesError
from store import ArtifactNotFoundError, CorruptArtifactError, Digest, NodeKey

from .errors import SchedulerError
from .files import InputFiles
from .graph import Graph
from .plan import App, Const, Fn, Goal, Node, Param, Place, Plan, PlanBuilder, Ref
from .plan import children as below
from .recipes import MOST_STEPS, StoredPlan

if TYPE_CHECKING:
    from primitives.registry import Registry
    from store import SqliteStore

_plans = msgspec.msgpack.Decoder(StoredPlan)
_recipes = msgspec.msgpack.Decoder(tuple[bytes, int, list[list[object]]])


class ImpossibleError(SchedulerError):
    """A node cannot be made again; the text says why, for people."""


class Recorded(Protocol):
    """What is known of a result: an audit, a record of the store, a saved file."""

    @property
    def key(self) -> NodeKey | None:
        """The node; None if it had no key."""

    @property
    def recipe(self) -> bytes:
        """What re-lowers it."""

    @property
    def plan(self) -> Digest | None:
        """The plan that the recipe names."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A node that was made again.

    Attributes:
        plan: all that it needs; its one goal is to print the node.
        graph: of ``plan``, with the files as they are now.
        ref: the node, in both.
        directory: what relative paths are relative to.
    """

    plan: Plan
    graph: Graph
    ref: Ref
    directory: Path


def rebuild(store: SqliteStore, registry: Registry, recorded: Recorded) -> Rebuilt:
    """Make the node of a result again.

    A key that depends on what runs before, as behind a path that is computed, is only
    known after the node was computed: then ``graph.keys[ref]`` is None until that, and
    may turn out to be another key than the result's.

    Args:
        store: where the plan is, and what is known of files.
        registry: the primitives as they are now.
        recorded: the result.

    Raises:
        ImpossibleError: it is not known how it was made, an input file or a primitive
            is gone, or something is not what it was, so that it is another node.
    """
    stored = _read_plan(store, recorded.plan)
    builder, ref = _follow(stored.plan, recorded.recipe)
    plan = _pruned(builder, ref, stored.plan.files)
    directory = Path(stored.directory)
    try:
        graph = Graph(plan, registry, InputFiles(store, directory), directory)
    except PrimitivesError as error:  # a primitive that is no more
        raise ImpossibleError(str(error)) from None
    for problem in graph.problems.values():
        raise ImpossibleError(problem)
    ref = plan.goals[0].node
    if graph.keys[ref] not in (recorded.key, None):
        raise ImpossibleError(_what_changed(graph))
    return Rebuilt(plan, graph, ref, directory)


def _read_plan(store: SqliteStore, digest: Digest | None) -> StoredPlan:
    if digest is None:
        raise ImpossibleError("no run has written down how it is made")
    try:
        return _plans.decode(store.open(digest).view())
    except (ArtifactNotFoundError, CorruptArtifactError, msgspec.DecodeError):
        raise ImpossibleError("the plan that it was made from is gone") from None


def _follow(plan: Plan, recipe: bytes) -> tuple[PlanBuilder, Ref]:
    """Take the steps of a recipe; return the nodes, and the one that is meant."""
    try:
        _, wanted, steps = _recipes.decode(recipe)
        if len(steps) > MOST_STEPS:
            raise ValueError
        builder = PlanBuilder(plan)
        refs = list(range(len(plan.nodes)))
        for step in steps:
            refs.append(_take(builder, refs, step))
        ref = refs[wanted]
        if builder.free[ref]:
            raise ValueError
    except (ValueError, LookupError, TypeError, AssertionError, msgspec.DecodeError):
        raise ImpossibleError("how it is made was not written down in full") from None
    return builder, ref


def _take(builder: PlanBuilder, refs: list[Ref], step: list[object]) -> Ref:
    match step:
        case ["const", (bool() | int() | float() | str() | None) as value]:
            return builder.const(value)
        case ["place", str(text)]:
            return builder.place(text)
        case ["app", str(primitive), list(args)]:
            return builder.app(
                primitive, [None if arg is None else refs[arg] for arg in args]
            )
        case ["in", int(function), int(argument), int(node), int(depth)]:
            made = builder.instance(refs[function], refs[argument])
            return made[refs[node], depth]
        case _:
            raise ValueError(step)


def _pruned(builder: PlanBuilder, top: Ref, files: list[str]) -> Plan:
    """Return the plan of one node and what it needs, in the order that it had."""
    needed = {top}
    todo = [top]
    while todo:
        for ref in below(builder.nodes[todo.pop()]):
            if ref not in needed:
                needed.add(ref)
                todo.append(ref)
    order = sorted(needed)
    new = {ref: at for at, ref in enumerate(order)}
    nodes = [_renamed(builder.nodes[ref], new) for ref in order]
    sites = [builder.node_sites[ref] for ref in order]
    return Plan(nodes, [Goal("print", "", new[top])], sites, builder.sites, files)


def _renamed(node: Node, new: dict[Ref, Ref]) -> Node:
    match node:
        case App():
            args = tuple(None if arg is None else new[arg] for arg in node.args)
            return App(node.primitive, args)
        case Fn():
            return Fn(new[node.body])
        case Const() | Place() | Param():
            return node


def _what_changed(graph: Graph) -> str:
    if not graph.files:
        return "this version of voxpeer computes something else in its place"
    names = sorted({str(file.path) for file in graph.files.values()})
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"'{names[0]}'{more}, or voxpeer itself, is not what it was"
