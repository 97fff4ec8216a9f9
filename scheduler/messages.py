"""What jobs and neighbours tell, what it means, and waiting for it."""

from __future__ import annotations

import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from primitives.errors import PrimitivesError
from primitives.values import kind_of
from store import Digest

from .cost import CostModel
from .jobs import Computed, Failed, Keep, Kept, KeptByJob, Lost, Message, Stored
from .plan import App

if TYPE_CHECKING:
    from .asking import Heard
    from .claiming import Told
    from .engine import Engine
    from .neighbours import Arrived

Incoming: TypeAlias = "Message | Heard | Arrived | Told | None"
"""What may come through the queue; None only wakes the engine."""


class Messages:
    """The queue through which everything comes to one run's thread."""

    def __init__(self, engine: Engine, costs: CostModel) -> None:
        self._engine = engine
        self._costs = costs
        self._inbox: SimpleQueue[Incoming] = SimpleQueue()

    def tell(self, message: Incoming) -> None:
        """Bring a message to the engine's thread; may be called from any thread."""
        self._inbox.put(message)

    # ---- waiting -----------------------------------------------------------

    def receive(self, deadline: float | None) -> bool:
        """Take all messages that are there; wait for one if there is nothing else.

        Return False if nothing is left to wait for either.
        """
        engine = self._engine
        is_idle = engine.is_idle
        if is_idle and not self._awaits_something:
            engine.keeper.flush()
            return False
        message = self._first(is_idle, deadline)
        while message is not None:
            self._take(message)
            message = self._next(0.0)
        engine.keeper.flush()
        if engine.dispatch.held_wait_s is not None:
            engine.dispatch.ask_others()
        if engine.asking is not None and engine.asking.is_waiting:
            engine.asking.look()
        if engine.dispatch.claiming is not None:
            engine.dispatch.claiming.look()
        return True

    def drain(self, until: float) -> None:
        """Take what the jobs under way tell, at most until a time."""
        engine = self._engine
        running = engine.dispatch.running
        while (running or engine.goals.being_kept) and time.monotonic() < until:
            self._take(self._next(0.1))

    @property
    def _awaits_something(self) -> bool:
        engine = self._engine
        return bool(
            engine.dispatch.running
            or engine.goals.being_kept
            or engine.dispatch.held_wait_s is not None
            or (engine.asking is not None and engine.asking.is_waiting)
            or (
                engine.dispatch.claiming is not None
                and engine.dispatch.claiming.is_waiting
            )
        )

    def _first(self, is_idle: bool, deadline: float | None) -> Incoming:
        """Return the next message; wait for it if there is nothing else to do."""
        if not is_idle:
            return self._next(0.0)
        dispatch, asking = self._engine.dispatch, self._engine.asking
        claiming = dispatch.claiming
        waits = [dispatch.held_wait_s]
        if waits[0] is None and deadline is not None:
            waits[0] = max(0.0, min(1.0, deadline - time.monotonic()))
        if asking is not None and asking.is_waiting:
            waits.append(asking.wait_s())
        if claiming is not None:
            waits.append(claiming.wait_s())
        started = time.monotonic()
        message = self._next(min((s for s in waits if s is not None), default=None))
        if dispatch.is_starved:
            self._spend(time.monotonic() - started)
        return message

    def _spend(self, seconds: float) -> None:
        """Take note of time in which a core had nothing to do but wait for others."""
        asking, claiming = self._engine.asking, self._engine.dispatch.claiming
        is_claimed = claiming is not None and claiming.is_waiting
        if claiming is not None and is_claimed:
            self._engine.progress.waited_s += seconds
        if asking is not None and asking.is_waiting:
            is_silent = claiming is not None and is_claimed and claiming.is_silent
            asking.spend(seconds, is_silent=is_silent)
        elif claiming is not None and is_claimed:
            claiming.spend(seconds)

    def _next(self, timeout: float | None) -> Incoming:
        try:
            if timeout == 0.0:
                return self._inbox.get_nowait()
            return self._inbox.get(timeout=timeout)
        except Empty:
            return None

    # ---- what they mean ----------------------------------------------------

    def _take(self, message: Incoming) -> None:
        engine = self._engine
        match message:
            case Computed():
                self._on_computed(message)
            case Failed():
                engine.dispatch.end(message.job)
                engine.goals.not_kept(message.job)
                self._on_failed(message)
            case Lost():
                engine.dispatch.end(message.job)
                engine.goals.not_kept(message.job)
                engine.recovery.on_lost(message)
            case KeptByJob():
                engine.goals.on_kept(message.kept, message.job)
                engine.goals.end_keeping(message.job)
            case None:
                pass
            case _:
                self._take_answer(message)

    def _take_answer(self, message: Heard | Arrived | Told) -> None:
        from .asking import Heard
        from .claiming import Told

        asking, claiming = self._engine.asking, self._engine.dispatch.claiming
        assert asking is not None
        assert claiming is not None
        if isinstance(message, Heard):
            asking.on_heard(message)
        elif isinstance(message, Told):
            claiming.on_told(message)
        else:
            asking.on_arrived(message)

    def _on_computed(self, message: Computed) -> None:
        engine, job = self._engine, message.job
        engine.dispatch.end(job)
        for ref, value in message.loaded.items():
            if isinstance(engine.values[ref], Stored) and engine.uses[ref] > 0:
                engine.values[ref] = value
                engine.recovery.count_memory(value)
                engine.may_unload(ref)
        if job.is_distrusted:
            if job.then is None or job.keep is Keep.NOTHING:
                engine.recovery.retry(job)
            return
        if job.then is not None:
            job.then(message.value)
            return
        claiming = engine.dispatch.claiming
        if job.is_overtaken and not (
            claiming is not None and claiming.goes_on(job.ref)
        ):
            return
        node = engine.graph.nodes[job.ref]
        assert isinstance(node, App)
        primitive = engine.graph.operation(node.primitive).primitive
        # Seconds of one core, whatever the number of threads.
        self._costs.learn(primitive, job.voxels, message.seconds * job.threads)
        engine.finish_computed(job.ref, message.value, message.seconds, job.relied)
        engine.progress.remaining_s = engine.outlook.seconds()
        engine.release_arguments(job.ref)

    def _on_failed(self, message: Failed) -> None:
        engine, job = self._engine, message.job
        if job.is_distrusted:
            engine.recovery.retry(job)
        elif message.is_cancelled or job.is_overtaken:
            return
        elif job.keep is not Keep.NOTHING and job.then is not None:
            value = engine.values[job.ref]
            kind = value.kind if isinstance(value, Stored) else kind_of(value)
            engine.goals.on_kept(
                Kept(job.ref, Digest(b""), kind, 0, (), False, message.message)
            )
        elif job.then is not None:
            job.then(PrimitivesError(message.message))
        elif not (
            message.is_input_changed and engine.recovery.replan(job.ref)
        ) and not engine.recovery.doubt(job.ref):
            engine.fail(job.ref, engine.failure(job.ref, message.message))
