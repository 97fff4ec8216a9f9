"""Which nodes are worth claiming before they are computed.

A claim costs a message and may cost a wait, so it is for nodes that take a while, whose
results are worth keeping, and that others could fetch more cheaply than compute.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from primitives.values import Value

from .cost import CostModel, is_worth_keeping
from .graph import Graph
from .jobs import Job, voxels_of
from .keeping import artifact_bytes
from .neighbours import Claim
from .plan import App, Ref

LEAST_S = 0.02
"""Nodes that take less are not claimed."""

FETCH_FIXED_S = 5e-3
"""Guessed time to fetch a result however small."""

FETCH_BYTES_PER_S = 100e6
"""Guessed speed of fetching; what it really is nobody knows before it was fetched."""

WORTH_FETCHING = 0.8
"""A fetch may take this share of what computing would take."""


class Claimable:
    """Tells which ready nodes of one run are worth claiming."""

    def __init__(
        self,
        graph: Graph,
        values: Sequence[Value],
        costs: CostModel,
        goals: Container[Ref],
        reveals: Callable[[Ref], bool],
    ) -> None:
        """Take what the decision is made from.

        Args:
            graph: of the run.
            values: by node.
            costs: seconds by primitive.
            goals: nodes whose values are goals.
            reveals: whether a node's value may show an input.
        """
        self._graph = graph
        self._values = values
        self._costs = costs
        self._goals = goals
        self._reveals = reveals

    def claim(self, ref: Ref, cores: int) -> Claim | None:
        """Return the claim on a node whose arguments are there; None if not worth it.

        Args:
            ref: the node.
            cores: that it would be given.
        """
        graph = self._graph
        node, key = graph.nodes[ref], graph.keys[ref]
        if key is None or graph.is_small[ref] or not isinstance(node, App):
            return None
        operation = graph.operation(node.primitive)
        if operation.form or operation.reads:
            return None
        voxels = self._voxels(node)
        core_s = self._costs.estimate_s(operation.primitive, voxels)
        if core_s < LEAST_S:
            return None
        size = artifact_bytes(operation, voxels)
        seconds = core_s / max(1, min(cores, operation.max_threads))
        if not (is_worth_keeping(core_s, size) and _is_worth_fetching(seconds, size)):
            return None
        primitive = operation.primitive
        return Claim(
            key,
            seconds,
            size,
            self._reveals(ref),
            ref in self._goals,
            f"{primitive.name}@{primitive.version}",
            operation.environment,
        )

    def job_s(self, job: Job) -> float:
        """Return how long the job of a node is expected to take."""
        node = self._graph.nodes[job.ref]
        assert isinstance(node, App)
        primitive = self._graph.operation(node.primitive).primitive
        return self._costs.estimate_s(primitive, job.voxels) / job.threads

    def _voxels(self, node: App) -> int:
        args = (arg for arg in node.args if arg is not None)
        return max((voxels_of(self._values[arg]) for arg in args), default=0)


def _is_worth_fetching(seconds: float, size_bytes: int) -> bool:
    fetch_s = FETCH_FIXED_S + size_bytes / FETCH_BYTES_PER_S
    return fetch_s < WORTH_FETCHING * seconds
