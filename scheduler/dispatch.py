"""From ready nodes to running jobs: free cores, memory, and leases on what is kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from store import Found, Leases, NodeKey, StoreError

from .calls import make_job, operands
from .executors import Executor
from .held import HeldNodes
from .jobs import Job, Keep, bytes_of
from .options import RunOptions
from .plan import App, Ref
from .ready import ReadyNodes
from .states import HELD, READY, RUNNING

if TYPE_CHECKING:
    from .claiming import Claiming
    from .engine import Engine

LEASE_BATCH = 500
"""Small goals that are computed between two looks at the message queue."""

TIGHT_SHARE = 0.5
"""From this share of the memory on, what lets go of values is computed first."""


class Dispatch:
    """The ready queue and the workers of one run.

    Attributes:
        free: cores that no job has.
        running: jobs under way, by their identity.
        claiming: what others may compute instead; None without neighbours.
    """

    def __init__(self, engine: Engine, options: RunOptions, executor: Executor) -> None:
        self.free = executor.capacity
        self.running: dict[int, Job] = {}
        self.claiming: Claiming | None = None
        self._engine = engine
        self._options = options
        self._executor = executor
        self._ready = ReadyNodes(self._frees)
        self._small_goals: list[Ref] = []
        self._held = HeldNodes(engine.store)

    # ---- what is ready -----------------------------------------------------

    def add(self, ref: Ref) -> None:
        """Take a node whose arguments are there; lower references come first."""
        if self.claiming is None or not self.claiming.takes(ref):
            self._ready.add(ref)

    def add_small_goal(self, ref: Ref) -> None:
        """Take a goal that is a light operation on scalars."""
        self._small_goals.append(ref)

    def hand_over(self) -> None:
        """Look before it starts whether what is ready still has its arguments."""
        for ref in self._small_goals:
            self.add(ref)
        self._small_goals.clear()

    @property
    def can_start(self) -> bool:
        """Whether :meth:`start` would start something."""
        return bool(
            self._small_goals
            or (self._has_ready and self.free > 0 and self._has_memory())
        )

    @property
    def _has_ready(self) -> bool:
        claiming = self.claiming
        return bool(self._ready) or (claiming is not None and claiming.can_start)

    @property
    def is_starved(self) -> bool:
        """Whether a core is free because nothing is ready."""
        return (
            self.free > 0
            and self._has_memory()
            and not (self._has_ready or self._small_goals)
        )

    @property
    def is_short_of_memory(self) -> bool:
        """Whether only one job is to run at a time, since values take too much."""
        limit = self._options.memory_bytes
        return limit is not None and self._engine.progress.memory_bytes >= limit

    def start(self) -> None:
        """Start what is ready, as far as there are cores and memory."""
        starting: list[tuple[Ref, Job | None]] = []
        engine = self._engine
        if self.is_short_of_memory:
            engine.unload()
        while self._small_goals and len(starting) < LEASE_BATCH:
            ref = self._small_goals.pop()
            if engine.states[ref] is READY:
                starting.append((ref, None))
        while self.free > 0 and self._has_memory(len(starting)):
            next_ref = self._next()
            if next_ref is None:
                break
            if self._is_wanted(next_ref) and engine.demand.await_arguments(next_ref):
                starting.append((next_ref, self._make_job(next_ref)))
        if starting:
            self._start(starting)
        if self.claiming is not None:
            self.claiming.send()

    def _next(self) -> Ref | None:
        """Return what to start next: first what others wait for."""
        claiming = self.claiming
        if claiming is not None and (ref := claiming.next()) is not None:
            return ref
        while self._ready:
            ref = self._pop()
            # What it will take may be known better than when it became ready.
            if claiming is None or not claiming.takes(ref):
                return ref
        return None

    def _pop(self) -> Ref:
        """Take out the first ready node or, if memory is tight, one that frees some."""
        limit = self._options.memory_bytes
        if limit is None or self._engine.progress.memory_bytes < TIGHT_SHARE * limit:
            return self._ready.pop()
        return self._ready.pop_freeing()

    def _frees(self, ref: Ref) -> float:
        """Return the bytes that a node's end lets go of, or helps to let go of.

        What several nodes want counts for each of them with its share.
        """
        values, uses = self._engine.values, self._engine.uses
        args = operands(self._engine.graph, ref)
        return sum(bytes_of(values[arg]) / max(1, uses[arg]) for arg in args)

    def _make_job(self, ref: Ref) -> Job:
        engine = self._engine
        job = make_job(engine.graph, ref, engine.values, self._share())
        job.relied = engine.reliances.below(ref)
        if self.claiming is not None and self.claiming.is_claimed(ref):
            job.keep = Keep.STORE  # others wait for it
        else:
            job.keep = engine.keeper.decide(ref, job.voxels)
        self.free -= job.threads
        return job

    def _is_wanted(self, ref: Ref) -> bool:
        """Return whether a node from the queue is still to be computed."""
        engine = self._engine
        if engine.states[ref] is not READY:
            return False  # its value came from elsewhere
        if not engine.uses[ref]:  # the values above it came from elsewhere, or failed
            engine.demand.let_go(ref)
            return False
        return True

    def _has_memory(self, starting: int = 0) -> bool:
        return not self.is_short_of_memory or not (self.running or starting)

    def _share(self) -> int:
        """Share the free cores among what could run now: wide plans, one core each."""
        if self._options.execution_engine == "sequential":
            return self._executor.capacity
        width = 0 if self.claiming is None else self.claiming.width
        return self.free // (1 + len(self._ready) + width)

    # ---- leases ------------------------------------------------------------

    def _start(self, starting: list[tuple[Ref, Job | None]]) -> None:
        """Take leases on what will be kept, and start what nobody else computes."""
        keys = self._engine.graph.keys
        leased = [
            key
            for ref, job in starting
            if (key := keys[ref]) is not None and self._is_leased(job)
        ]
        leases = self._lease(leased) if leased else None
        for ref, job in starting:
            key = keys[ref]
            if leases is not None and key is not None and self._is_leased(job):
                if key in leases.done and self._use_instead(ref, leases.done[key], job):
                    continue
                if key in leases.held:
                    self._wait_for_other(ref, job)
                    continue
            if not self._engine.demand.await_arguments(ref):  # lost just now
                self.free += 0 if job is None else job.threads
            elif job is None:
                self._engine.inline.run_small(ref)
            else:
                self._submit_node(ref, job)

    def _lease(self, keys: list[NodeKey]) -> Leases | None:
        try:
            return self._engine.store.lease(keys)
        except StoreError as error:  # no room: computed all the same, perhaps twice
            self._engine.keeper.problem = str(error)
            return None

    def _is_leased(self, job: Job | None) -> bool:
        if self._options.trusts_only_itself:
            return False  # nobody is to wait for what runs when nothing else does
        if job is None:
            return not self._engine.keeper.keeps_nothing
        return job.keep is Keep.STORE

    def _use_instead(self, ref: Ref, found: Found, job: Job | None) -> bool:
        engine = self._engine
        if not self._options.use_cache or ref in engine.recovery.lost:
            return False
        if not engine.found.use(ref, found):
            return False
        if job is not None:
            self.free += job.threads
        if self.claiming is not None:
            self.claiming.settle(ref)  # who waits for us can have it, too
        engine.release_arguments(ref)
        return True

    # ---- nodes that other processes compute --------------------------------

    def _wait_for_other(self, ref: Ref, job: Job | None) -> None:
        if job is not None:
            self.free += job.threads
        self._engine.states[ref] = HELD
        self._held.add(ref)
        self._engine.progress.waiting_for_others = len(self._held)

    @property
    def held_wait_s(self) -> float | None:
        """How long to wait at most before :meth:`ask_others`; None if for nobody."""
        return self._held.wait_s if self._held else None

    def ask_others(self) -> None:
        """See whether another process has finished, or died over, what it holds."""
        for ref in self._held.take_due():
            if self._engine.states[ref] is HELD:
                self._engine.inline.make_ready(ref)
        self._engine.progress.waiting_for_others = len(self._held)

    def let_go(self, ref: Ref) -> None:
        """Take note that a node is not to be computed here, or not now."""
        if self.claiming is not None:
            self.claiming.let_go(ref)

    # ---- jobs --------------------------------------------------------------

    def submit(self, job: Job) -> None:
        """Give a job to a worker."""
        self.running[id(job)] = job
        self.free -= job.threads
        self._executor.submit(job)

    def _submit_node(self, ref: Ref, job: Job) -> None:
        engine = self._engine
        engine.states[ref] = RUNNING
        if job.keep is not Keep.NOTHING:
            engine.goals.begin_keeping(job)
        node = engine.graph.nodes[ref]
        assert isinstance(node, App)
        engine.progress.running[ref] = (node.primitive, time.monotonic())
        self.running[id(job)] = job
        if self.claiming is not None:
            self.claiming.began(job)
        self._executor.submit(job)  # its cores were taken when it was made

    def end(self, job: Job) -> None:
        """Take note that a job was answered."""
        del self.running[id(job)]
        self.free += job.threads
        if self.claiming is not None:
            self.claiming.ended(job)
        self._engine.progress.running.pop(job.ref, None)

    def overtake(self, ref: Ref) -> None:
        """Stop the job that computes a node whose value came from elsewhere."""
        for job in self.running.values():
            if job.ref == ref and job.then is None:
                job.is_overtaken = True
                self._executor.cancel(job)

    def cancel(self) -> None:
        """Ask all jobs to stop."""
        for job in self.running.values():
            self._executor.cancel(job)

    def stop(self) -> None:
        """Let the workers go, unless one is still busy."""
        if not self.running:
            self._executor.stop()
