"""Values that were lost or turned out to be wrong: what follows, and trying again.

Three things can happen to a value that was here.

* Its bytes are gone or damaged.  It is computed, not looked up again: its record may
  outlive a part of its value.
* The file that it comes from has changed since it was keyed.  The reader and what is
  above it are keyed anew, once.
* A neighbour computed it, and a node above it fails.  It is *doubted*, and computed
  here.  If the bytes are others, it was wrong: what was computed from it is wrong too,
  leaves the store again and is computed anew, so that this machine never has two
  answers of its own for a key.

Effects are not tried again over a doubt: what makes them fail is a full disk or a
folder that must not be written far more often than a lie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from primitives.errors import PrimitivesError
from primitives.values import Value
from store import Digest

from .jobs import Job, Keep, Lost, keep, needs_artifact, needs_loading
from .plan import App, Ref, children
from .states import DONE

if TYPE_CHECKING:
    from .engine import Engine


class Recovery:
    """What was lost and doubted in one run.

    Attributes:
        lost: nodes of whose values the store is not believed any more.
        doubted: digests that others gave for nodes that are computed here instead.
    """

    def __init__(self, engine: Engine) -> None:
        self.lost: set[Ref] = set()
        self.doubted: dict[Ref, Digest] = {}
        self._engine = engine
        self._replanned: set[Ref] = set()
        self._tried: set[tuple[Ref, Ref]] = set()

    def count_memory(self, value: Value, sign: int = 1) -> None:
        """Count a value that is in memory now, or with ``sign`` -1 not any more."""
        from .engine import counted_bytes

        self._engine.progress.memory_bytes += sign * counted_bytes(value)

    # ---- bytes that are gone -----------------------------------------------

    def on_lost(self, message: Lost) -> None:
        """Compute again what needs an artifact that is gone, then retry the job."""
        self.forget(message.digest, message.ref)
        if not message.job.is_overtaken:
            self.retry(message.job)

    def forget(self, digest: bytes, user: Ref | None) -> None:
        """Let go of every value that needs an artifact that is gone.

        ``user`` is the node whose value was being loaded; it may need the artifact
        through another one.
        """
        states = self._engine.states
        for ref, value in enumerate(self._engine.values):
            if states[ref] is DONE and (
                needs_artifact(value, digest) or (ref == user and needs_loading(value))
            ):
                self._lose(ref)

    def _lose(self, ref: Ref) -> None:
        """Let go of a node's value, to compute it when it is needed again."""
        engine = self._engine
        self.count_memory(engine.values[ref], -1)
        engine.progress.done -= 1
        engine.values[ref] = None
        engine.keeper.kept.pop(ref, None)
        engine.found.foreign.discard(ref)
        self.lost.add(ref)
        engine.demand.unsee(ref)

    # ---- trying again ------------------------------------------------------

    def retry(self, job: Job) -> None:
        """Do a job again, once its arguments are there again."""
        engine, ref = self._engine, job.ref
        if job.then is None:
            if engine.demand.await_arguments(ref):
                engine.dispatch.add(ref)
        elif job.keep is Keep.NOTHING:
            self.retry_effect(ref, job.call, job.then)
        elif ref in engine.keeper.goals:
            engine.goals.lost(ref)

    def retry_effect(
        self, ref: Ref, call: Callable[..., Value], then: Callable[[Value], None]
    ) -> None:
        """Carry out an effect once more, after its value was lost."""
        if ref in self._engine.failures:
            then(PrimitivesError(self._engine.failures[ref].message))
        else:
            self._engine.run_effect(ref, call, then)

    # ---- files that changed ------------------------------------------------

    def replan(self, ref: Ref) -> bool:
        """Plan anew, once, with the content that a reader's file has now."""
        engine = self._engine
        if ref in self._replanned:
            return False
        self._replanned.add(ref)
        above = engine.graph.above([ref])
        if any(engine.states[at] is DONE for at in above):
            return False
        try:
            if not engine.graph.reopen(ref, above):
                return False
        except PrimitivesError:
            return False
        if engine.keeper.provenance is not None:
            engine.keeper.provenance.rekeyed()
        engine.release_arguments(ref)
        engine.demand.again(ref)
        return True

    # ---- what others said --------------------------------------------------

    def doubt(self, ref: Ref) -> bool:
        """Compute here what a failed node's arguments owe to others, and try again.

        Returns:
            False if all of it was computed here: then it has failed for good.
        """
        if not self._lose_owed(ref):
            return False
        if self._engine.demand.await_arguments(ref):
            self._engine.dispatch.add(ref)
        return True

    def doubt_rule(self, ref: Ref) -> bool:
        """As :meth:`doubt`, for a node whose own rule failed."""
        if not self._lose_owed(ref):
            return False
        self._engine.demand.again(ref)
        return True

    def _lose_owed(self, ref: Ref) -> bool:
        """Let go of what is here below a node that others, or their values, made."""
        foreign = self._engine.found.foreign
        if not (foreign or self.doubted):
            return False
        below = self._below(ref)
        # Others may have doubted it meanwhile; but no node is tried for ever.
        owed = {
            at for at in self.doubted.keys() & below if (ref, at) not in self._tried
        }
        for at in foreign & below:
            kept = self._engine.keeper.kept.get(at)
            if kept is not None and self._is_done(at):
                self.doubted[at] = kept.digest
                owed.add(at)
        self._tried.update((ref, at) for at in owed)
        above = below.intersection(self._engine.graph.above(owed))
        self._lose_all(owed | above)
        return bool(owed)

    def _below(self, ref: Ref) -> set[Ref]:
        """Return the nodes that a node depends on, as far as the plan tells."""
        graph = self._engine.graph
        seen: set[Ref] = set()
        todo = [ref]
        while todo:
            for at in children(graph.nodes[todo.pop()]):
                if at not in seen:
                    seen.add(at)
                    todo.append(at)
        return seen

    def _is_done(self, ref: Ref) -> bool:
        return self._engine.states[ref] is DONE

    def compare(self, ref: Ref, value: Value) -> None:
        """See what a node that was doubted is computed to here.

        Called before anybody has used the new value.
        """
        said = self.doubted.pop(ref, None)
        if said is None:
            return
        digest = keep(ref, value, self._engine.store, Keep.NAME).digest
        if digest != said:
            relied = self._engine.reliances.of(ref)
            self._engine.keeper.dispute(ref, said, digest, relied)
            self._expose(ref)

    def _expose(self, ref: Ref) -> None:
        """Take back what was computed here from a wrong value."""
        engine = self._engine
        above = set(engine.graph.above([ref]))
        wrong = above - engine.found.foreign - self.doubted.keys()
        for job in (
            *engine.dispatch.running.values(),
            *engine.goals.being_kept.values(),
        ):
            if job.ref in wrong:
                job.is_distrusted = True
        engine.keeper.take_back(wrong)
        self._lose_all(wrong)
        engine.rules.restart_all(wrong)

    def _lose_all(self, refs: Iterable[Ref]) -> None:
        """Let go of values whose users may be ready already."""
        engine = self._engine
        for ref in refs:
            self.lost.add(ref)
            engine.sequences.forget(ref)
            if self._is_done(ref) and type(engine.graph.nodes[ref]) is App:
                self._lose(ref)
        engine.inline.hand_over()
        engine.dispatch.hand_over()
