"""Computing one node by itself: with what is our own, or all over from the inputs."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from primitives.values import Value
from store import Digest, SqliteStore, StoreUnusableError

from .cost import CostModel, load_rates
from .engine import Engine
from .executors import ThreadExecutor
from .jobs import Keep
from .keeping import Keeper
from .options import Failure, Progress, RunOptions
from .provenance import Provenance
from .recipes import Recipes

if TYPE_CHECKING:
    from .graph import Graph
    from .plan import Plan, Ref

OWN = RunOptions(jobs=1, trusts_only_itself=True)
AFRESH = RunOptions(
    jobs=1, use_cache=False, store_policy="none", trusts_only_itself=True
)


class StoppedError(Exception):
    """It was stopped before its end, and is to be done another time."""


class Stop:
    """A wish to stop; may be expressed from any thread or signal handler."""

    def __init__(self) -> None:
        self.is_wanted = False
        self._tell: Callable[[], None] | None = None

    def want(self) -> None:
        """Stop what runs now, and begin nothing."""
        self.is_wanted = True
        if (tell := self._tell) is not None:
            tell()

    @contextmanager
    def telling(self, tell: Callable[[], None]) -> Iterator[None]:
        """Within the block, call ``tell`` once it is wanted."""
        self._tell = tell
        try:
            if self.is_wanted:
                tell()
            yield
        finally:
            self._tell = None


@dataclass(frozen=True, slots=True)
class Computed:
    """What came of computing a node.

    Attributes:
        graph: as it is afterwards, with what loops have made.
        digests: by node, of what was named on the way.
        passed_over: by node, results of others that were held and not used.
        from_store: nodes whose results were held, and used.
        value: of the node; it may have to be loaded.
        failure: why the node has no value, or None.
    """

    graph: Graph
    digests: dict[Ref, Digest]
    passed_over: dict[Ref, Digest]
    from_store: set[Ref]
    value: Value
    failure: Failure | None


class _OwnKeeper(Keeper):
    """Keeps what is worth it, and names what others say something about."""

    passed_over: Container[Ref] = ()

    def decide(self, ref: Ref, voxels: int) -> Keep:
        """Return what is to become of a node's value."""
        how = super().decide(ref, voxels)
        is_said = how is Keep.NOTHING and ref in self.passed_over
        return Keep.NAME if is_said else how


class _NamingKeeper(Keeper):
    """Keeps the value of the goal, and names all others."""

    def decide(self, ref: Ref, voxels: int) -> Keep:
        """Return what is to become of a node's value."""
        if self._graph.keys[ref] is None:
            return Keep.NOTHING
        return Keep.STORE if ref in self.goals else Keep.NAME


def compute(
    graph: Graph,
    ref: Ref,
    plan: Plan,
    store: SqliteStore,
    *,
    afresh: bool,
    stop: Stop,
    progress: Progress,
) -> Computed:
    """Compute one node, one kernel at a time, and keep it as this machine's own.

    Args:
        graph: holds the node; it is not used for anything else afterwards.
        ref: the node.
        plan: from which the graph was made.
        store: where results are looked up and kept.
        afresh: whether to use nothing that is held, and to name what is on the way.
        stop: may be wanted at any time.
        progress: counters to write meanwhile.

    Raises:
        StoppedError: it was stopped.
        StoreError: the result cannot be kept.
    """
    options = AFRESH if afresh else OWN
    with store.database.read() as connection:
        costs = CostModel(load_rates(connection))
    make = _NamingKeeper if afresh else _OwnKeeper
    recipes = Recipes(graph, plan, store)
    keeper = make(graph, store, options.store_policy, costs, recipes)
    keeper.provenance = Provenance(graph, store)
    engine = Engine(
        *(graph, store, options, costs, keeper, progress),
        lambda tell: ThreadExecutor(1, store, tell),
    )
    if isinstance(keeper, _OwnKeeper):
        keeper.passed_over = engine.found.passed_over
    _run(engine, ref, stop)
    kept = keeper.kept.get(ref)
    if kept is not None and not kept.is_stored and graph.keys[ref] is not None:
        raise StoreUnusableError(kept.problem or keeper.problem)
    return Computed(
        graph,
        {at: each.digest for at, each in keeper.kept.items() if each.digest},
        engine.found.passed_over,
        engine.found.from_store,
        engine.values[ref],
        engine.failures.get(ref),
    )


def _run(engine: Engine, ref: Ref, stop: Stop) -> None:
    ended = False

    def end(at: Ref) -> None:
        nonlocal ended
        if at not in engine.failures and at not in engine.keeper.kept:
            engine.goals.want_again(at, end)  # lost just now
        else:
            ended = True

    engine.goals.want(ref, end)
    try:
        with stop.telling(engine.stop_soon):
            is_complete = engine.run(lambda: ended)
    finally:
        engine.close()
    if not is_complete:
        raise StoppedError
