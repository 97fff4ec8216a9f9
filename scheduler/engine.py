"""The nodes of a run, who wants them, and the loop that works until goals are there.

One thread owns everything here and in the parts that belong to it.  It walks from the
goals down and expands the arguments only of what is neither in memory nor in the
store; what is ready goes to the executor, and messages come back through one queue.

========================== =====================================================
:mod:`scheduler.states`    what a node passes through
:mod:`scheduler.demand`    the walk: who is asked for what, and letting go of it
:mod:`scheduler.found`     results of the store and of neighbours, taken as values
:mod:`scheduler.inline`    scalar operations, which run on the spot
:mod:`scheduler.dispatch`  ready nodes become jobs: cores, memory, leases
:mod:`scheduler.ready`     which of them comes next
:mod:`scheduler.claiming`  ready nodes that others may compute instead
:mod:`scheduler.rules`     loops and other forms, which are generators
:mod:`scheduler.messages`  what jobs and neighbours tell, and waiting for it
:mod:`scheduler.goals`     values that must have a name, and bytes in the store
:mod:`scheduler.recovery`  values that were lost, or turned out to be wrong
:mod:`scheduler.asking`    what neighbours are asked
:mod:`scheduler.reliance`  on whose word values rest
========================== =====================================================
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from primitives.context import Context
from primitives.values import Value
from store import Store

from .calls import operands
from .cost import CostModel, Outlook
from .demand import Demand
from .dispatch import Dispatch
from .elements import items_of
from .executors import Executor
from .found import FoundResults
from .goals import Goals
from .graph import Graph
from .history import Sources
from .inline import Inline
from .jobs import Job, Message, Stored, bytes_of
from .keeping import Keeper
from .messages import Messages
from .options import Failure, Progress, RunOptions
from .plan import App, Ref
from .recovery import Recovery
from .reliance import Reliances, Relied
from .rules import Rules
from .sequences import Sequences
from .states import DONE, FAILED, HELD, UNSEEN, WAITING, State

if TYPE_CHECKING:
    from .asking import Asking

DROP_BYTES = 4096
"""Values smaller than this stay in memory for the whole run."""

STOP_S = 10.0
"""How long a stopped run waits for kernels that do not listen."""

Then: TypeAlias = Callable[[Ref], None]
"""Continuation: called once the node is DONE or FAILED."""


class Engine:
    """Computes nodes of one graph.

    Attributes:
        states, values, failures: by node.
        uses: per node, how many want its value.
        pending: per node, how many arguments it waits for.
        waiters: per node, who is to hear when it is DONE or FAILED.
        outlook: what is left to do.
        reliances: on whose word values rest.
        asking: questions to neighbours; None without.
    """

    def __init__(
        self,
        graph: Graph,
        store: Store,
        options: RunOptions,
        costs: CostModel,
        keeper: Keeper,
        progress: Progress,
        make_executor: Callable[[Callable[[Message], None]], Executor],
    ) -> None:
        self.graph = graph
        self.store = store
        self.progress = progress
        self.keeper = keeper
        self.context = Context(directory=graph.directory)
        self.values: list[Value] = []
        self.failures: dict[Ref, Failure] = {}
        self.states: list[State] = []
        self.uses: list[int] = []
        self.pending: list[int] = []
        self.waiters: list[list[Ref | Then] | None] = []
        self.stopped_by: Literal["", "failure", "signal", "time"] = ""
        self.reliances = Reliances(graph)
        self._calls: deque[tuple[Then, Ref]] = deque()
        self._unloadable: set[Ref] = set()
        self._options = options
        self.asking: Asking | None = None
        self.messages = Messages(self, costs)
        executor = make_executor(self.messages.tell)
        self.outlook = Outlook(costs, executor.capacity)
        self.dispatch = Dispatch(self, options, executor)
        self.recovery = Recovery(self)
        self._doubted = self.recovery.doubted
        self.demand = Demand(self, options)
        self.found = FoundResults(self, options)
        self.inline = Inline(self)
        self.sequences = Sequences(self)
        self.rules = Rules(self)
        self.goals = Goals(self)
        self.grow()

    def grow(self) -> None:
        """Make room for the nodes that were added to the graph."""
        more = len(self.graph.nodes) - len(self.states)
        self.states.extend([UNSEEN] * more)
        self.values.extend([None] * more)
        self.pending.extend([0] * more)
        self.uses.extend([0] * more)
        self.waiters.extend([None] * more)

    # ---- who wants what ----------------------------------------------------

    def want(self, ref: Ref, then: Then) -> None:
        """Ask for a node's value; ``then`` is called once it is there or failed."""
        self.uses[ref] += 1
        state = self.states[ref]
        if state is DONE or state is FAILED:
            self._calls.append((then, ref))
            return
        self.demand.add_waiter(ref, then)

    def want_all(self, refs: Sequence[Ref], then: Callable[[], None]) -> None:
        """Ask for several values; ``then`` is called once all are there or failed."""
        left = len(refs)
        if not left:
            self._calls.append((lambda _: then(), -1))

        def count(_: Ref) -> None:
            nonlocal left
            left -= 1
            if not left:
                then()

        for ref in refs:
            self.want(ref, count)

    def release(self, ref: Ref) -> None:
        """Say that one use of a node's value is over; after the last it may go."""
        self.uses[ref] -= 1
        if not self.uses[ref]:
            self.demand.let_go(ref)

    def release_arguments(self, ref: Ref) -> None:
        """Say that a node has no more use for its arguments."""
        for arg in operands(self.graph, ref):
            self.release(arg)

    def drop(self, ref: Ref) -> None:
        """Take a large value that nobody wants out of memory."""
        value = self.values[ref]
        size = bytes_of(value)
        if size <= DROP_BYTES:
            return
        self.progress.memory_bytes -= size
        kept = self.keeper.kept.get(ref)
        if kept is not None and kept.is_stored:
            self.values[ref] = Stored(kept.digest, kept.kind, kept.size_bytes)
        else:
            self.values[ref] = None
            self.states[ref] = UNSEEN
            self.progress.done -= 1
            self.progress.nodes -= 1

    def may_unload(self, ref: Ref) -> None:
        """Say that a value in memory may be in the store as well."""
        self._unloadable.add(ref)

    def unload(self) -> None:
        """Take values out of memory that the store has; they are loaded when used."""
        for ref in self._unloadable:
            kept, size = self.keeper.kept.get(ref), counted_bytes(self.values[ref])
            if self.states[ref] is not DONE or kept is None or not kept.is_stored:
                continue
            if size:
                self.progress.memory_bytes -= size
                self.values[ref] = Stored(kept.digest, kept.kind, kept.size_bytes)
        self._unloadable.clear()

    def call(self, then: Then, ref: Ref) -> None:
        """Have ``then`` called for a node on the next turn of the loop."""
        self._calls.append((then, ref))

    # ---- how a node ends ---------------------------------------------------

    def finish(self, ref: Ref, value: Value) -> None:
        """Take ``value`` as the node's and wake who waits for it."""
        self.states[ref] = DONE
        self.values[ref] = value
        self.progress.done += 1
        if not self.graph.is_small[ref]:
            self.outlook.remove(ref)
        size = bytes_of(value)
        if size > DROP_BYTES:
            self.progress.memory_bytes += size
            if not self.uses[ref]:
                self.drop(ref)
        waiters = self.waiters[ref]
        if waiters is None:
            return
        self.waiters[ref] = None
        pending = self.pending
        for waiter in waiters:
            if type(waiter) is int:
                pending[waiter] -= 1
                if not pending[waiter] and self.states[waiter] is WAITING:
                    self.inline.make_ready(waiter)
            else:
                self._calls.append((waiter, ref))  # type: ignore[arg-type]

    def finish_computed(
        self, ref: Ref, value: Value, seconds: float, relied: Relied
    ) -> None:
        """As :meth:`finish`, for a value that was computed here.

        Args:
            ref: the node.
            value: its value.
            seconds: that it took.
            relied: what its arguments rested on.
        """
        self.reliances.note(ref, relied)
        if self.graph.keys[ref] is not None:
            self.progress.executed += 1
            if self.asking is not None:
                self.asking.executed(ref)
        if self._doubted:
            self.recovery.compare(ref, value)
        self.keeper.note_seconds(ref, seconds, self.uses[ref])
        self.finish(ref, value)

    def complete_form(self, ref: Ref, value: Value) -> None:
        """Take the value that a form's own rule found."""
        self.reliances.note(ref, self.rules.relied(ref))
        if self._doubted:
            self.recovery.compare(ref, value)
        self.keeper.note_seconds(ref, 0.0)
        self.finish(ref, value)
        if ref in self.keeper.goals or self.keeper.keeps_everything:
            self.goals.keep(ref, value)

    def count_executed(self, operations: int) -> None:
        """Count operations that ran without a node of their own."""
        self.progress.executed += operations
        if self.asking is not None:
            self.asking.executed_unasked(operations)

    def fail(self, ref: Ref, failure: Failure) -> None:
        """Fail a node and everything that waits for it; nothing else."""
        if self._options.on_failure == "stop" and not self.stopped_by:
            self.stopped_by = "failure"
        self.progress.failed += 1
        self.fail_with(ref, failure)

    def fail_as(self, ref: Ref, cause: Ref) -> None:
        """Fail a node because an argument of it failed."""
        self.fail_with(ref, self.failures[cause])

    def fail_with(self, ref: Ref, failure: Failure) -> None:
        """As :meth:`fail`, for a failure that was counted where it happened."""
        todo = [ref]
        while todo:
            at = todo.pop()
            state = self.states[at]
            if state is FAILED:
                continue
            self.states[at] = FAILED
            self.failures[at] = failure
            self.outlook.remove(at)
            waiters, self.waiters[at] = self.waiters[at], None
            for waiter in waiters or ():
                if type(waiter) is not int:
                    self._calls.append((waiter, at))  # type: ignore[arg-type]
                elif self.states[waiter] is WAITING:  # else it waits no longer
                    todo.append(waiter)
            if WAITING <= state <= HELD:
                if self.dispatch.claiming is not None:
                    self.dispatch.claiming.fail(at)
                self.release_arguments(at)

    def failure(self, ref: Ref, message: str) -> Failure:
        """Describe what went wrong at a node."""
        node = self.graph.nodes[ref]
        name = node.primitive if isinstance(node, App) else ""
        site = self.graph.builder.node_sites[ref]
        return Failure(message, name, site, items_of(self.graph, ref))

    # ---- effects, reports --------------------------------------------------

    def run_effect(
        self, ref: Ref, call: Callable[..., Value], then: Callable[[Value], None]
    ) -> None:
        """Call ``call(context, value)`` in a worker; ``then`` gets its result.

        ``then`` gets the exception instead when it failed.
        """
        if self.states[ref] is not DONE:  # lost since it was asked for
            retry = self.recovery.retry_effect
            self.goals.want_again(ref, lambda at: retry(at, call, then))
            return
        job = Job(ref, call, [self.values[ref]], [ref], then=then)
        self.dispatch.submit(job)

    def sources(self) -> Sources:
        """Return where the values of the run came from."""
        asking, claiming = self.asking, self.dispatch.claiming
        return Sources(
            self.keeper.own_s,
            self.keeper.kept,
            self.found.from_store,
            {} if asking is None else asking.arrived,
            (lambda _: "") if asking is None else asking.because,
            {} if claiming is None else claiming.waited,
        )

    # ---- the loop ----------------------------------------------------------

    def stop_soon(self) -> None:
        """Ask the run to stop; may be called from a signal handler."""
        self.stopped_by = "signal"
        self.messages.tell(None)

    def run(self, is_finished: Callable[[], bool]) -> bool:
        """Work until ``is_finished``; return False when stopped before."""
        deadline = None
        if self._options.timeout_s is not None:
            deadline = time.monotonic() + self._options.timeout_s
        while not is_finished():
            if deadline is not None and time.monotonic() > deadline:
                self.stopped_by = self.stopped_by or "time"
            if self.stopped_by:
                return False
            self.demand.walk()
            self._call_back()
            self.inline.run()
            self.rules.go_on()
            self.dispatch.start()
            if not is_finished() and not self.messages.receive(deadline):
                raise AssertionError("nothing is left to do, but goals are missing")
        return True

    @property
    def is_idle(self) -> bool:
        """Whether the loop has nothing to do before a message comes."""
        return not (
            self.demand.is_due
            or self._calls
            or self.inline.is_due
            or self.rules.is_due
            or self.dispatch.can_start
            or (self.dispatch.claiming is not None and self.dispatch.claiming.is_due)
        )

    def _call_back(self) -> None:
        while self._calls:
            then, ref = self._calls.popleft()
            then(ref)

    def close(self) -> None:
        """Stop the workers, and make durable what was finished."""
        claiming = self.dispatch.claiming
        if self.asking is not None:
            self.asking.stop()
        if claiming is not None:
            claiming.stop()
        self.dispatch.cancel()
        self.messages.drain(time.monotonic() + STOP_S)
        self.dispatch.stop()
        self.keeper.wait()
        if claiming is not None:
            claiming.close()


def counted_bytes(value: Value) -> int:
    """Return what a value counts against the memory of the run."""
    size = bytes_of(value)
    return size if size > DROP_BYTES else 0
