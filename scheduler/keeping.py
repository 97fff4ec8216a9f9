"""What is kept of what a run computes, and when it is durable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress

from primitives.encoding import encode
from primitives.values import Value
from store import (
    Batch,
    Digest,
    NodeKey,
    Recipe,
    Result,
    Small,
    SqliteStore,
    StoreError,
)

from .audits import Audit, Reason, is_goal_drawn, note_audits
from .cost import CostModel, is_worth_keeping
from .graph import Graph, Operation
from .jobs import Keep, Kept
from .options import StorePolicy
from .plan import App, Ref
from .provenance import Provenance
from .recipes import Recipes
from .reliance import Relied
from .revealing import Revealing

SMALL_BATCH = 4096
"""Scalars that wait at most for one commit."""

MAX_COMMITS = 2
"""Commits under way; who collects faster than the writer writes has to wait."""

NEGLIGIBLE_S = 1e-5
"""What takes less counts as nothing in what depends on it."""

SCALAR_BYTES = 64
"""Guessed length of a scalar's artifact."""


class Keeper:
    """Decides what is kept, collects it, and commits it in groups.

    Attributes:
        goals: nodes whose values are goals of the run.
        own_s: seconds that nodes took to compute, as far as it matters.
        kept: what is known to be named, and for the most part stored.
        problem: why something could not be kept, or empty.
        publish: told the keys of results once they are durable.
        wake: called, from any thread, when there is something to publish.
        give_up: told the keys of results that could not be made durable.
        provenance: told what is kept, before it is committed.
        reveals: whether a node's value may show an input.
    """

    def __init__(
        self,
        graph: Graph,
        store: SqliteStore,
        policy: StorePolicy,
        costs: CostModel,
        recipes: Recipes,
    ) -> None:
        self.goals: set[Ref] = set()
        self.kept: dict[Ref, Kept] = {}
        self.problem = ""
        self.publish: Callable[[Sequence[NodeKey]], None] | None = None
        self.give_up: Callable[[Sequence[NodeKey]], None] | None = None
        self.wake: Callable[[object], None] | None = None
        self.provenance: Provenance | None = None
        self._graph = graph
        self._store = store
        self._policy = policy
        self._costs = costs
        self._recipes = recipes
        self.reveals = Revealing(graph)
        self._seconds: dict[Ref, float] = {}
        self._consumers: dict[Ref, int] = {}
        self._batch = Batch()
        self._commits: list[tuple[Future[None], Batch]] = []
        self._total_s = 0.0
        self.own_s: dict[Ref, float] = {}
        self._audits: list[Audit] = []

    @property
    def keeps_everything(self) -> bool:
        """Whether the results of light operations are kept too."""
        return self._policy == "all"

    @property
    def keeps_nothing(self) -> bool:
        """Whether no result is kept at all."""
        return self._policy == "none"

    def decide(self, ref: Ref, voxels: int) -> Keep:
        """Return what is to become of a node's value, before it is computed.

        Args:
            ref: an application.
            voxels: of its arguments together.
        """
        is_goal = ref in self.goals
        if self._graph.keys[ref] is None or self.keeps_nothing:
            return Keep.NAME if is_goal else Keep.NOTHING
        if is_goal or self.keeps_everything:
            return Keep.STORE
        if self._policy == "goals":
            return Keep.NOTHING
        operation = self._operation(ref)
        if operation.reads or operation.form:
            return Keep.NOTHING
        seconds = self._costs.estimate_s(operation.primitive, voxels)
        size = artifact_bytes(operation, voxels)
        is_worth = is_worth_keeping(seconds + self._share_below(ref), size)
        return Keep.STORE if is_worth else Keep.NOTHING

    def note_seconds(self, ref: Ref, seconds: float, consumers: int = 1) -> None:
        """Note what it took to compute a node.

        Args:
            ref: an application.
            seconds: arguments not counted.
            consumers: how many nodes wait for it.
        """
        below = self.seconds_below(ref)
        if seconds + below <= NEGLIGIBLE_S:
            return
        self._total_s += seconds
        self.own_s[ref] = seconds
        self._seconds[ref] = seconds + below
        self._consumers[ref] = max(1, consumers)

    def seconds_below(self, ref: Ref) -> float:
        """Return the seconds to compute a node's arguments from what is kept."""
        below = sum(seconds for _, seconds in self._unkept_below(ref))
        # What arguments share is counted for each; together it was no more than this.
        return min(below, self._total_s)

    def _share_below(self, ref: Ref) -> float:
        """As :meth:`seconds_below`, each argument shared by all who wait for it.

        Fifty masks of one image that is not kept need it once, not fifty times.
        """
        return sum(
            seconds / self._consumers[arg] for arg, seconds in self._unkept_below(ref)
        )

    def _unkept_below(self, ref: Ref) -> list[tuple[Ref, float]]:
        if not self._seconds:
            return []
        node = self._graph.nodes[ref]
        assert isinstance(node, App)
        return [
            (arg, self._seconds[arg])
            for arg in node.args
            if arg in self._seconds
            and not ((kept := self.kept.get(arg)) and kept.is_stored)
        ]

    def note_kept(self, message: Kept, relied: Relied) -> None:
        """Take note of a value that was named and, if asked, whose bytes are stored.

        Args:
            message: what came of keeping it.
            relied: on whose word it rests.
        """
        key = self._graph.keys[message.ref]
        self.kept[message.ref] = message
        if message.problem:
            self.problem = message.problem
        if key is not None:
            if message.is_stored:
                self._add_result(key, message, relied)
            else:
                self._not_durable([key])
            self._batch.release.append(key)

    def add_small(self, key: NodeKey, value: Value, below: Sequence[Ref] = ()) -> None:
        """Keep a scalar, computed from the nodes ``below``, beside many others.

        It must rest on nobody's word.
        """
        if self.provenance is not None:
            self.provenance.note(key, below)
        self._batch.small.append(Small(key, b"".join(encode(value, _refuse))))
        if len(self._batch.small) >= SMALL_BATCH:
            self.flush()

    def note_recipe(
        self, ref: Ref, result: Result, *, wants_audit: bool = False
    ) -> None:
        """Keep with a result of others how it is made, which this run alone knows.

        Args:
            ref: its node.
            result: as it is held.
            wants_audit: whether it is to be computed here as well, some time.
        """
        try:
            recipe, plan = self._recipes.recipe(ref)
        except StoreError as error:  # no room for the plan
            self.problem = str(error)
            return
        if recipe:
            self._batch.recipes.append(Recipe(result.key, recipe, plan))
            if wants_audit or (ref in self.goals and is_goal_drawn()):
                self._audit(ref, result.digest, "drawn")

    def recipe_if_relied(self, ref: Ref, relied: Relied) -> tuple[bytes, Digest | None]:
        """Return how a value is made that may turn out to be wrong.

        Raises:
            StoreError: the plan cannot be stored.
        """
        return self._recipes.recipe(ref) if relied else (b"", None)

    def _audit(self, ref: Ref, digest: Digest, reason: Reason) -> None:
        """Have a node computed here some time, of which others say ``digest``."""
        key = self._graph.keys[ref]
        with suppress(StoreError):  # no room for the plan: then it cannot be
            recipe, plan = self._recipes.recipe(ref)
            if key is not None and recipe:
                is_goal = ref in self.goals
                self._audits.append(Audit(key, digest, recipe, plan, is_goal, reason))

    def take_back(self, refs: Iterable[Ref]) -> None:
        """Remove what is kept of nodes."""
        keys = {key for ref in refs if (key := self._graph.keys[ref]) is not None}
        self.wait()
        try:
            self._store.remove(keys)
        except StoreError as error:
            self.problem = str(error)

    def dispute(self, ref: Ref, said: Digest, digest: Digest, relied: Relied) -> None:
        """Note what a node was computed to here, where others said otherwise.

        Args:
            ref: the node.
            said: what others said.
            digest: what it was computed to.
            relied: on whose word that rests; if on anybody's, it settles nothing.
        """
        key = self._graph.keys[ref]
        if key is None:
            return
        environment = self._operation(ref).environment
        try:
            said_by = "peer" if relied else "local"
            self._store.note_conflict(key, digest, environment, said_by)
        except StoreError as error:
            self.problem = str(error)
        # Whoever said so is found wrong by an audit, if it is not a bug of ours.
        self._audit(ref, said, "dispute")

    def release(self, ref: Ref) -> None:
        """Give back the lease of a node that has no result after all."""
        key = self._graph.keys[ref]
        if key is not None:
            self._batch.release.append(key)

    def flush(self) -> None:
        """Hand what was collected to the store's writer."""
        batch = self._batch
        if self.provenance is not None:
            self.provenance.write()
        if batch.results or batch.small or batch.release or batch.recipes:
            self._batch = Batch()
            self._commit(batch)
        if self._audits:
            self._write_audits()
        while self._commits and (
            self._commits[0][0].done() or len(self._commits) > MAX_COMMITS
        ):
            self._end(*self._commits.pop(0))

    def wait(self) -> None:
        """Wait until everything is durable."""
        self.flush()
        while self._commits:
            self._end(*self._commits.pop(0))

    def _commit(self, batch: Batch) -> None:
        commit = self._store.commit(batch)
        self._commits.append((commit, batch))
        if self.wake is not None and batch.results:  # others may wait for them
            commit.add_done_callback(self.wake)

    def _end(self, commit: Future[None], batch: Batch) -> None:
        """Wait for a commit; if it failed, see that its good parts do not fail too."""
        error = commit.exception()
        if error is None:
            if self.publish is not None and batch.results:
                self.publish([result.key for result in batch.results])
            return
        if not isinstance(error, StoreError):
            raise error
        parts = [Batch(results=[result]) for result in batch.results]
        parts += [Batch(small=batch.small)] if batch.small else []
        parts += [Batch(recipes=batch.recipes)] if batch.recipes else []
        parts += [Batch(release=batch.release)] if batch.release else []
        if len(parts) == 1:
            if not batch.recipes:  # without which nothing but an audit is lost
                self.problem = str(error)
            self._not_durable([result.key for result in batch.results])
            return
        with suppress(StoreError):  # it is in every result, and may be what is missing
            self._recipes.store_plan()
        for part in parts:
            self._commit(part)

    def _not_durable(self, keys: Sequence[NodeKey]) -> None:
        if self.give_up is not None and keys:
            self.give_up(keys)

    def _operation(self, ref: Ref) -> Operation:
        node = self._graph.nodes[ref]
        assert isinstance(node, App)
        return self._graph.operation(node.primitive)

    def _write_audits(self) -> None:
        audits, self._audits = self._audits, []
        try:
            note_audits(self._store, audits)
        except StoreError as error:
            self.problem = str(error)

    def _add_result(self, key: NodeKey, message: Kept, relied: Relied) -> None:
        try:
            recipe, plan = self._recipes.recipe(message.ref)
        except StoreError as error:  # no room for the plan
            self.problem = str(error)
            self._not_durable([key])
            return
        if self.provenance is not None:
            self.provenance.note(key, (message.ref,))
        made = (recipe, plan)
        self._batch.results.append(self._result(key, message, made, relied))

    def _result(
        self, key: NodeKey, message: Kept, made: tuple[bytes, Digest], relied: Relied
    ) -> Result:
        operation = self._operation(message.ref)
        primitive = operation.primitive
        return Result(
            key=key,
            digest=message.digest,
            kind=message.kind,
            size_bytes=message.size_bytes,
            cost_s=self.own_s.get(message.ref, 0.0),
            subtree_s=self._seconds.get(message.ref, 0.0),
            environment=operation.environment,
            recipe=made[0],
            reveals_input=self.reveals.is_reader(message.ref)
            or (message.can_show and self.reveals(message.ref)),
            children=message.children,
            plan=made[1],
            operation=f"{primitive.name}@{primitive.version}",
            relies_on=relied,
        )


def artifact_bytes(operation: Operation, voxels: int) -> int:
    """Guess the length of the artifact that an operation makes of so many voxels."""
    kinds = operation.primitive.result_kinds
    if "image" in kinds or "sequence" in kinds:
        return 4 * voxels
    return voxels // 8 if "mask" in kinds else SCALAR_BYTES


def _refuse(value: Value) -> bytes:
    raise AssertionError("a scalar holds no image")
