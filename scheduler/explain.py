"""What a run of a plan would do, without doing it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from primitives.registry import Registry
from store import NodeKey, SqliteStore

from .cost import CostModel, load_rates
from .files import InputFiles
from .graph import Graph
from .options import RunOptions
from .plan import App, Const, Plan, Ref, children

LOOKUP_BATCH = 500


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """A node that a run would ask for.

    Attributes:
        ref: index in the plan.
        label: qualified name of the primitive, or the text of a constant.
        site: index into ``Plan.sites``, or -1.
        key: node key; None where it depends on what runs before.
        status: ``held`` in the store, to ``compute``, ``constant``, or ``unknown``
            because it depends on what runs before.
        held_bytes: length of the artifact that is held.
        estimate_s: seconds to compute it.
        args: nodes it needs.
        is_goal: whether a goal names it.
    """

    ref: Ref
    label: str
    site: int
    key: NodeKey | None
    status: Literal["held", "compute", "constant", "unknown"]
    held_bytes: int
    estimate_s: float
    args: tuple[Ref, ...]
    is_goal: bool


@dataclass(frozen=True, slots=True)
class PlanExplanation:
    """What a run would do.

    Attributes:
        nodes: what it would ask for, in evaluation order; what lies below a held
            node is left out, because nothing would ask for it.
        problems: message and site of each input that cannot be had.
    """

    nodes: tuple[PlannedNode, ...]
    problems: tuple[tuple[str, int], ...]

    @property
    def to_compute(self) -> int:
        """Number of nodes to compute, as far as can be told."""
        return sum(node.status == "compute" for node in self.nodes)

    @property
    def held(self) -> int:
        """Number of nodes that the store would answer."""
        return sum(node.status == "held" for node in self.nodes)

    @property
    def estimate_s(self) -> float:
        """Estimated seconds of one core; expanded loops are not in it."""
        return sum(node.estimate_s for node in self.nodes)


def explain_plan(
    plan: Plan,
    *,
    store: SqliteStore,
    registry: Registry,
    directory: Path | None = None,
    options: RunOptions | None = None,
) -> PlanExplanation:
    """Return what :func:`scheduler.run_plan` would do with the same arguments."""
    directory = (directory or Path.cwd()).absolute()
    graph = Graph(plan, registry, InputFiles(store, directory), directory)
    goals = {goal.node for goal in plan.goals}
    use_cache = options is None or options.use_cache
    reached, found = _demand(graph, goals, store if use_cache else None)
    with store.database.read() as connection:
        costs = CostModel(load_rates(connection))
    nodes = []
    for ref in reached:
        node = graph.nodes[ref]
        held = found.get(ref)
        estimate_s = 0.0
        if isinstance(node, App) and held is None and not graph.is_small[ref]:
            operation = graph.operation(node.primitive)
            if not operation.form:
                estimate_s = costs.estimate_s(operation.primitive, graph.voxels[ref])
        nodes.append(
            PlannedNode(
                ref=ref,
                label=_label(graph, ref),
                site=graph.builder.node_sites[ref],
                key=graph.keys[ref],
                status=_status(graph, ref, held is not None),
                held_bytes=held or 0,
                estimate_s=estimate_s,
                args=() if held is not None else children(node),
                is_goal=ref in goals,
            )
        )
    problems = tuple(
        (message, graph.builder.node_sites[ref])
        for ref, message in graph.problems.items()
    )
    return PlanExplanation(tuple(nodes), problems)


def _demand(
    graph: Graph, goals: set[Ref], store: SqliteStore | None
) -> tuple[list[Ref], dict[Ref, int]]:
    """Walk down from the goals; return what is asked for and what is held."""
    reached: set[Ref] = set()
    found: dict[Ref, int] = {}
    wave = sorted(goals)
    while wave:
        reached.update(wave)
        keyed = {key: ref for ref in wave if (key := _asked(graph, ref, goals))}
        if store is not None:
            for start in range(0, len(keyed), LOOKUP_BATCH):
                part = list(keyed)[start : start + LOOKUP_BATCH]
                for key, hit in store.lookup(part).items():
                    found[keyed[key]] = hit.result.size_bytes
        below = {
            arg
            for ref in wave
            if ref not in found
            for arg in children(graph.nodes[ref])
        }
        wave = sorted(below - reached)
    return sorted(reached), found


def _asked(graph: Graph, ref: Ref, goals: set[Ref]) -> NodeKey | None:
    if not isinstance(graph.nodes[ref], App) or graph.builder.free[ref]:
        return None
    return graph.keys[ref] if ref in goals or not graph.is_small[ref] else None


def _label(graph: Graph, ref: Ref) -> str:
    node = graph.nodes[ref]
    if isinstance(node, App):
        return node.primitive
    if isinstance(node, Const):
        return repr(node.value)
    return type(node).__name__.lower()


def _status(
    graph: Graph, ref: Ref, is_held: bool
) -> Literal["held", "compute", "constant", "unknown"]:
    if is_held:
        return "held"
    if not isinstance(graph.nodes[ref], App):
        return "constant"
    return "compute" if graph.keys[ref] is not None else "unknown"
