"""Running a plan from start to end: goals, effects, records."""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

from primitives.context import Context
from primitives.registry import Registry
from primitives.values import Value, kind_of
from store import Digest, Migrations, NodeKey, SqliteStore, StoreError

from .cost import CostModel, load_rates, save_rates
from .engine import Engine
from .errors import InterruptedRunError, PlanError
from .executors import ThreadExecutor
from .files import InputFiles, State, state_of
from .graph import Graph
from .history import Description, History, are_described, write_history
from .jobs import needs_loading
from .keeping import Keeper
from .options import Failure, GoalOutcome, OnGoal, Progress, RunOptions, RunReport
from .plan import Goal, Plan, Ref
from .provenance import Provenance
from .recipes import Recipes
from .run_programs import ProgramText, write_program
from .saved import SavedFile, SavedFiles

if TYPE_CHECKING:
    from .neighbours import Neighbours

MIGRATIONS = Migrations(room="scheduler", package="scheduler.schema")
"""The tables of this room, for ``store.open_store``."""

MEMORY_SHARE = 0.5
"""Share of the free memory that values may take before further jobs wait."""


def run_plan(
    plan: Plan,
    *,
    store: SqliteStore,
    registry: Registry,
    options: RunOptions | None = None,
    directory: Path | None = None,
    progress: Progress | None = None,
    on_goal: OnGoal | None = None,
    program: str = "",
    neighbours: Neighbours | None = None,
    text: ProgramText | None = None,
) -> RunReport:
    """Compute the goals of ``plan``, save what is to be saved, and say what came of it.

    Args:
        plan: what to compute.
        store: where results are looked up and kept.
        registry: the primitives that the plan names.
        options: choices of the run.
        directory: what relative paths are relative to; the current one by default.
        progress: counters to write while running.
        on_goal: called in program order as soon as a goal is done.
        program: what the run is called in the record of runs.
        neighbours: whom to ask before computing; nobody by default.  They are not
            closed.
        text: of what text the program was, to be written down.

    Raises:
        PlanError: an input file cannot be had, or two goals save to one path; nothing
            was run.
        InterruptedRunError: the run was stopped; what was finished is kept.
    """
    options = options or RunOptions()
    directory = (directory or Path.cwd()).absolute()
    _check_saves(plan, directory)
    progress = progress or Progress()
    inputs = InputFiles(store, directory, progress.running)
    graph = Graph(plan, registry, inputs, directory)
    _check_inputs(plan, graph)
    run = _Run(plan, graph, store, options, directory, progress, on_goal)
    if neighbours is not None:
        run.join(neighbours)
    return run.run(program, text)


def _check_saves(plan: Plan, directory: Path) -> None:
    seen: dict[Path, Goal] = {}
    problems = []
    for goal in plan.goals:
        if goal.kind == "save":
            path = Path(os.path.normpath(directory / goal.label))
            if path in seen:
                problems.append(
                    (f'"{goal.label}" is saved twice; give one another name', goal.site)
                )
            seen[path] = goal
    if problems:
        raise PlanError(problems)


def _check_inputs(plan: Plan, graph: Graph) -> None:
    problems = [
        (message, graph.builder.node_sites[ref])
        for ref, message in graph.problems.items()
    ]
    if problems:
        raise PlanError(problems)


class _Run:
    """One run of one plan."""

    def __init__(
        self,
        plan: Plan,
        graph: Graph,
        store: SqliteStore,
        options: RunOptions,
        directory: Path,
        progress: Progress,
        on_goal: OnGoal | None,
    ) -> None:
        self._plan = plan
        self._graph = graph
        self._store = store
        self._directory = directory
        self._progress = progress
        self._on_goal = on_goal
        self._run_id = secrets.token_hex(16)
        self._saved = SavedFiles(store)
        self._history = History(graph, plan.goals)
        self._outcomes: dict[int, GoalOutcome] = {}
        self._told = 0
        with store.database.read() as connection:
            self._costs = CostModel(load_rates(connection))
        capacity = 1 if options.execution_engine == "sequential" else options.jobs
        self._capacity = capacity
        if options.memory_bytes is None:
            options = _with_memory(options)
        self._options = options
        self._engine = Engine(
            graph,
            store,
            options,
            self._costs,
            Keeper(
                graph,
                store,
                options.store_policy,
                self._costs,
                Recipes(graph, plan, store),
            ),
            progress,
            lambda tell: ThreadExecutor(capacity, store, tell),
        )
        self._engine.keeper.provenance = Provenance(graph, store)

    def join(self, neighbours: Neighbours) -> None:
        """Ask neighbours before computing, and tell them what was kept."""
        from .neighbours import Alone

        if isinstance(neighbours, Alone):
            return
        engine = self._engine
        engine.keeper.publish = neighbours.publish
        if not self._options.use_cache:
            return
        from .asking import Asking
        from .claimable import Claimable
        from .claiming import Claiming
        from .outlay import Outlay
        from .patience import Patience
        from .reasons import Reasons

        reveals, values = engine.keeper.reveals, engine.values
        patience = Patience(time.monotonic())
        reasons = Reasons(self._graph, self._progress, reveals)
        engine.asking = Asking(
            neighbours,
            self._graph,
            self._store,
            Outlay(
                self._graph,
                self._store,
                self._costs,
                self._capacity,
                engine.found.is_here,
            ),
            self._progress,
            reasons,
            patience,
            engine.found,
            engine.messages.tell,
        )
        claiming = engine.dispatch.claiming = Claiming(
            engine,
            neighbours,
            patience,
            Claimable(self._graph, values, self._costs, engine.keeper.goals, reveals),
            reasons,
            self._capacity,
            keeps_order=self._options.execution_engine == "sequential",
        )
        engine.keeper.publish = claiming.publish
        engine.keeper.give_up = claiming.give_up
        engine.keeper.wake = lambda _: engine.messages.tell(None)

    def run(self, program: str, text: ProgramText | None = None) -> RunReport:
        """Run to the end, record the run, and report."""
        started_ms = int(time.time() * 1000)
        started = time.perf_counter()
        for index, goal in enumerate(self._plan.goals):
            self._engine.goals.want(goal.node, self._ready(index, goal))
        with _stopping_on_signals(self._engine.stop_soon) as signals:
            try:
                is_complete = self._engine.run(
                    lambda: len(self._outcomes) == len(self._plan.goals)
                )
            finally:
                self._engine.close()
        self._tell(is_complete=is_complete)
        report = RunReport(
            run_id=self._run_id,
            goals=tuple(self._outcomes[at] for at in sorted(self._outcomes)),
            progress=self._progress,
            seconds=time.perf_counter() - started,
            store_problem=self._engine.keeper.problem,
        )
        if problem := self._record(report, program, started_ms, is_complete, text):
            report = replace(report, store_problem=report.store_problem or problem)
        if signals or (not is_complete and self._engine.stopped_by != "failure"):
            reason = "interrupted" if signals else "the time limit was reached"
            raise InterruptedRunError(reason, report)
        return report

    def _ready(self, index: int, goal: Goal) -> Callable[[Ref], None]:
        return lambda ref: self._on_ready(index, goal, ref)

    def _on_ready(self, index: int, goal: Goal, ref: Ref) -> None:
        engine = self._engine
        failure = engine.failures.get(ref)
        if failure is not None:
            self._end(self._failed(index, goal, failure))
        elif ref not in engine.keeper.kept:  # lost to another job meanwhile
            engine.goals.want_again(ref, self._ready(index, goal))
        elif goal.kind == "save":
            self._save(index, goal, ref)
        else:
            value = engine.values[ref]
            if needs_loading(value):
                engine.run_effect(
                    ref,
                    lambda _context, loaded: loaded,
                    lambda loaded: self._print(index, goal, loaded),
                )
            else:
                self._print(index, goal, value)

    def _print(self, index: int, goal: Goal, value: Value) -> None:
        ref = goal.node
        # As late as this: what was found may have been no value, and computed anew.
        digest = self._digest(ref)
        self._engine.release(ref)
        if isinstance(value, Exception):
            self._end(self._failed(index, goal, self._engine.failure(ref, str(value))))
            return
        self._end(
            GoalOutcome(
                index,
                goal.kind,
                goal.label,
                value=value,
                value_kind=kind_of(value),
                key=self._graph.keys[ref],
                digest=digest,
            )
        )

    def _digest(self, ref: Ref) -> Digest | None:
        kept = self._engine.keeper.kept.get(ref)
        return (kept.digest or None) if kept is not None else None

    def _save(self, index: int, goal: Goal, ref: Ref) -> None:
        engine = self._engine
        path = self._directory / goal.label
        kept = engine.keeper.kept[ref]
        outcome = GoalOutcome(
            index,
            goal.kind,
            goal.label,
            value_kind=kept.kind,
            key=self._graph.keys[ref],
            digest=kept.digest or None,
            saved=path,
        )
        known = kept.digest and self._saved.current(path, kept.digest)
        if known:
            if known.relies_on != engine.reliances.of(ref):
                self._remember(outcome, ref, known.state)
            self._end(replace(outcome, is_unchanged=True))
            engine.release(ref)
            return
        written: list[State] = []
        extremes: list[tuple[float, float] | None] = [None]

        def write(_context: Context, value: Value) -> None:
            from primitives.extremes import extremes_of
            from primitives.formats.write import write_value

            write_value(value, path)
            extremes[0] = extremes_of(value)
            with suppress(OSError):  # several files, which have names of their own
                written.append(state_of(path))

        def done(result: Value) -> None:
            if isinstance(result, Exception):
                failure = Failure(str(result), "save", goal.site)
                self._progress.failed += 1
                self._end(self._failed(index, goal, failure))
            else:
                # As late as this: what was found may have been no value.
                kind = engine.keeper.kept.get(ref, kept).kind
                saved = replace(
                    outcome,
                    value_kind=kind,
                    digest=self._digest(ref),
                    extremes=extremes[0],
                )
                if written:
                    self._remember(saved, ref, written[-1])
                self._end(saved)
            engine.release(ref)

        engine.run_effect(ref, write, done)

    def _remember(self, outcome: GoalOutcome, ref: Ref, state: State) -> None:
        """Note what a file was saved from and, if others might be wrong, how."""
        if outcome.digest is None or outcome.saved is None:
            return
        try:
            relied = self._engine.reliances.of(ref)
            recipe, plan = self._engine.keeper.recipe_if_relied(ref, relied)
            self._saved.remember(
                SavedFile(
                    path=outcome.saved,
                    digest=outcome.digest,
                    key=outcome.key,
                    run_id=self._run_id,
                    position=outcome.index,
                    recipe=recipe,
                    plan=plan,
                    relies_on=relied,
                    state=state,
                )
            )
        except StoreError as error:  # the file itself is what counts
            self._engine.keeper.problem = str(error)

    def _failed(self, index: int, goal: Goal, failure: Failure) -> GoalOutcome:
        key = self._graph.keys[goal.node]
        return GoalOutcome(index, goal.kind, goal.label, key=key, failure=failure)

    def _end(self, outcome: GoalOutcome) -> None:
        self._outcomes[outcome.index] = outcome
        self._tell(is_complete=True)

    def _tell(self, *, is_complete: bool) -> None:
        """Tell outcomes in program order; at an early end, all that there are."""
        if not is_complete:
            goals = self._plan.goals
            for index in range(self._told, len(goals)):
                if index not in self._outcomes and self._engine.stopped_by == "failure":
                    failure = self._engine.failures.get(goals[index].node) or Failure(
                        "not run: the run stopped at the first failure"
                    )
                    self._outcomes[index] = self._failed(index, goals[index], failure)
        while (outcome := self._outcomes.get(self._told)) is not None:
            self._told += 1
            if self._on_goal is not None:
                self._on_goal(outcome)

    def _record(
        self,
        report: RunReport,
        program: str,
        started_ms: int,
        is_complete: bool,
        text: ProgramText | None,
    ) -> str:
        """Write down the run, its goals and what was learned; return what failed."""
        failed = self._progress.failed
        status = "interrupted" if not is_complete else "failed" if failed else "done"
        run_row = (
            *(report.run_id, program, started_ms, int(time.time() * 1000), status),
            *(self._progress.executed, self._progress.from_store, failed),
            self._progress.from_peers,
        )
        goal_rows = [
            (
                *(report.run_id, goal.index, goal.kind, goal.label, goal.value_kind),
                *(goal.key, goal.digest),
                None if goal.failure is None else goal.failure.text,
            )
            for goal in report.goals
        ]
        learned = self._costs.learned()
        rows = self._history.rows(report.run_id, self._engine.sources())
        descriptions = self._descriptions()

        def write(connection: Any) -> None:
            connection.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", run_row
            )
            connection.executemany(
                "INSERT INTO run_goals VALUES (?, ?, ?, ?, ?, ?, ?, ?)", goal_rows
            )
            if text is not None:
                write_program(connection, report.run_id, text)
            save_rates(connection, learned)
            write_history(connection, rows, descriptions, started_ms)

        recorded: Future[None] = self._store.database.write(write)
        try:
            recorded.result()
        except StoreError as error:  # the results themselves are what counts
            return str(error)
        return ""

    def _descriptions(self) -> list[Description]:
        with self._store.database.read() as connection:
            if are_described(connection, self._history.goal_keys()):
                return []
        return self._history.descriptions()


class GoalRow(NamedTuple):
    """A goal of an earlier run, as recorded."""

    run_id: str
    program: str
    started_ms: int
    position: int
    kind: str
    label: str
    value_kind: str
    key: NodeKey | None
    digest: Digest | None
    error: str | None


def list_goals(
    store: SqliteStore, label: str | None = None, limit: int = 1000
) -> list[GoalRow]:
    """Return goals of earlier runs, newest run first, in program order.

    Args:
        store: where the runs were made.
        label: only goals with this label.
        limit: at most so many.
    """
    with store.database.read() as connection:
        rows = connection.execute(
            "SELECT run_id, program, started_ms, position, kind, label, value_kind,"
            " key, digest, error FROM run_goals JOIN runs USING (run_id)"
            " WHERE ?1 IS NULL OR label = ?1"
            " ORDER BY started_ms DESC, run_id, position LIMIT ?2",
            (label, limit),
        ).fetchall()
    return [GoalRow(*row) for row in rows]


def _with_memory(options: RunOptions) -> RunOptions:

    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return replace(options, memory_bytes=int(free * MEMORY_SHARE))


@contextmanager
def _stopping_on_signals(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Within the block, have the first SIGINT or SIGTERM stop the run cleanly.

    A second one has its usual effect.  Yields the list of signals that came.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before: dict[signal.Signals, Any] = {}

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        for each, handler in before.items():
            signal.signal(each, handler)
        stop()

    for each in (signal.SIGINT, signal.SIGTERM):
        before[each] = signal.signal(each, note)
    try:
        yield came
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
