"""The demand walk and the ready queue: from goals to values.

One thread owns everything here.  It walks from the goals down and expands the
arguments only of what is neither in memory nor in the store; what is ready goes to
the executor, and messages come back through one queue.  Scalar operations run on the
spot, because handing them to a worker would cost more than running them.

What a node passes through is in :mod:`scheduler.states`; how ready nodes become jobs
in :mod:`scheduler.dispatch`; what neighbours are asked in :mod:`scheduler.asking`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Literal, TypeAlias

from primitives.context import Context
from primitives.encoding import children
from primitives.errors import PrimitivesError
from primitives.values import Value, kind_of
from store import (
    ArtifactNotFoundError,
    CorruptArtifactError,
    Digest,
    Found,
    Store,
    StoreError,
)

from .calls import bind, operands
from .cost import CostModel, Outlook
from .dispatch import Dispatch
from .errors import UnavailableError
from .executors import Executor
from .graph import Graph, Operation
from .history import Sources
from .jobs import (
    Computed,
    Failed,
    Job,
    Keep,
    Kept,
    Lost,
    Message,
    Stored,
    bytes_of,
    explain,
    keep,
    load,
    load_payload,
    needs_artifact,
    needs_loading,
)
from .keeping import Keeper
from .options import Failure, Progress, RunOptions
from .plan import App, Const, Place, Ref
from .sequences import Sequences
from .states import ASKED, DONE, FAILED, HELD, READY, RUNNING, UNSEEN, WAITING, State

if TYPE_CHECKING:
    from .asking import Asking, Heard
    from .neighbours import Arrived

INLINE_BATCH = 2000
"""Scalar operations between two looks at the message queue."""

LOOKUP_BATCH = 500
"""Keys that the store is asked for at a time."""

SMALL_S = 1e-6
"""Seconds that a scalar operation takes, for what depends on it."""

DROP_BYTES = 4096
"""Values smaller than this stay in memory for the whole run."""

STOP_S = 10.0
"""How long a stopped run waits for kernels that do not listen."""

Then: TypeAlias = Callable[[Ref], None]
"""Continuation: called once the node is DONE or FAILED."""


Incoming: TypeAlias = "Message | Heard | Arrived | None"
"""What may come through the queue; None only wakes the engine."""

Steps: TypeAlias = Generator[list[Ref] | None, list[Value], None]
"""The rule of a form; see :mod:`scheduler.sequences`."""


SMALL_TYPES = frozenset({bool, int, float, str, type(None)})


class Engine:
    """Computes nodes of one graph."""

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
        self.values: list[Value] = []
        self.failures: dict[Ref, Failure] = {}
        self.keeper = keeper
        self.sequences = Sequences(self)
        self._options = options
        self._costs = costs
        self.asking: Asking | None = None
        self.states: list[State] = []
        self.uses: list[int] = []
        """Per node, how many want its value."""
        self._inbox: SimpleQueue[Incoming] = SimpleQueue()
        executor = make_executor(self._inbox.put)
        self._dispatch = Dispatch(self, options, executor)
        self._pending: list[int] = []
        self._outlook = Outlook(costs, executor.capacity)
        self._waiters: list[list[Ref | Then] | None] = []
        self._after_kept: dict[Ref, list[Then]] = {}
        self._keyless: set[Ref] = set()
        self._lost: set[Ref] = set()
        self._foreign: set[Ref] = set()
        """Nodes whose values others have computed."""
        self._from_store: set[Ref] = set()
        self._stack: list[Ref] = []
        self._questions: list[Ref] = []
        self._calls: deque[tuple[Then, Ref]] = deque()
        self._inline: list[Ref] = []
        self._streams: deque[tuple[Ref, Steps]] = deque()
        self._unkept = 0
        self.context = Context(directory=graph.directory)
        self.stopped_by: Literal["", "failure", "signal", "time"] = ""
        self._replanned: set[Ref] = set()
        self.grow()

    # ---- what others ask of the engine -------------------------------------

    def want_goal(self, ref: Ref, then: Then) -> None:
        """Ask for a node whose value is a goal: it is named, and kept by policy.

        ``then`` is called when its value and its digest are there, or it failed.
        """
        self.keeper.goals.add(ref)
        self._after_kept.setdefault(ref, []).append(then)
        self.want(ref, self._goal_done)

    def want(self, ref: Ref, then: Then) -> None:
        """Ask for a node's value; ``then`` is called once it is there or failed."""
        self.uses[ref] += 1
        state = self.states[ref]
        if state is DONE or state is FAILED:
            self._calls.append((then, ref))
            return
        self._add_waiter(ref, then)

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
        """Say that one use of a node's value is over."""
        self.uses[ref] -= 1
        if self.uses[ref] == 0 and self.states[ref] is DONE:
            self._drop(ref)

    def spawn(self, ref: Ref, steps: Steps) -> None:
        """Run the rule of a node: a generator that yields the nodes it needs.

        It is resumed with their values; ``None`` lets other work go on first.
        """
        self._resume(ref, steps, None)

    def run_effect(
        self, ref: Ref, call: Callable[..., Value], then: Callable[[Value], None]
    ) -> None:
        """Call ``call(context, value)`` in a worker; ``then`` gets its result.

        ``then`` gets the exception instead when it failed.
        """
        if self.states[ref] is not DONE:  # lost since it was asked for
            self.ask_again(ref, lambda at: self._retry_effect(at, call, then))
            return
        job = Job(ref, call, [self.values[ref]], [ref], then=then)
        self._dispatch.submit(job)

    def finish(self, ref: Ref, value: Value) -> None:
        """Take ``value`` as the node's and wake who waits for it."""
        self.states[ref] = DONE
        self.values[ref] = value
        self.progress.done += 1
        if not self.graph.is_small[ref]:
            self._outlook.remove(ref)
        size = bytes_of(value)
        if size > DROP_BYTES:
            self.progress.memory_bytes += size
            if not self.uses[ref]:
                self._drop(ref)
        waiters = self._waiters[ref]
        if waiters is None:
            return
        self._waiters[ref] = None
        pending = self._pending
        for waiter in waiters:
            if type(waiter) is int:
                pending[waiter] -= 1
                if not pending[waiter] and self.states[waiter] is WAITING:
                    self.make_ready(waiter)
            else:
                self._calls.append((waiter, ref))  # type: ignore[arg-type]

    def finish_computed(self, ref: Ref, value: Value, seconds: float) -> None:
        """As :meth:`finish`, for a value that was computed here."""
        if self.graph.keys[ref] is not None:
            self.progress.executed += 1
            if self.asking is not None:
                self.asking.executed(ref)
        self.keeper.note_seconds(ref, seconds, self.uses[ref])
        self.finish(ref, value)

    def complete_form(self, ref: Ref, value: Value) -> None:
        """Take the value that a form's own rule found."""
        self.keeper.note_seconds(ref, 0.0)
        self.finish(ref, value)
        if ref in self.keeper.goals or self.keeper.keeps_everything:
            self.keep(ref, value)

    def count_executed(self, operations: int) -> None:
        """Count operations that ran without a node of their own."""
        self.progress.executed += operations
        if self.asking is not None:
            self.asking.executed_unasked(operations)

    def keep(self, ref: Ref, value: Value) -> None:
        """Name, and by policy store, a value that no job has kept."""
        how = self.keeper.decide(ref, 0)
        if how is Keep.NOTHING:
            return
        if type(value) in SMALL_TYPES:
            self._on_kept(keep(ref, value, self.store, how))
            return
        job = Job(ref, _same, [value], [None], keep=how, then=lambda _: None)
        self.begin_keeping(ref)
        self._dispatch.submit(job)

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
            self._outlook.remove(at)
            if WAITING <= state <= HELD:
                self.release_arguments(at)
            waiters, self._waiters[at] = self._waiters[at], None
            for waiter in waiters or ():
                if type(waiter) is int:
                    todo.append(waiter)
                else:
                    self._calls.append((waiter, at))  # type: ignore[arg-type]

    def failure(self, ref: Ref, message: str) -> Failure:
        """Describe what went wrong at a node."""
        node = self.graph.nodes[ref]
        name = node.primitive if isinstance(node, App) else ""
        return Failure(message, name, self.graph.builder.node_sites[ref])

    def grow(self) -> None:
        """Make room for the nodes that were added to the graph."""
        more = len(self.graph.nodes) - len(self.states)
        self.states.extend([UNSEEN] * more)
        self.values.extend([None] * more)
        self._pending.extend([0] * more)
        self.uses.extend([0] * more)
        self._waiters.extend([None] * more)

    def sources(self) -> Sources:
        """Return where the values of the run came from."""
        asking = self.asking
        return Sources(
            self.keeper.own_s,
            self.keeper.kept,
            self._from_store,
            {} if asking is None else asking.arrived,
            (lambda _: "") if asking is None else asking.because,
        )

    def tell(self, message: Incoming) -> None:
        """Bring a message to the engine's thread; may be called from any thread."""
        self._inbox.put(message)

    def stop_soon(self) -> None:
        """Ask the run to stop; may be called from a signal handler."""
        self.stopped_by = "signal"
        self._inbox.put(None)

    # ---- the loop ----------------------------------------------------------

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
            self._walk()
            self._call_back()
            self._run_inline()
            self._run_stream()
            self._dispatch.start()
            if not is_finished() and not self._receive(deadline):
                raise AssertionError("nothing is left to do, but goals are missing")
        return True

    def _call_back(self) -> None:
        while self._calls:
            then, ref = self._calls.popleft()
            then(ref)

    def close(self) -> None:
        """Stop the workers, and make durable what was finished."""
        if self.asking is not None:
            self.asking.stop()
        self._dispatch.cancel()
        patience = time.monotonic() + STOP_S
        running = self._dispatch.running
        while (running or self._unkept) and time.monotonic() < patience:
            self._take(self._next_message(0.1))
        self._dispatch.stop()
        self.keeper.wait()

    # ---- the demand walk ---------------------------------------------------

    def _add_waiter(self, ref: Ref, waiter: Ref | Then) -> None:
        waiters = self._waiters[ref]
        if waiters is None:
            self._waiters[ref] = [waiter]
        else:
            waiters.append(waiter)
        if self.states[ref] is UNSEEN:
            self.states[ref] = ASKED
            self.progress.nodes += 1
            self._stack.append(ref)

    def _walk(self) -> None:
        while self._stack or self._questions:
            while self._stack:
                self._consider(self._stack.pop())
            if self._questions:
                questions, self._questions = self._questions, []
                self._look_up(questions)
        if self.asking is not None:
            self.asking.send()

    def _consider(self, ref: Ref) -> None:
        node = self.graph.nodes[ref]
        if ref in self.graph.problems:
            self.fail(ref, self.failure(ref, self.graph.problems[ref]))
        elif isinstance(node, App):
            self._consider_application(ref, node)
        elif isinstance(node, (Const, Place)):
            value = node.value if isinstance(node, Const) else node.text
            self.finish(ref, value)
            if ref in self.keeper.goals:
                self._on_kept(keep(ref, value, self.store, Keep.NAME))
        else:
            raise AssertionError(f"node {ref} stands for no value")

    def _consider_application(self, ref: Ref, node: App) -> None:
        operation = self.graph.operation(node.primitive)
        if self.graph.keys[ref] is None and ref not in self._keyless:
            self.spawn(ref, self.sequences.find_key(ref, self._consider))
        elif self._is_asked_of_store(ref, operation):
            self._questions.append(ref)
        else:
            self._expand(ref, node, operation)

    def mark_keyless(self, ref: Ref) -> None:
        """Say that a node will never have a key."""
        self._keyless.add(ref)

    def is_keyless(self, ref: Ref) -> bool:
        """Return whether a node was found never to have a key."""
        return ref in self._keyless

    def _is_asked_of_store(self, ref: Ref, operation: Operation) -> bool:
        if not self._options.use_cache or self.graph.keys[ref] is None:
            return False
        if ref in self._lost:
            return False
        if ref in self.keeper.goals:
            return True
        if self.graph.is_small[ref]:
            return False  # to compute it costs less than to ask
        if self.keeper.keeps_everything:
            return True
        return not (operation.form or operation.reads)

    def _look_up(self, refs: list[Ref]) -> None:
        keys = self.graph.keys
        for start in range(0, len(refs), LOOKUP_BATCH):
            part = refs[start : start + LOOKUP_BATCH]
            found = self.store.lookup([key for ref in part if (key := keys[ref])])
            for ref in part:
                key = keys[ref]
                hit = found.get(key) if key is not None else None
                if (hit is None or not self.use_found(ref, hit)) and not (
                    self.asking is not None and self.asking.takes(ref)
                ):
                    self.expand(ref)

    def use_found(self, ref: Ref, found: Found) -> bool:
        """Take a result of the store as a node's; False if its bytes are no value."""
        if not self._finish_found(ref, found):
            return False
        self.progress.from_store += 1
        self._from_store.add(ref)
        return True

    def _finish_found(self, ref: Ref, found: Found) -> bool:
        result = found.result
        value: Value = Stored(result.digest, result.kind, result.size_bytes)
        kind = result.kind
        # An image may not be needed at all, when it is a file that is saved already.
        is_scalar = kind not in ("image", "mask")
        if found.payload is not None and is_scalar:
            try:
                if not children(found.payload):
                    value = load_payload(found.payload, self.store)
                    kind = kind_of(value)
            except (PrimitivesError, StoreError):
                return False
        if result.origin == "peer":
            if kind not in self.graph.kinds_of(ref):
                return False
            self._foreign.add(ref)
        self.keeper.kept[ref] = Kept(
            ref, result.digest, kind, result.size_bytes, (), True
        )
        self.finish(ref, value)
        return True

    # ---- neighbours --------------------------------------------------------

    def is_settled(self, ref: Ref) -> bool:
        """Return whether a node needs no result any more: done, failed, let go of."""
        return self.states[ref] in (UNSEEN, DONE, FAILED)

    def is_here(self, ref: Ref, or_running: bool) -> bool:
        """Return whether a node has its value, or, if wanted, a worker is at it."""
        state = self.states[ref]
        return state is DONE or (or_running and state is RUNNING)

    def is_goal(self, ref: Ref) -> bool:
        """Return whether a node's value is a goal of the run."""
        return ref in self.keeper.goals

    def is_lost(self, ref: Ref) -> bool:
        """Return whether the store's bytes of a node's value were gone."""
        return ref in self._lost

    def arrive(self, ref: Ref, found: Found) -> bool:
        """Take a result that came from a neighbour, whatever is under way for it here.

        Returns:
            False if its bytes are no value.
        """
        state = self.states[ref]
        if not self._finish_found(ref, found):
            return False
        if WAITING <= state <= HELD:
            self.release_arguments(ref)
        if state is RUNNING:
            self._dispatch.overtake(ref)
        return True

    def note_inputs(self, refs: Sequence[Ref]) -> None:
        """Write down from which files the results are that neighbours will bring."""
        provenance = self.keeper.provenance
        if provenance is not None:
            for ref in refs:
                if (key := self.graph.keys[ref]) is not None:
                    provenance.note(key, (ref,))
            provenance.write()

    def let_go(self, ref: Ref) -> None:
        """Forget that a ready node was asked for: nobody needs it any more."""
        self.states[ref] = UNSEEN
        self._outlook.remove(ref)
        self.progress.nodes -= 1
        self.release_arguments(ref)

    def expand(self, ref: Ref) -> None:
        """Compute a node that nobody has: ask for its arguments."""
        node = self.graph.nodes[ref]
        assert isinstance(node, App)
        self._expand(ref, node, self.graph.operation(node.primitive))

    def _expand(self, ref: Ref, node: App, operation: Operation) -> None:
        if operation.form and self.sequences.expand(ref, node, operation):
            return
        if not self.graph.is_small[ref]:
            self._outlook.add(ref, operation.primitive, self.graph.voxels[ref])
        self._wait_for(ref, operands(self.graph, ref))

    def _wait_for(self, ref: Ref, args: tuple[Ref, ...]) -> None:
        states = self.states
        states[ref] = WAITING
        count = 0
        for arg in args:
            self.uses[arg] += 1
        for arg in args:
            state = states[arg]
            if state is FAILED:
                self.fail_as(ref, arg)
                return
            if state is not DONE:
                count += 1
                self._add_waiter(arg, ref)
            elif type(self.graph.nodes[arg]) is App:
                self.progress.from_memory += 1
        self._pending[ref] = count
        if not count:
            self.make_ready(ref)

    # ---- running -----------------------------------------------------------

    def make_ready(self, ref: Ref) -> None:
        """Queue a node whose arguments are there."""
        self.states[ref] = READY
        node = self.graph.nodes[ref]
        assert isinstance(node, App)
        operation = self.graph.operation(node.primitive)
        if operation.is_light and self._are_small(node.args):
            if ref in self.keeper.goals and self.graph.keys[ref] is not None:
                self._dispatch.add_small_goal(ref)
            else:
                self._inline.append(ref)
        else:
            self._dispatch.add(ref)

    def _are_small(self, args: Sequence[Ref | None]) -> bool:
        for arg in args:
            if arg is not None:
                value = self.values[arg]
                if type(value) not in SMALL_TYPES:
                    return False
                # A value that was lost is None too.
                if value is None and self.states[arg] is not DONE:
                    return False
        return True

    def _run_inline(self) -> None:
        for _ in range(INLINE_BATCH):
            if not self._inline:
                return
            ref = self._inline.pop()
            if self.states[ref] is READY:  # else its value came from elsewhere
                self.run_small(ref)

    def run_small(self, ref: Ref) -> None:
        """Compute a light operation on scalars on the spot."""
        node = self.graph.nodes[ref]
        assert isinstance(node, App)
        operation = self.graph.operation(node.primitive)
        try:
            args, named = bind(node, operation, self.values)
            value = operation.kernel(self.context, *args, **named)
        except Exception as error:  # whatever a kernel does is the node's failure
            self.fail(ref, self.failure(ref, explain(error)))
            if ref in self.keeper.goals:
                self.keeper.release(ref)
            return
        self.finish_computed(ref, value, SMALL_S)
        if ref in self.keeper.goals:
            self.keep(ref, value)
        elif self.keeper.keeps_everything and (key := self.graph.keys[ref]) is not None:
            self.keeper.add_small(key, value, (ref,))

    def _resume(self, ref: Ref, steps: Steps, values: list[Value] | None) -> None:
        """Go on with a rule after what it asked for is there."""
        if self.states[ref] is DONE:  # its value came from elsewhere
            steps.close()
            return
        try:
            request = steps.send(values)  # type: ignore[arg-type]
        except StopIteration:
            return
        except UnavailableError as error:
            self.fail(ref, error.failure)
        except PrimitivesError as error:
            self.fail(ref, self.failure(ref, str(error)))
        except RecursionError:
            self.fail(ref, self.failure(ref, "loops are nested too deeply"))
        except Exception as error:  # as a kernel's: the node's failure, not the run's
            self.fail(ref, self.failure(ref, explain(error)))
        else:
            self.grow()
            if request is None:
                self._streams.append((ref, steps))
            else:
                self.want_all(request, lambda: self._answer(ref, steps, request))

    def _answer(self, ref: Ref, steps: Steps, request: list[Ref]) -> None:
        if self.states[ref] is DONE:  # its value came from elsewhere
            steps.close()
            for at in request:
                self.release(at)
            return
        failed = [at for at in request if at in self.failures]
        if failed:
            steps.close()
            for at in request:
                self.release(at)
            self.fail_as(ref, failed[0])
            return
        try:
            values = [self._opened(at) for at in request]
        except (ArtifactNotFoundError, CorruptArtifactError):
            pass
        except (StoreError, PrimitivesError) as error:
            self.fail(ref, self.failure(ref, str(error)))
            return
        if any(self.states[at] is not DONE for at in request):
            # Lost since it was asked for: ask again, and it is computed.
            for at in request:
                self.uses[at] -= 1
            self.want_all(request, lambda: self._answer(ref, steps, request))
        else:
            self._resume(ref, steps, values)

    def _opened(self, ref: Ref) -> Value:
        """Return a value for a rule, which takes sequences apart but no images."""
        value = self.values[ref]
        if isinstance(value, Stored) and value.kind not in ("image", "mask"):
            try:
                value = self.values[ref] = load(value, self.store)
            except (ArtifactNotFoundError, CorruptArtifactError) as error:
                self._forget(error.digest, ref)
                raise
            self.progress.memory_bytes += _counted_bytes(value)
        return value

    def _run_stream(self) -> None:
        if self._streams:
            ref, steps = self._streams.popleft()
            self._resume(ref, steps, None)

    # ---- messages ----------------------------------------------------------

    def _receive(self, deadline: float | None) -> bool:
        """Take all messages that are there; wait for one if there is nothing else.

        Return False if nothing is left to wait for either.
        """
        is_idle = not (
            self._stack
            or self._questions
            or self._calls
            or self._inline
            or self._streams
            or self._dispatch.can_start
        )
        if is_idle and not self._awaits_something:
            self.keeper.flush()
            return False
        message = self._first_message(is_idle, deadline)
        while message is not None:
            self._take(message)
            message = self._next_message(0.0)
        self.keeper.flush()
        if self._dispatch.held_wait_s is not None:
            self._dispatch.ask_others()
        if self.asking is not None and self.asking.is_waiting:
            self.asking.look()
        return True

    @property
    def _awaits_something(self) -> bool:
        return bool(
            self._dispatch.running
            or self._unkept
            or self._dispatch.held_wait_s is not None
            or (self.asking is not None and self.asking.is_waiting)
        )

    def _first_message(self, is_idle: bool, deadline: float | None) -> Incoming:
        """Return the next message; wait for it if there is nothing else to do."""
        if not is_idle:
            return self._next_message(0.0)
        timeout = self._dispatch.held_wait_s
        if timeout is None and deadline is not None:
            timeout = max(0.0, min(1.0, deadline - time.monotonic()))
        asking = self.asking
        if asking is None or not asking.is_waiting:
            return self._next_message(timeout)
        wait_s = asking.wait_s()
        started = time.monotonic()
        message = self._next_message(
            wait_s if timeout is None else min(timeout, wait_s)
        )
        if self._dispatch.is_starved:
            asking.spend(time.monotonic() - started)
        return message

    def _next_message(self, timeout: float | None) -> Incoming:
        try:
            if timeout == 0.0:
                return self._inbox.get_nowait()
            return self._inbox.get(timeout=timeout)
        except Empty:
            return None

    def _take(self, message: Incoming) -> None:
        match message:
            case Computed():
                self._on_computed(message)
            case Failed():
                self._dispatch.end(message.job)
                self._not_kept(message.job)
                self._on_failed(message)
            case Lost():
                self._dispatch.end(message.job)
                self._not_kept(message.job)
                self._on_lost(message)
            case Kept():
                self._on_kept(message)
                self._end_keeping(message.ref)
            case None:
                pass
            case _:
                self._take_answer(message)

    def _take_answer(self, message: Heard | Arrived) -> None:
        from .asking import Heard

        assert self.asking is not None
        if isinstance(message, Heard):
            self.asking.on_heard(message)
        else:
            self.asking.on_arrived(message)

    def begin_keeping(self, ref: Ref) -> None:
        """Take note that a value is about to be kept."""
        # A use like any other: dropped before it is kept, a value would be lost.
        self._unkept += 1
        self.uses[ref] += 1

    def _end_keeping(self, ref: Ref) -> None:
        self._unkept -= 1
        self.release(ref)

    def _not_kept(self, job: Job) -> None:
        if job.keep is not Keep.NOTHING:
            self._end_keeping(job.ref)
            if job.keep is Keep.STORE and job.then is None:
                self.keeper.release(job.ref)

    def _on_computed(self, message: Computed) -> None:
        job = message.job
        self._dispatch.end(job)
        for ref, value in message.loaded.items():
            if isinstance(self.values[ref], Stored) and self.uses[ref] > 0:
                self.values[ref] = value
                self.progress.memory_bytes += _counted_bytes(value)
        if job.then is not None:
            job.then(message.value)
            return
        if job.is_overtaken:
            return
        node = self.graph.nodes[job.ref]
        assert isinstance(node, App)
        primitive = self.graph.operation(node.primitive).primitive
        # Seconds of one core, whatever the number of threads.
        self._costs.learn(primitive, job.voxels, message.seconds * job.threads)
        self.finish_computed(job.ref, message.value, message.seconds)
        self.progress.remaining_s = self._outlook.seconds()
        self.release_arguments(job.ref)

    def _on_failed(self, message: Failed) -> None:
        job = message.job
        if message.is_cancelled or job.is_overtaken:
            return
        if job.keep is not Keep.NOTHING and job.then is not None:
            value = self.values[job.ref]
            kind = value.kind if isinstance(value, Stored) else kind_of(value)
            self._on_kept(
                Kept(job.ref, Digest(b""), kind, 0, (), False, message.message)
            )
        elif job.then is not None:
            job.then(PrimitivesError(message.message))
        elif not (message.is_input_changed and self._replan(job.ref)) and not (
            self._doubt_arguments(job.ref)
        ):
            self.fail(job.ref, self.failure(job.ref, message.message))

    def _doubt_arguments(self, ref: Ref) -> bool:
        """Compute here what a failed node's arguments owe to others, and try again.

        Returns:
            False if all of it was computed here: then it has failed for good.
        """
        doubted = self._owed_to_others(ref)
        for arg in doubted:
            self._lose(arg)
        if doubted and self.await_arguments(ref):
            self._dispatch.add(ref)
        return bool(doubted)

    def _owed_to_others(self, ref: Ref) -> set[Ref]:
        """Return what is here below a node that others, or their values, made."""
        if not self._foreign:
            return set()
        seen: dict[Ref, tuple[Ref, ...]] = {}
        todo = [ref]
        while todo:
            at = todo.pop()
            if at not in seen and type(self.graph.nodes[at]) is App:
                seen[at] = operands(self.graph, at)
                todo.extend(seen[at])
        owed = self._foreign.intersection(seen)
        for at in sorted(seen):  # arguments come before what they are arguments of
            if not owed.isdisjoint(seen[at]):
                owed.add(at)
        return {at for at in owed if at != ref and self.states[at] is DONE}

    def _replan(self, ref: Ref) -> bool:
        """Plan anew, once, with the content that a reader's file has now."""
        if ref in self._replanned:
            return False
        self._replanned.add(ref)
        above = self.graph.above(ref)
        if any(self.states[at] is DONE for at in above):
            return False
        try:
            if not self.graph.reopen(ref, above):
                return False
        except PrimitivesError:
            return False
        if self.keeper.provenance is not None:
            self.keeper.provenance.rekeyed()
        self.release_arguments(ref)
        self.states[ref] = ASKED
        self._stack.append(ref)
        return True

    def _on_lost(self, message: Lost) -> None:
        """Compute again what needs an artifact that is gone, then retry the job."""
        job = message.job
        self._forget(message.digest, message.ref)
        if job.is_overtaken:
            return
        if job.then is None:
            if self.await_arguments(job.ref):
                self._dispatch.add(job.ref)
        elif job.keep is Keep.NOTHING:
            self._retry_effect(job.ref, job.call, job.then)
        elif job.ref in self.keeper.goals:
            self.want(job.ref, self._goal_done)

    def _forget(self, digest: bytes, user: Ref | None) -> None:
        """Let go of every value that needs an artifact that is gone.

        ``user`` is the node whose value was being loaded; it may need the artifact
        through another one.  What is let go of is computed, not looked up again: its
        record may outlive a part of its value.
        """
        for ref, value in enumerate(self.values):
            if self.states[ref] is DONE and (
                needs_artifact(value, digest) or (ref == user and needs_loading(value))
            ):
                self._lose(ref)

    def _lose(self, ref: Ref) -> None:
        """Let go of a node's value, to compute it when it is needed again."""
        self.keeper.kept.pop(ref, None)
        self.progress.memory_bytes -= _counted_bytes(self.values[ref])
        self.progress.done -= 1
        self.progress.nodes -= 1
        self.values[ref] = None
        self.states[ref] = UNSEEN
        self._foreign.discard(ref)
        self._lost.add(ref)  # the store is not believed twice

    def ask_again(self, ref: Ref, then: Then) -> None:
        """As :meth:`want_goal`, for a goal whose value was lost before its use."""
        self.uses[ref] -= 1
        self.want_goal(ref, then)

    def await_arguments(self, ref: Ref) -> bool:
        """Return whether a ready node still has its arguments, else wait for them."""
        missing = {
            arg for arg in operands(self.graph, ref) if self.states[arg] is not DONE
        }
        if not missing:
            self.states[ref] = READY
            return True
        self.states[ref] = WAITING
        self._pending[ref] = len(missing)
        for arg in missing:
            if self.states[arg] is FAILED:
                self.fail_as(ref, arg)
                break
            self._add_waiter(arg, ref)
        return False

    def _retry_effect(
        self, ref: Ref, call: Callable[..., Value], then: Callable[[Value], None]
    ) -> None:
        if ref in self.failures:
            then(PrimitivesError(self.failures[ref].message))
        else:
            self.run_effect(ref, call, then)

    def _on_kept(self, message: Kept) -> None:
        ref = message.ref
        self.keeper.note_kept(message)
        if self.states[ref] is not DONE:  # lost again
            if ref in self._after_kept:
                self._add_waiter(ref, self._goal_done)
            return
        for then in self._after_kept.pop(ref, ()):
            self._calls.append((then, ref))

    # ---- values that are over, others' results -----------------------------

    def _goal_done(self, ref: Ref) -> None:
        if ref in self.failures or ref in self.keeper.kept:
            for then in self._after_kept.pop(ref, ()):
                then(ref)
        elif self.states[ref] is not DONE:  # lost before it was kept
            self.uses[ref] -= 1
            self.want(ref, self._goal_done)

    def release_arguments(self, ref: Ref) -> None:
        """Say that a node has no more use for its arguments."""
        for arg in operands(self.graph, ref):
            self.release(arg)

    def _drop(self, ref: Ref) -> None:
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


def _counted_bytes(value: Value) -> int:
    """Return what a value counts against the memory of the run."""
    size = bytes_of(value)
    return size if size > DROP_BYTES else 0


def _same(context: Context, value: Value) -> Value:
    return value
