"""Why nodes were computed although there were neighbours to ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from .graph import Graph
from .options import Progress
from .plan import App, Ref

Reason: TypeAlias = Literal[
    "cheap",
    "hedge",
    "held_too_long",
    "late",
    "lost",
    "no_answer",
    "nobody",
    "reveals_input",
]
"""Why a node was computed.

* ``cheap``: it is below the cost rule, so nobody was asked, or what was offered would
  have taken longer to fetch.
* ``hedge``: somebody else was at it, and was said to take too long.
* ``held_too_long``: somebody else was said to be at it, and nothing came of it.
* ``late``: an answer or a result did not come, or not in time.
* ``lost``: it was in the store, but its bytes were gone or damaged.
* ``no_answer``: whoever decides which machine computes it did not answer in time.
* ``nobody``: it was asked for and nobody has it, or there was nobody to ask.
* ``reveals_input``: as ``nobody``, or a reader's, and it shows an input: results like
  it are shared by those alone who say so (``share_inputs``).
"""


class Reasons:
    """Takes note of why nodes are computed, and counts those that were."""

    def __init__(
        self, graph: Graph, progress: Progress, reveals: Callable[[Ref], bool]
    ) -> None:
        """Begin with nothing.

        Args:
            graph: of the run.
            progress: whose ``executed_because`` is counted up.
            reveals: whether a node's value may show an input.
        """
        self._graph = graph
        self._counts = progress.executed_because
        self._reveals = reveals
        self._noted: dict[Ref, Reason] = {}

    def note(self, ref: Ref, reason: Reason) -> None:
        """Take note of why a node will be computed; the last note counts."""
        self._noted[ref] = reason

    def of(self, ref: Ref) -> Reason:
        """Return why a node was computed."""
        reason = self._noted.get(ref)
        if reason == "nobody":
            return "reveals_input" if self._reveals(ref) else reason
        return reason or ("reveals_input" if self._is_read(ref) else "cheap")

    def count(self, ref: Ref) -> None:
        """Count a node that was computed."""
        reason = self.of(ref)
        self._counts[reason] = self._counts.get(reason, 0) + 1

    def count_alone(self, operations: int) -> None:
        """Count operations that ran before there was anybody to ask."""
        if operations:
            self._counts["nobody"] = self._counts.get("nobody", 0) + operations

    def count_cheap(self, operations: int) -> None:
        """Count operations that have no nodes of their own."""
        self._counts["cheap"] = self._counts.get("cheap", 0) + operations

    def _is_read(self, ref: Ref) -> bool:
        if self._graph.is_small[ref]:
            return False
        node = self._graph.nodes[ref]
        return isinstance(node, App) and self._graph.operation(node.primitive).reads
