"""The rules of forms at work: generators that yield the nodes they need.

They are resumed with the values; ``None`` lets other work go on first.  What the rules
are is in :mod:`scheduler.sequences`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from primitives.errors import PrimitivesError
from primitives.values import Value
from store import ArtifactNotFoundError, CorruptArtifactError, StoreError

from .elements import items_of
from .errors import ItemFailedError, UnavailableError
from .jobs import Stored, explain, load
from .options import Failure
from .plan import Ref
from .reliance import NOBODY, Relied
from .states import DONE

if TYPE_CHECKING:
    from .engine import Engine

Steps: TypeAlias = Generator[list[Ref] | None, list[Value], None]


@dataclass(slots=True, eq=False)
class _Rule:
    ref: Ref
    steps: Steps
    request: list[Ref] = field(default_factory=list)
    """What it waits for."""
    is_over: bool = False
    is_running: bool = False
    relied: Relied = NOBODY
    """What it was told rests on."""


class Rules:
    """The rules that are under way in one run, at most one for a node."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._rules: dict[Ref, _Rule] = {}
        self._streams: deque[_Rule] = deque()
        self._current: _Rule | None = None
        """The one that runs just now."""

    def __contains__(self, ref: Ref) -> bool:
        """Return whether a rule is under way for a node."""
        return ref in self._rules

    @property
    def is_due(self) -> bool:
        """Whether :meth:`go_on` has something to do."""
        return bool(self._streams)

    # ---- what they rest on -------------------------------------------------

    @property
    def relied_now(self) -> Relied:
        """What the rule that runs just now was told rests on."""
        return NOBODY if self._current is None else self._current.relied

    def relied(self, ref: Ref) -> Relied:
        """Return what the rule of a node was told rests on."""
        rule = self._rules.get(ref)
        return NOBODY if rule is None else rule.relied

    def rely(self, relied: Relied) -> None:
        """Take note of what the rule that runs just now uses besides."""
        rule = self._current
        if rule is not None and relied:
            rule.relied = self._engine.reliances.merge(rule.relied, relied)

    # ---- their course ------------------------------------------------------

    def spawn(self, ref: Ref, steps: Steps) -> None:
        """Begin with the rule of a node."""
        rule = self._rules[ref] = _Rule(ref, steps)
        self._resume(rule, None)

    def go_on(self) -> None:
        """Resume one of the rules that have let other work go first."""
        if self._streams:
            self._resume(self._streams.popleft(), None)

    def abandon(self, ref: Ref) -> Sequence[Ref]:
        """Stop the rule of a node, if there is one; return what to release."""
        rule = self._rules.pop(ref, None)
        if rule is None:
            return ()
        rule.is_over = True
        if not rule.is_running:
            rule.steps.close()
        return rule.request

    def restart(self, ref: Ref) -> None:
        """Stop the rule of a node, and walk once more from the node."""
        for at in self.abandon(ref):
            self._engine.release(at)
        self._engine.demand.again(ref)

    def restart_all(self, refs: set[Ref]) -> None:
        """Restart those of the rules whose nodes are among ``refs``."""
        for ref in refs & self._rules.keys():
            rule = self._rules.get(ref)  # a restarted one may have let go of it
            if rule is not None and not rule.is_running:
                self.restart(ref)

    def _resume(self, rule: _Rule, values: list[Value] | None) -> None:
        """Go on with a rule after what it asked for is there."""
        engine, ref = self._engine, rule.ref
        if rule.is_over:
            return
        rule.is_running = True
        before, self._current = self._current, rule
        try:
            request = rule.steps.send(values)  # type: ignore[arg-type]
        except StopIteration:
            self._end(rule)
        except UnavailableError as error:
            self._fail(rule, self._placed(rule, error))
        except RecursionError:
            self._fail(rule, engine.failure(ref, "loops are nested too deeply"))
        except Exception as error:  # as a kernel's: the node's failure, not the run's
            self._fail(rule, engine.failure(ref, explain(error)))
        else:
            rule.is_running = False
            engine.grow()
            if request is None:
                self._streams.append(rule)
            else:
                rule.request = request
                engine.want_all(request, lambda: self._answer(rule))
        finally:
            self._current = before

    def _end(self, rule: _Rule) -> None:
        rule.is_over = True
        if self._rules.get(rule.ref) is rule:
            del self._rules[rule.ref]

    def _placed(self, rule: _Rule, error: UnavailableError) -> Failure:
        """Return a failure with the items of all loops that it happened in."""
        failure = error.failure
        if not isinstance(error, ItemFailedError):
            return failure
        outer = items_of(self._engine.graph, rule.ref)
        return replace(failure, items=(*outer, *failure.items))

    def _fail(self, rule: _Rule, failure: Failure) -> None:
        """Fail a node, unless what it failed over may be a neighbour's fault."""
        self._end(rule)
        engine = self._engine
        if not engine.recovery.doubt_rule(rule.ref):
            engine.fail(rule.ref, failure)

    def _answer(self, rule: _Rule) -> None:
        engine, ref, request = self._engine, rule.ref, rule.request
        if rule.is_over:
            return
        failed = [at for at in request if at in engine.failures]
        if failed:
            rule.steps.close()
            self._end(rule)
            for at in request:
                engine.release(at)
            engine.fail_as(ref, failed[0])
            return
        try:
            values = [self._opened(at) for at in request]
        except (ArtifactNotFoundError, CorruptArtifactError):
            pass
        except (StoreError, PrimitivesError) as error:
            self._end(rule)
            engine.fail(ref, engine.failure(ref, str(error)))
            return
        if any(engine.states[at] is not DONE for at in request):
            # Lost since it was asked for: ask again, and it is computed.
            for at in request:
                engine.uses[at] -= 1
            engine.want_all(request, lambda: self._answer(rule))
        else:
            rule.request = []
            if engine.reliances:
                relied = engine.reliances.union(request)
                rule.relied = engine.reliances.merge(rule.relied, relied)
            self._resume(rule, values)

    def _opened(self, ref: Ref) -> Value:
        """Return a value for a rule, which takes sequences apart but no images."""
        engine = self._engine
        value = engine.values[ref]
        if isinstance(value, Stored) and value.kind not in ("image", "mask"):
            try:
                value = engine.values[ref] = load(value, engine.store)
            except (ArtifactNotFoundError, CorruptArtifactError) as error:
                engine.recovery.forget(error.digest, ref)
                raise
            engine.recovery.count_memory(value)
            engine.may_unload(ref)
        return value
