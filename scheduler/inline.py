"""Light operations on scalars, which run on the spot.

To hand them to a worker would cost more than to run them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .calls import bind
from .jobs import explain
from .plan import App, Ref
from .states import DONE, READY

if TYPE_CHECKING:
    from .engine import Engine

INLINE_BATCH = 2000
"""Scalar operations between two looks at the message queue."""

SMALL_S = 1e-6
"""Seconds that a scalar operation takes, for what depends on it."""

SMALL_TYPES = frozenset({bool, int, float, str, type(None)})


class Inline:
    """The ready nodes of one run that need no worker."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._graph = engine.graph
        self._states = engine.states
        self._values = engine.values
        self._ready: list[Ref] = []

    @property
    def is_due(self) -> bool:
        """Whether :meth:`run` has something to do."""
        return bool(self._ready)

    def make_ready(self, ref: Ref) -> None:
        """Queue a node whose arguments are there, here or for the workers."""
        self._states[ref] = READY
        node = self._graph.nodes[ref]
        assert isinstance(node, App)
        operation = self._graph.operation(node.primitive)
        engine = self._engine
        if operation.is_light and self._are_small(node.args):
            if ref in engine.keeper.goals and self._graph.keys[ref] is not None:
                engine.dispatch.add_small_goal(ref)
            else:
                self._ready.append(ref)
        else:
            engine.dispatch.add(ref)

    def _are_small(self, args: Sequence[Ref | None]) -> bool:
        for arg in args:
            if arg is not None:
                value = self._values[arg]
                if type(value) not in SMALL_TYPES:
                    return False
                # A value that was lost is None too.
                if value is None and self._states[arg] is not DONE:
                    return False
        return True

    def run(self) -> None:
        """Compute some of what is ready."""
        ready, states = self._ready, self._states
        for _ in range(INLINE_BATCH):
            if not ready:
                return
            ref = ready.pop()
            if states[ref] is READY:  # else its value came from elsewhere
                self.run_small(ref)

    def run_small(self, ref: Ref) -> None:
        """Compute a light operation on scalars on the spot."""
        engine = self._engine
        node = self._graph.nodes[ref]
        assert isinstance(node, App)
        operation = self._graph.operation(node.primitive)
        keeper = engine.keeper
        try:
            args, named = bind(node, operation, self._values)
            value = operation.kernel(engine.context, *args, **named)
        except Exception as error:  # whatever a kernel does is the node's failure
            if ref in keeper.goals:
                keeper.release(ref)
            if not engine.recovery.doubt(ref):
                engine.fail(ref, engine.failure(ref, explain(error)))
            return
        relied = engine.reliances.below(ref)
        engine.finish_computed(ref, value, SMALL_S, relied)
        if ref in keeper.goals or (relied and keeper.keeps_everything):
            # What is packed with others has no room to say whose word it rests on.
            engine.goals.keep(ref, value)
        elif keeper.keeps_everything and (key := self._graph.keys[ref]) is not None:
            keeper.add_small(key, value, (ref,))

    def hand_over(self) -> None:
        """Leave what is ready to the workers, who look whether it still is."""
        for ref in self._ready:
            if self._states[ref] is READY:
                self._engine.dispatch.add(ref)
        self._ready.clear()
