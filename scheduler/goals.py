"""Values that are named and kept: those of goals, and what policy keeps besides.

A goal is told once its value has a digest.  What decides about keeping, and brings
what is kept to the store, is in :mod:`scheduler.keeping`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from primitives.context import Context
from primitives.values import Value

from .inline import SMALL_TYPES
from .jobs import Job, Keep, Kept, keep
from .plan import Ref
from .states import DONE

if TYPE_CHECKING:
    from .engine import Engine, Then


class Goals:
    """The goals of one run, and the values that are being kept just now.

    Attributes:
        being_kept: jobs of which it is not known yet whether their values are kept.
    """

    def __init__(self, engine: Engine) -> None:
        self.being_kept: dict[int, Job] = {}
        self._engine = engine
        self._after_kept: dict[Ref, list[Then]] = {}

    # ---- goals -------------------------------------------------------------

    def want(self, ref: Ref, then: Then) -> None:
        """Ask for a node whose value is a goal: it is named, and kept by policy.

        ``then`` is called when its value and its digest are there, or it failed.
        """
        self._engine.keeper.goals.add(ref)
        self._after_kept.setdefault(ref, []).append(then)
        self._engine.want(ref, self._done)

    def want_again(self, ref: Ref, then: Then) -> None:
        """As :meth:`want`, for a goal whose value was lost before its use."""
        self._engine.uses[ref] -= 1
        self.want(ref, then)

    def lost(self, ref: Ref) -> None:
        """Ask once more for a goal whose value was lost while it was being kept."""
        self._engine.want(ref, self._done)

    def _done(self, ref: Ref) -> None:
        engine = self._engine
        if ref in engine.failures or ref in engine.keeper.kept:
            for then in self._after_kept.pop(ref, ()):
                then(ref)
        elif engine.states[ref] is not DONE:  # lost before it was kept
            engine.uses[ref] -= 1
            engine.want(ref, self._done)

    # ---- keeping -----------------------------------------------------------

    def keep(self, ref: Ref, value: Value) -> None:
        """Name, and by policy store, a value that no job has kept."""
        engine = self._engine
        how = engine.keeper.decide(ref, 0)
        if how is Keep.NOTHING:
            return
        if type(value) in SMALL_TYPES:
            self.on_kept(keep(ref, value, engine.store, how))
            return
        job = Job(ref, _same, [value], [None], keep=how, then=lambda _: None)
        job.relied = engine.reliances.of(ref)
        self.begin_keeping(job)
        engine.dispatch.submit(job)

    def begin_keeping(self, job: Job) -> None:
        """Take note that the value of a job is about to be kept."""
        # A use like any other: dropped before it is kept, a value would be lost.
        self.being_kept[id(job)] = job
        self._engine.uses[job.ref] += 1

    def end_keeping(self, job: Job) -> None:
        """Take note that the value of a job is kept, or will not be."""
        del self.being_kept[id(job)]
        self._engine.release(job.ref)

    def not_kept(self, job: Job) -> None:
        """Take note that a job has no value to keep."""
        if job.keep is not Keep.NOTHING:
            self.end_keeping(job)
            if job.keep is Keep.STORE and job.then is None:
                self._engine.keeper.release(job.ref)

    def on_kept(self, message: Kept, job: Job | None = None) -> None:
        """Take note of a value's name; ``job`` has kept it, if it was not kept here."""
        engine, ref = self._engine, message.ref
        is_wrong = job is not None and job.is_distrusted
        if is_wrong:
            engine.keeper.release(ref)
        else:
            relied = engine.reliances.of(ref) if job is None else job.relied
            engine.keeper.note_kept(message, relied)
            engine.may_unload(ref)
        if engine.states[ref] is not DONE:  # lost again
            if ref in self._after_kept:
                engine.demand.add_waiter(ref, self._done)
        elif not is_wrong:
            for then in self._after_kept.pop(ref, ()):
                engine.call(then, ref)


def _same(context: Context, value: Value) -> Value:
    return value
