"""The demand walk: from what is wanted down to what must be computed, and back.

A node that is asked for is looked up in the store, then offered to neighbours, and
only then expanded: its arguments are asked for.  What nobody wants any more is let go
of, and so is what was wanted for that alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .calls import operands
from .graph import Operation
from .jobs import Keep, keep
from .options import RunOptions
from .plan import App, Const, Place, Ref
from .states import (
    ASKED,
    DONE,
    FAILED,
    HELD,
    READY,
    RUNNING,
    UNSEEN,
    WAITING,
    State,
)

if TYPE_CHECKING:
    from .engine import Engine, Then

LOOKUP_BATCH = 500
"""Keys that the store is asked for at a time."""


class Demand:
    """The nodes of one run that were asked for and are not expanded yet."""

    def __init__(self, engine: Engine, options: RunOptions) -> None:
        self._engine = engine
        self._graph = engine.graph
        self._states = engine.states
        self._uses = engine.uses
        self._waiters = engine.waiters
        self._keys = engine.graph.keys
        self._is_small = engine.graph.is_small
        self._goals = engine.keeper.goals
        self._lost = engine.recovery.lost
        self._use_cache = options.use_cache
        self._stack: list[Ref] = []
        self._questions: list[Ref] = []
        self._keyless: set[Ref] = set()
        self._strays: set[Ref] = set()
        """Nodes that may still be among the waiters of their arguments."""

    @property
    def is_due(self) -> bool:
        """Whether :meth:`walk` has something to do."""
        return bool(self._stack or self._questions)

    def mark_keyless(self, ref: Ref) -> None:
        """Say that a node will never have a key."""
        self._keyless.add(ref)

    def is_keyless(self, ref: Ref) -> bool:
        """Return whether a node was found never to have a key."""
        return ref in self._keyless

    # ---- down --------------------------------------------------------------

    def add_waiter(self, ref: Ref, waiter: Ref | Then) -> None:
        """Have a waiter hear of a node that is not done; ask for it if need be."""
        waiters = self._waiters[ref]
        if waiters is None:
            self._waiters[ref] = [waiter]
        else:
            waiters.append(waiter)
        if self._states[ref] is UNSEEN:
            self._states[ref] = ASKED
            self._engine.progress.nodes += 1
            self._stack.append(ref)

    def again(self, ref: Ref) -> None:
        """Walk once more from a node that was asked for."""
        self._states[ref] = ASKED
        self._stack.append(ref)

    def walk(self) -> None:
        """Look for everything that was asked for, and for what it needs."""
        while self._stack or self._questions:
            while self._stack:
                self._consider(self._stack.pop())
            if self._questions:
                questions, self._questions = self._questions, []
                self._look_up(questions)
        if self._engine.asking is not None:
            self._engine.asking.send()

    def _consider(self, ref: Ref) -> None:
        engine, graph = self._engine, self._graph
        node = graph.nodes[ref]
        if ref in graph.problems:
            engine.fail(ref, engine.failure(ref, graph.problems[ref]))
        elif isinstance(node, App):
            self._consider_application(ref, node)
        elif isinstance(node, (Const, Place)):
            value = node.value if isinstance(node, Const) else node.text
            engine.finish(ref, value)
            if ref in engine.keeper.goals:
                engine.goals.on_kept(keep(ref, value, engine.store, Keep.NAME))
        else:
            raise AssertionError(f"node {ref} stands for no value")

    def _consider_application(self, ref: Ref, node: App) -> None:
        graph = self._graph
        operation = graph.operation(node.primitive)
        if self._keys[ref] is None and ref not in self._keyless:
            rule = self._engine.sequences.find_key(ref, self._consider)
            self._engine.rules.spawn(ref, rule)
        elif self._is_asked_of_store(ref, operation):
            self._questions.append(ref)
        else:
            self._expand(ref, node, operation)

    def _is_asked_of_store(self, ref: Ref, operation: Operation) -> bool:
        is_goal = ref in self._goals
        if self._is_small[ref] and not is_goal:
            return False  # to compute it costs less than to ask
        if not self._use_cache or self._keys[ref] is None or ref in self._lost:
            return False
        if is_goal or self._engine.keeper.keeps_everything:
            return True
        return not (operation.form or operation.reads)

    def _look_up(self, refs: list[Ref]) -> None:
        engine, keys = self._engine, self._keys
        for start in range(0, len(refs), LOOKUP_BATCH):
            part = refs[start : start + LOOKUP_BATCH]
            found = engine.store.lookup([key for ref in part if (key := keys[ref])])
            for ref in part:
                key = keys[ref]
                hit = found.get(key) if key is not None else None
                if (hit is None or not engine.found.use(ref, hit)) and not (
                    engine.asking is not None and engine.asking.takes(ref)
                ):
                    self.expand(ref)

    def expand(self, ref: Ref) -> None:
        """Compute a node that nobody has: ask for its arguments."""
        node = self._graph.nodes[ref]
        assert isinstance(node, App)
        self._expand(ref, node, self._graph.operation(node.primitive))

    def _expand(self, ref: Ref, node: App, operation: Operation) -> None:
        if not self._uses[ref]:  # let go of while it was looked for
            self.unsee(ref)
            return
        engine = self._engine
        if operation.form and engine.sequences.expand(ref, node, operation):
            return
        if not self._is_small[ref]:
            engine.outlook.add(ref, operation.primitive, self._graph.voxels[ref])
        self._wait_for(ref, operands(self._graph, ref))

    def _wait_for(self, ref: Ref, args: tuple[Ref, ...]) -> None:
        engine, states = self._engine, self._states
        if self._strays:
            self._take_out(ref)
        states[ref] = WAITING
        count = 0
        for arg in args:
            self._uses[arg] += 1
        for arg in args:
            state = states[arg]
            if state is FAILED:
                engine.fail_as(ref, arg)
                return
            if state is not DONE:
                count += 1
                self.add_waiter(arg, ref)
            elif type(self._graph.nodes[arg]) is App:
                engine.progress.from_memory += 1
        engine.pending[ref] = count
        if not count:
            engine.inline.make_ready(ref)

    def await_arguments(self, ref: Ref) -> bool:
        """Return whether a ready node still has its arguments, else wait for them."""
        states = self._states
        missing = {arg for arg in operands(self._graph, ref) if states[arg] is not DONE}
        if not missing:
            states[ref] = READY
            return True
        if self._strays:
            self._take_out(ref)
        self._engine.dispatch.let_go(ref)
        states[ref] = WAITING
        self._engine.pending[ref] = len(missing)
        for arg in missing:
            if states[arg] is FAILED:
                self._engine.fail_as(ref, arg)
                break
            self.add_waiter(arg, ref)
        return False

    # ---- and back ----------------------------------------------------------

    def let_go(self, ref: Ref) -> None:
        """Let go of a node that nobody wants, and of what it alone wanted.

        What a worker computes already is left to end; it may be kept.
        """
        todo = [ref]
        while todo:
            at = todo.pop()
            if self._states[at] is DONE:
                self._engine.drop(at)
                continue
            for arg in self._withdraw(at):
                self._uses[arg] -= 1
                if not self._uses[arg]:
                    todo.append(arg)

    def _withdraw(self, ref: Ref) -> Sequence[Ref]:
        """Forget that a node was asked for; return what it wanted for itself."""
        state = self._states[ref]
        if state is WAITING:
            self._strays.add(ref)
        if state is WAITING or state is READY or state is HELD:
            self._engine.dispatch.let_go(ref)
            wanted: Sequence[Ref] = operands(self._graph, ref)
        elif state is ASKED:
            asking, rules = self._engine.asking, self._engine.rules
            if not (ref in rules or (asking is not None and asking.withdraw(ref))):
                return ()  # the walk is at it, and will see that nobody wants it
            wanted = rules.abandon(ref)
        else:
            return ()
        self.unsee(ref)
        return wanted

    def unsee(self, ref: Ref) -> None:
        """Take a node back to where it was before anybody asked for it."""
        self._states[ref] = UNSEEN
        self._waiters[ref] = None
        self._engine.outlook.remove(ref)
        self._engine.progress.nodes -= 1

    def waits_no_longer(self, ref: Ref, state: State) -> None:
        """Let go of what a node wanted whose value came from elsewhere.

        Args:
            ref: the node.
            state: in which it was.
        """
        if state is ASKED:
            for arg in self._engine.rules.abandon(ref):
                self._engine.release(arg)
        elif WAITING <= state <= HELD:
            if state is WAITING:
                self._strays.add(ref)
            self._engine.dispatch.let_go(ref)
            self._engine.release_arguments(ref)
            if state is RUNNING:
                self._engine.dispatch.overtake(ref)

    def _take_out(self, ref: Ref) -> None:
        """Take a node that waits anew out of where it waited before."""
        if ref not in self._strays:
            return
        self._strays.remove(ref)
        for arg in operands(self._graph, ref):
            waiters = self._waiters[arg]
            if waiters is not None:
                self._waiters[arg] = [each for each in waiters if each != ref] or None
