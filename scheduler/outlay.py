"""What it would take to compute nodes here, before any of it is done.

All of these are guesses from below: what a loop's elements cost is seen only as far
as its body tells, and walks end as soon as the answer is clear.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from store import NodeKey, Store

from .cost import OVERHEAD_S, CostModel
from .graph import Graph
from .plan import App, Const, Fn, Node, Ref, children

ROUGH_S = 0.02
"""Seconds below which nobody is asked; rough sums end here."""

SMALL_S = 1e-6
"""Seconds of a light operation on scalars."""

LOOP_GUESS = 10
"""Elements of a loop whose length is not known before it runs."""

MOST_ELEMENTS = 1e9
MAX_VISITS = 5000
"""Nodes that one estimate looks at."""

MAX_LEVELS = 50
"""Levels that are looked at for what a fetch spares; the store is asked for each."""


@dataclass(slots=True)
class Missing:
    """What computing a node would take, arguments that are missing included.

    Attributes:
        alone_s: seconds on all cores, or less.
        is_known: False if something in it cannot be estimated at all.
        parts: seconds of one core by node.
    """

    alone_s: float = 0.0
    is_known: bool = True
    parts: dict[Ref, float] = field(default_factory=dict)


class Outlay:
    """Estimates for the nodes of one run."""

    def __init__(
        self,
        graph: Graph,
        store: Store,
        costs: CostModel,
        cores: int,
        is_here: Callable[[Ref, bool], bool],
    ) -> None:
        """Take what estimates are made from.

        Args:
            graph: of the run.
            store: where arguments may be.
            costs: seconds by primitive.
            cores: that the run may use.
            is_here: whether the run has a node's value, or, if the second argument
                is true, is computing it.
        """
        self.cores = max(1, cores)
        self._graph = graph
        self._store = store
        self._costs = costs
        self._is_here = is_here
        self._rough: dict[Ref, float] = {}
        self._held: dict[Ref, bool] = {}
        self._spared: set[Ref] = set()

    def rough_s(self, ref: Ref) -> float:
        """Return the seconds of a node with everything below it, or ``ROUGH_S``.

        What is held counts too, so this errs towards asking.  What cannot be
        estimated counts as ``ROUGH_S``.
        """
        rough, nodes = self._rough, self._graph.nodes
        todo = [ref]
        while todo:
            at = todo[-1]
            if at in rough:
                todo.pop()
                continue
            own = self._own_s(at)
            if own is None or own >= ROUGH_S:
                rough[at] = ROUGH_S
                continue
            below = children(nodes[at])
            missing = [child for child in below if child not in rough]
            if missing:
                todo.extend(missing)
            else:
                total = own + sum(
                    rough[child] * self._times(at, child) for child in below
                )
                rough[at] = min(total, ROUGH_S)
        return rough[ref]

    def missing(
        self, ref: Ref, own_s: float, enough_s: float, *, with_running: bool = False
    ) -> Missing:
        """Estimate a node and what is neither in memory nor in the store below it.

        Args:
            ref: the node.
            own_s: what the node itself is said to take, should that be unknown here.
            enough_s: no estimate need be greater than this.
            with_running: whether what is being computed counts as missing, too.
        """
        found = Missing()
        total_s = longest_s = 0.0
        level = {ref: (0.0, 1)}
        while level and len(found.parts) < MAX_VISITS:
            below: dict[Ref, tuple[float, int]] = {}
            for at, (above_s, times) in level.items():
                own = self._own_s(at)
                if own is None:
                    found.is_known = found.is_known and at == ref
                    own = own_s if at == ref else OVERHEAD_S
                found.parts[at] = own * times
                total_s += own * times
                path_s = above_s + own / self._threads(at)
                longest_s = max(longest_s, path_s)
                for child in children(self._graph.nodes[at]):
                    is_seen = child in found.parts or child in level
                    if not (is_seen or self._is_here(child, not with_running)):
                        below[child] = (path_s, self._inherited(at, child, times))
            found.alone_s = max(longest_s, total_s / self.cores)
            if found.alone_s >= enough_s or not found.is_known:
                break
            held = self._held_of(list(below))
            level = {at: path for at, path in below.items() if at not in held}
        return found

    def spared_s(self, ref: Ref, own_s: float) -> float:
        """Estimate the seconds of one core that a result of a node spares.

        That is the node and what is missing below it, but for what an earlier call
        has counted; or less, when the walk gets long.

        Args:
            ref: the node.
            own_s: what the node itself is said to take, should that be unknown here.
        """
        total_s = 0.0
        level = {ref: 1}
        for _ in range(MAX_LEVELS):
            below: dict[Ref, int] = {}
            for at, times in level.items():
                self._spared.add(at)
                own = self._own_s(at)
                if own is None:
                    own = own_s if at == ref else OVERHEAD_S
                total_s += own * times
                for child in children(self._graph.nodes[at]):
                    is_seen = child in self._spared or child in level
                    if not (is_seen or self._is_here(child, True)):
                        below[child] = self._inherited(at, child, times)
            if not below or len(self._spared) > MAX_VISITS:
                break
            held = self._held_of(list(below))
            level = {at: times for at, times in below.items() if at not in held}
        return total_s

    def _own_s(self, ref: Ref) -> float | None:
        """Return the seconds of a node without its arguments; None if unknown."""
        graph = self._graph
        node = graph.nodes[ref]
        if not isinstance(node, App):
            return 0.0
        if graph.is_small[ref]:
            return SMALL_S
        operation = graph.operation(node.primitive)
        if operation.form:
            return SMALL_S
        if not graph.voxels[ref] and not operation.is_light:
            return None
        return self._costs.estimate_s(operation.primitive, graph.voxels[ref])

    def _threads(self, ref: Ref) -> int:
        node = self._graph.nodes[ref]
        if not isinstance(node, App):
            return 1
        operation = self._graph.operation(node.primitive)
        return max(1, min(self.cores, operation.max_threads))

    def _inherited(self, parent: Ref, child: Ref, times: int) -> int:
        """Return how often a child is computed when its parent is ``times`` times."""
        if isinstance(self._graph.nodes[child], Fn):
            return times * self._times(parent, child)
        # What a loop's body takes from outside is computed once.
        return times if self._graph.builder.free[child] else 1

    def _times(self, parent: Ref, child: Ref) -> int:
        """Return how often a loop computes its function; 1 for any other child."""
        node = self._graph.nodes[parent]
        if not isinstance(self._graph.nodes[child], Fn) or not isinstance(node, App):
            return 1
        source = node.args[0]
        return LOOP_GUESS if source is None else max(1, self._length(source))

    def _length(self, ref: Ref) -> int:
        """Return the number of items of a sequence as far as the plan tells."""
        graph = self._graph
        node = graph.nodes[ref]
        while isinstance(node, App):
            form = graph.operation(node.primitive).form
            if form == "sequence":
                return len(node.args)
            first = node.args[0] if node.args else None
            if form == "range":
                return _span([graph.nodes[arg] for arg in node.args if arg is not None])
            if form not in ("for", "filter", "slice") or first is None:
                return LOOP_GUESS
            node = graph.nodes[first]
        return LOOP_GUESS

    def _held_of(self, refs: list[Ref]) -> set[Ref]:
        """Return which of these nodes the store holds."""
        keys: dict[NodeKey, Ref] = {}
        for ref in refs:
            key = self._graph.keys[ref]
            if ref not in self._held and key is not None and self._may_be_held(ref):
                keys[key] = ref
        found = self._store.lookup(list(keys)) if keys else {}
        for key, ref in keys.items():
            self._held[ref] = key in found
        return {ref for ref in refs if self._held.get(ref)}

    def _may_be_held(self, ref: Ref) -> bool:
        graph = self._graph
        node = graph.nodes[ref]
        if not isinstance(node, App) or graph.is_small[ref] or graph.builder.free[ref]:
            return False
        operation = graph.operation(node.primitive)
        return not (operation.form or operation.reads)


def _span(ends: list[Node]) -> int:
    """Return the length of a range with these ends, as far as it can be told."""
    known = [
        end.value
        for end in ends
        if isinstance(end, Const) and type(end.value) in (int, float)
    ]
    if not known or len(known) < len(ends):
        return LOOP_GUESS
    length = float(known[-1]) - (float(known[0]) if len(known) > 1 else 0.0)  # type: ignore[arg-type]
    return int(length) if 0 <= length < MOST_ELEMENTS else LOOP_GUESS
