"""Computing here what somebody else has computed, to see whether it is the same.

Only what this machine has computed itself, and from nothing of others', is used.  A
node is computed up to three times:

1. with what is held of our own.  The same: the result is ours from now on.
2. if it is not the same, or was held here already, all over from the inputs.  Twice the
   same: so it is.
3. if ours are two, once more.  A step that has two values from the same arguments is
   not deterministic here, and says nothing about anybody.
"""

from __future__ import annotations

import resource
from collections.abc import Container
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from store import Digest, NodeKey, SqliteStore

from .audits import request_audit
from .erasing import described_above
from .options import Progress
from .passes import Computed, Stop, compute
from .plan import App, children
from .rebuilding import ImpossibleError, rebuild

if TYPE_CHECKING:
    from primitives.registry import Registry

    from .audits import Audit, Verdict
    from .plan import Ref


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an audit.

    Attributes:
        key: the node.
        verdict: ``"confirmed"``, the same here; ``"differs"``, another value here, and
            twice the same one; ``"unstable"``, a step has several values here;
            ``"impossible"``, it cannot be computed here.
        digest: what it was computed to here, if it was.
        reason: why it was impossible, for people.
        operation: what computes the node or, if it is unstable, the step that is:
            ``"namespace.primitive@version"``.
        environment: environment class of ``operation``.
        doubtful: steps on the way of which results of others are held that are not what
            was computed here.
        cpu_s: CPU-seconds that this process took.
    """

    key: NodeKey
    verdict: Verdict
    digest: Digest | None = None
    reason: str = ""
    operation: str = ""
    environment: str = ""
    doubtful: tuple[NodeKey, ...] = ()
    cpu_s: float = 0.0


def recompute(
    store: SqliteStore,
    registry: Registry,
    audit: Audit,
    *,
    stop: Stop,
    progress: Progress | None = None,
) -> Outcome:
    """Compute what an audit is about, one kernel at a time, and compare.

    What was computed is kept, whether it is the same or not.

    Args:
        store: where the result is, and our own ones.
        registry: the primitives.
        audit: what to compute, and what somebody else says comes out.
        stop: may be wanted at any time.
        progress: counters to write meanwhile.

    Raises:
        StoppedError: it was stopped.
        StoreError: the result cannot be kept.
    """
    began_s = cpu_s()
    case = _Case(store, registry, audit, stop, progress or Progress())
    try:
        outcome = case.judge()
    except ImpossibleError as error:
        outcome = Outcome(audit.key, "impossible", reason=str(error))
    return replace(outcome, cpu_s=cpu_s() - began_s)


def cpu_s() -> float:
    """Return the CPU-seconds that this process has taken."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class _Case:
    """One audit."""

    def __init__(
        self,
        store: SqliteStore,
        registry: Registry,
        audit: Audit,
        stop: Stop,
        progress: Progress,
    ) -> None:
        self._store = store
        self._registry = registry
        self._audit = audit
        self._stop = stop
        self._progress = progress
        self._ref: Ref = 0

    def judge(self) -> Outcome:
        """Compute as often as it takes."""
        said = self._audit.digest
        own = self._compute(afresh=False)
        outcome = self._outcome(own, _doubtful(own))
        # What was held already is no second opinion: it may be what is in doubt.
        if outcome.digest == said and self._ref not in own.from_store:
            return outcome
        second = self._compute(afresh=True)
        digest = second.digests[self._ref]
        if digest == outcome.digest:
            return outcome
        third = self._compute(afresh=True)
        culprit = _unstable_step(second, third)
        if culprit is not None:
            return self._unstable(third, culprit)
        # Something wrong was held here; what comes out twice afresh is believed.
        self._doubt_own(own, third)
        self._compute(afresh=False)  # it is kept as our own from now on
        return replace(outcome, verdict=self._verdict(digest), digest=digest)

    def _compute(self, *, afresh: bool) -> Computed:
        """Compute the node once.

        Raises:
            ImpossibleError: it is not this node any more, or has no value here.
        """
        made = rebuild(self._store, self._registry, self._audit)
        self._ref = made.ref
        done = compute(
            *(made.graph, made.ref, made.plan, self._store),
            afresh=afresh,
            stop=self._stop,
            progress=self._progress,
        )
        if done.failure is not None:
            raise ImpossibleError(f"it fails here: {done.failure.message}")
        if done.graph.keys[made.ref] != self._audit.key:  # not known before
            raise ImpossibleError("something that it reads is not what it was")
        return done

    def _doubt_own(self, own: Computed, done: Computed) -> None:
        """See that what was held here, and is not what was computed, answers no more.

        Nor what was made of it, as far as that is known: it goes, and is computed some
        time, so that others hear of it if it was shared.

        Args:
            own: what was computed first, with what was held.
            done: what was computed without.
        """
        refs = {key: at for at in done.digests if (key := done.graph.keys[at])}
        wrong = {
            key
            for at in own.from_store
            if (key := own.graph.keys[at]) in refs
            and own.digests[at] != done.digests[refs[key]]
        }
        for key, found in self._store.lookup(list(refs)).items():
            if found.result.digest != done.digests[refs[key]]:
                wrong.add(key)
        # What was computed first was made of it, and kept.
        for key in wrong | {self._audit.key}:
            _, environment = _operation(done, refs[key])
            self._store.correct(key, done.digests[refs[key]], environment)
        self._take_back(wrong, refs.keys())

    def _take_back(self, wrong: set[NodeKey], known: Container[NodeKey]) -> None:
        """Remove what was made of results that are wrong, and have it computed.

        Args:
            wrong: their nodes.
            known: nodes of which it is known what they are.
        """
        with self._store.database.read() as connection:
            above = described_above(connection, wrong)
        held = [key for key in self._store.lookup(list(above)) if key not in known]
        request_audit(self._store, held, "suspicion")
        self._store.remove(held)

    def _outcome(self, done: Computed, doubtful: tuple[NodeKey, ...]) -> Outcome:
        operation, environment = _operation(done, self._ref)
        digest = done.digests[self._ref]
        return Outcome(
            self._audit.key,
            self._verdict(digest),
            digest,
            operation=operation,
            environment=environment,
            doubtful=tuple(key for key in doubtful if key != self._audit.key),
        )

    def _verdict(self, digest: Digest) -> Verdict:
        return "confirmed" if digest == self._audit.digest else "differs"

    def _unstable(self, done: Computed, culprit: Ref) -> Outcome:
        operation, environment = _operation(done, culprit)
        return Outcome(
            self._audit.key,
            "unstable",
            operation=operation,
            environment=environment,
        )


def _operation(done: Computed, ref: Ref) -> tuple[str, str]:
    node = done.graph.nodes[ref]
    assert isinstance(node, App)
    operation = done.graph.operation(node.primitive)
    name = f"{operation.primitive.name}@{operation.primitive.version}"
    return name, operation.environment


def _doubtful(done: Computed) -> tuple[NodeKey, ...]:
    """Return the nodes whose results of others are not what was computed."""
    keys = done.graph.keys
    return tuple(
        key
        for ref, said in done.passed_over.items()
        if done.digests.get(ref, said) != said and (key := keys[ref]) is not None
    )


def _unstable_step(one: Computed, other: Computed) -> Ref | None:
    """Return a node that has two values, while all that is below it has one.

    Both graphs were made from the same plan, but loops may have expanded them in
    another order: nodes are compared by their keys.
    """
    nodes, keys = other.graph.nodes, other.graph.keys
    before = {one.graph.keys[ref]: digest for ref, digest in one.digests.items()}
    differs = {
        ref
        for ref, digest in other.digests.items()
        if before.get(keys[ref], digest) != digest
    }
    is_below = [False] * len(nodes)
    for ref, node in enumerate(nodes):
        is_below[ref] = any(at in differs or is_below[at] for at in children(node))
    # What a loop made is not below the loop, but comes after it.
    return max((ref for ref in differs if not is_below[ref]), default=None)
