"""What a run asks of its neighbours, what it fetches, and what it does without."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from primitives.context import Context
from primitives.formats.write import write_value
from scheduler import (
    MIGRATIONS,
    Arrived,
    Located,
    Neighbours,
    Progress,
    RunOptions,
    RunReport,
    run_plan,
)
from scheduler.cost import CostModel, load_rates
from scheduler.files import InputFiles
from scheduler.graph import Graph
from scheduler.outlay import Outlay
from scheduler.plan import Plan
from store import Batch, NodeKey, SqliteStore, open_store

from .neighbourhood import NEVER_S, Manner, StoreNeighbours, Unclaiming
from .sketch import Sketch, _Node, ramp, run, trial_registry, values

SLACK_S = 1.0
"""What a busy machine may add to a measured time."""


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "theirs", migrations=[MIGRATIONS])
    yield opened
    opened.close()


class Pair:
    """Two stores: one whose results may be had, and one to run on."""

    def __init__(self, theirs: SqliteStore, ours: SqliteStore, folder: Path) -> None:
        self.theirs = theirs
        self.ours = ours
        self.folder = folder
        self.neighbours: StoreNeighbours | None = None
        for number in (1, 2):
            image = ramp(Context(), float(number))
            write_value(image, folder / f"case{number}.nii")

    def teach(self, plan: Plan) -> RunReport:
        """Run a plan over there."""
        return run(plan, self.theirs, directory=self.folder)

    def learn(self, seconds: float) -> None:
        """Let the run's cost model know how long lingering takes."""
        draw = Sketch()
        lingered = draw("trial.linger", draw("load", "case2.nii"), seconds)
        plan = draw.plan(draw("trial.total", lingered))
        run(plan, self.ours, directory=self.folder)

    def run(
        self,
        plan: Plan,
        manner: Manner | None = None,
        *,
        options: RunOptions | None = None,
        neighbours: Neighbours | None = None,
        progress: Progress | None = None,
    ) -> RunReport:
        """Run a plan here, with the other store as neighbours."""
        if neighbours is None:
            self.neighbours = StoreNeighbours(self.theirs, self.ours, manner)
        try:
            return run_plan(
                plan,
                store=self.ours,
                registry=trial_registry(),
                options=options or RunOptions(jobs=2),
                directory=self.folder,
                neighbours=neighbours or self.neighbours,
                progress=progress,
            )
        finally:
            if neighbours is None and self.neighbours is not None:
                self.neighbours.join()

    @property
    def asked(self) -> list[list[NodeKey]]:
        assert self.neighbours is not None
        return self.neighbours.asked

    @property
    def fetched(self) -> list[NodeKey]:
        assert self.neighbours is not None
        return self.neighbours.fetched


@pytest.fixture
def pair(theirs: SqliteStore, store: SqliteStore, tmp_path: Path) -> Pair:
    folder = tmp_path / "programs"
    folder.mkdir()
    return Pair(theirs, store, folder)


def lingering(draw: Sketch, seconds: float = 0.05, case: int = 1) -> _Node:
    return draw("trial.linger", draw("load", f"case{case}.nii"), seconds)


def program(draw: Sketch, seconds: float = 0.05) -> Plan:
    """Two printed scalars and a saved image above costly work."""
    image = lingering(draw, seconds)
    region = draw("trial.at_least", image, 100.0)
    inside = draw("trial.total", draw("trial.masked", region, image))
    return draw.plan(
        inside, draw("/", draw("trial.total", image), 2.0), saves={"mask.nii": region}
    )


# ---- what comes from neighbours ---------------------------------------------


def test_what_a_neighbour_has_is_not_executed(pair: Pair) -> None:
    first = pair.teach(program(Sketch()))
    saved = (pair.folder / "mask.nii").read_bytes()
    (pair.folder / "mask.nii").unlink()
    second = pair.run(program(Sketch()))
    assert [goal.digest for goal in second.goals] == [
        goal.digest for goal in first.goals
    ]
    assert (pair.folder / "mask.nii").read_bytes() == saved
    progress = second.progress
    assert (progress.executed, progress.from_peers, progress.from_store) == (0, 3, 0)
    assert (progress.asking, progress.fetching) == (0, 0)


# ---- why something is computed all the same ---------------------------------


def shown(draw: Sketch) -> Plan:
    """A copy of an input, a measure of it, and something trivial."""
    copy = draw("+", draw("load", "case1.nii"), 1.0)
    return draw.plan(copy, draw("*", draw("trial.total", copy), 2.0))


def test_what_is_computed_beside_neighbours_is_counted_by_reason(pair: Pair) -> None:
    progress = pair.run(shown(Sketch())).progress
    because = progress.executed_because
    assert sum(because.values()) == progress.executed == 4
    assert because["reveals_input"] == 2  # the file and its copy
    assert because.keys() <= {"reveals_input", "cheap", "nobody"}


def test_without_neighbours_there_is_no_reason_to_tell(pair: Pair) -> None:
    assert pair.teach(shown(Sketch())).progress.executed_because == {}
    alone = StoreNeighbours(pair.theirs, pair.ours, is_alone=True)
    assert pair.run(shown(Sketch()), neighbours=alone).progress.executed > 0
    assert pair.run(shown(Sketch()), neighbours=alone).progress.executed_because == {}
    alone.join()


class LateCompany(StoreNeighbours):
    """Is not there before something was computed."""

    def __init__(self, pair: Pair, progress: Progress) -> None:
        super().__init__(pair.theirs, pair.ours)
        self._progress = progress

    @property
    def is_alone(self) -> bool:
        return self._progress.executed < 2


def test_what_was_computed_before_there_was_company_is_counted_too(pair: Pair) -> None:
    draw = Sketch()
    count = draw("+", draw("trial.total", draw("trial.ramp", 2.0)), 0.0)
    body = draw.function(draw("trial.linger", draw("trial.ramp", 1.0), draw.variable()))
    items = draw("range", draw("-", count, count), 2.0)
    progress = Progress()
    neighbours = LateCompany(pair, progress)
    plan = draw.plan(draw("trial.total", draw.fold("max", draw("map", items, body))))
    pair.run(plan, neighbours=neighbours, progress=progress)
    neighbours.join()
    assert neighbours.asked
    assert progress.executed_because["nobody"] >= 2
    assert sum(progress.executed_because.values()) == progress.executed


def test_what_does_not_come_is_computed_for_being_late(pair: Pair) -> None:
    pair.teach(program(Sketch()))
    progress = pair.run(program(Sketch()), Manner(drops=True)).progress
    assert progress.executed_because["late"] == 3
    assert sum(progress.executed_because.values()) == progress.executed


def test_what_takes_longer_to_fetch_is_computed_for_being_cheap(pair: Pair) -> None:
    pair.learn(0.05)
    pair.teach(program(Sketch()))
    progress = pair.run(program(Sketch()), Manner(promise_s=3600.0)).progress
    assert progress.executed_because["cheap"] >= 3
    assert "late" not in progress.executed_because


def test_seconds_that_results_spare_are_told_once(pair: Pair) -> None:
    pair.learn(0.3)
    pair.teach(program(Sketch(), 0.3))
    pair.run(program(Sketch(), 0.3))
    assert pair.neighbours is not None
    # Three goals above one costly node, which only the first can spare.
    first, *others = pair.neighbours.spares_s
    assert first > 0.25
    assert len(others) == 2
    assert sum(others) < 0.05


# ---- what is asked for ------------------------------------------------------


def test_goals_are_asked_for_in_one_batch_and_nothing_else_is(pair: Pair) -> None:
    first = pair.teach(program(Sketch()))
    pair.run(program(Sketch()))
    assert [set(keys) for keys in pair.asked] == [{goal.key for goal in first.goals}]


def test_what_came_once_is_in_the_store(pair: Pair) -> None:
    pair.teach(program(Sketch()))
    pair.run(program(Sketch()))
    again = pair.run(program(Sketch()))
    assert pair.asked == []
    assert (again.progress.from_store, again.progress.from_peers) == (3, 0)


def test_below_a_goal_that_nobody_has_one_batch_a_level_is_asked(pair: Pair) -> None:
    pair.learn(0.05)
    draw = Sketch()
    level2 = [lingering(draw, 0.05 + at / 1000) for at in range(4)]
    level1 = [draw("trial.linger", image, 0.05) for image in level2]
    goals = [draw("trial.total", image) for image in level1]
    pair.run(draw.plan(*goals))
    assert [len(keys) for keys in pair.asked] == [4, 4, 4]


def test_trivial_nodes_readers_and_what_has_no_key_are_not_asked_for(
    pair: Pair,
) -> None:
    pair.learn(0.05)
    draw = Sketch()
    total = draw("trial.total", lingering(draw))
    small = draw("*", draw("+", total, 1.0), 3.0)
    here = draw("length", draw("dir", draw.place(str(pair.folder))))
    pair.run(draw.plan(draw("/", small, 2.0), here))
    # The keyed goal; then the total below the trivial nodes; then what it is of.
    assert [len(keys) for keys in pair.asked] == [1, 1, 1]


def test_what_takes_less_than_twenty_milliseconds_is_not_asked_for(pair: Pair) -> None:
    draw = Sketch()
    mask = draw("trial.at_least", draw("load", "case1.nii"), 3.0)
    pair.run(draw.plan(draw("trial.total", draw("trial.masked", mask, mask))))
    assert [len(keys) for keys in pair.asked] == [1]


def test_an_intermediate_result_of_a_neighbour_is_used(pair: Pair) -> None:
    pair.learn(0.3)
    draw = Sketch()
    pair.teach(draw.plan(lingering(draw, 0.3)))
    draw = Sketch()
    report = pair.run(draw.plan(draw("trial.total", lingering(draw, 0.3))))
    progress = report.progress
    assert (progress.executed, progress.from_peers, progress.from_store) == (1, 1, 0)


def test_elements_of_a_loop_are_asked_for_together(pair: Pair) -> None:
    pair.learn(0.05)
    draw = Sketch()
    body = draw.function(draw("trial.total", lingering_of(draw, draw.variable())))
    loop = draw("map", draw("sequence", 0.05, 0.06, 0.07), body)
    goal = draw.fold("+", loop)
    first = pair.run(draw.plan(goal))
    assert len(pair.asked[0]) == 1
    assert max(len(keys) for keys in pair.asked[1:]) == 3
    assert values(first) == values(pair.teach(draw.plan(goal)))


def lingering_of(draw: Sketch, seconds: _Node) -> _Node:
    return draw("trial.linger", draw("load", "case1.nii"), seconds)


def test_a_sequence_of_images_comes_whole(pair: Pair) -> None:
    draw = Sketch()
    body = draw.function(draw("trial.ramp", draw.variable()))
    images = draw("map", draw("sequence", 4.37, 5.11), body)
    expected = [
        image.array.tobytes() for image in values(pair.teach(draw.plan(images)))[0]
    ]
    report = pair.run(draw.plan(images))
    assert [image.array.tobytes() for image in values(report)[0]] == expected
    assert report.progress.executed == 0


# ---- what is not fetched, or does not come ----------------------------------


def test_a_fetch_that_takes_longer_than_computing_is_not_begun(pair: Pair) -> None:
    pair.learn(0.05)
    pair.teach(program(Sketch()))
    report = pair.run(program(Sketch()), Manner(promise_s=60.0))
    assert pair.fetched == []
    assert report.progress.from_peers == 0
    assert report.progress.executed > 0


def test_only_what_is_missing_counts_against_a_fetch(pair: Pair) -> None:
    draw = Sketch()
    pair.teach(draw.plan(draw("trial.total", lingering(draw, 0.3))))
    run(draw.plan(lingering(draw, 0.3)), pair.ours, directory=pair.folder)
    report = pair.run(
        draw.plan(draw("trial.total", lingering(draw, 0.3))), Manner(promise_s=0.2)
    )
    assert pair.fetched == []
    assert (report.progress.executed, report.progress.from_store) == (1, 1)


@pytest.mark.parametrize("manner", [Manner(drops=True), Manner(vanishes=True)])
def test_what_does_not_come_is_computed(manner: Manner, pair: Pair) -> None:
    first = pair.teach(program(Sketch()))
    report = pair.run(program(Sketch()), manner)
    assert [goal.digest for goal in report.goals] == [
        goal.digest for goal in first.goals
    ]
    assert report.progress.from_peers == 0


def estimate_s(pair: Pair, plan: Plan) -> float:
    """Return what the goal of a plan would take here, as far as a run can tell."""
    folder = pair.folder
    graph = Graph(plan, trial_registry(), InputFiles(pair.ours, folder), folder)
    with pair.ours.database.read() as connection:
        costs = CostModel(load_rates(connection))
    outlay = Outlay(graph, pair.ours, costs, 2, lambda ref, or_running: False)
    return outlay.missing(plan.goals[0].node, 0.0, 1e9).alone_s


def costly_image() -> Plan:
    draw = Sketch()
    return draw.plan(lingering(draw, 0.2))


def goal_above_it() -> Plan:
    draw = Sketch()
    return draw.plan(draw("trial.total", lingering(draw, 0.2)))


def test_a_goal_is_fetched_unless_that_is_clearly_dearer(pair: Pair) -> None:
    pair.learn(0.2)
    pair.teach(goal_above_it())
    alike = Manner(promise_s=1.1 * estimate_s(pair, goal_above_it()))
    report = pair.run(goal_above_it(), alike)
    assert (report.progress.from_peers, report.progress.executed) == (1, 0)


def test_below_a_goal_only_what_is_cheaper_to_fetch_is(pair: Pair) -> None:
    pair.learn(0.2)
    pair.teach(costly_image())
    alike = Manner(promise_s=1.1 * estimate_s(pair, costly_image()))
    report = pair.run(goal_above_it(), alike)
    assert pair.fetched == []
    assert report.progress.executed_because["cheap"] >= 1


def test_a_goal_that_is_here_in_a_moment_is_fetched_whatever_it_costs(
    pair: Pair,
) -> None:
    draw = Sketch()
    plan = draw.plan(draw("trial.total", draw("load", "case1.nii")))
    pair.teach(plan)
    report = pair.run(plan, Manner(promise_s=0.09))
    assert (report.progress.from_peers, report.progress.executed) == (1, 0)
    assert sum(report.progress.executed_because.values()) == 0


def test_nobody_is_asked_when_nobody_is_there(pair: Pair) -> None:
    neighbours = StoreNeighbours(pair.theirs, pair.ours, is_alone=True)
    report = pair.run(program(Sketch()), neighbours=neighbours)
    neighbours.join()
    assert neighbours.asked == []
    assert report.progress.executed > 0


def test_nobody_is_asked_without_cache_but_what_is_kept_is_published(
    pair: Pair,
) -> None:
    pair.teach(program(Sketch()))
    report = pair.run(program(Sketch()), options=RunOptions(jobs=2, use_cache=False))
    assert pair.asked == []
    assert report.progress.executed > 0
    assert pair.neighbours is not None
    assert pair.neighbours.published


def test_a_result_in_conflict_is_computed_here(pair: Pair) -> None:
    draw = Sketch()
    plan = draw.plan(draw("trial.total", lingering(draw)))
    first = pair.teach(plan)
    key, digest = first.goals[0].key, first.goals[0].digest
    assert key is not None
    assert digest is not None
    lie = pair.ours.put([b"VXd\x01\x2a"])
    pair.ours.note_conflict(key, lie, "", "peer")
    found = next(pair.theirs.results(key.hex()))
    false = replace(found, digest=lie, origin="peer", children=(), plan=None)
    pair.ours.commit(Batch(results=[false])).result()
    report = pair.run(plan)
    assert report.goals[0].digest == digest
    assert report.progress.from_peers == 0


# ---- neighbours that take their time ----------------------------------------


class Hesitant(Unclaiming):
    """Answers when it is told to."""

    def __init__(self, inner: Neighbours) -> None:
        self.may_arrive = threading.Event()
        self.is_fetching = threading.Event()
        self._inner = inner

    is_alone = False

    def locate(self, keys, answer) -> None:  # type: ignore[no-untyped-def]
        self._inner.locate(keys, answer)

    def fetch(self, keys, answer, spares_s=()) -> None:  # type: ignore[no-untyped-def]
        def wait() -> None:
            self.is_fetching.set()
            self.may_arrive.wait(30)
            self._inner.fetch(keys, answer)

        threading.Thread(target=wait, daemon=True).start()

    def publish(self, keys) -> None:  # type: ignore[no-untyped-def]
        pass

    def close(self) -> None:
        self._inner.close()


@pytest.mark.slow
def test_what_comes_while_it_is_computed_ends_the_computation(pair: Pair) -> None:
    draw = Sketch()
    plan = draw.plan(draw("trial.total", lingering(draw, 0.2)))
    expected = values(pair.teach(plan))
    slow = Sketch()
    slow_plan = slow.plan(slow("trial.total", lingering(slow, 30.0)))
    key = key_of_goal(pair, slow_plan)
    pretend(pair.theirs, pair.teach(plan).goals[0].key, key)
    neighbours = Hesitant(StoreNeighbours(pair.theirs, pair.ours))
    progress = Progress()

    def let_go() -> None:
        deadline = time.monotonic() + 20
        while not progress.running and time.monotonic() < deadline:
            time.sleep(0.01)
        neighbours.may_arrive.set()

    helper = threading.Thread(target=let_go)
    helper.start()
    started = time.monotonic()
    report = pair.run(slow_plan, neighbours=neighbours, progress=progress)
    helper.join()
    assert values(report) == expected
    assert report.progress.from_peers == 1
    assert time.monotonic() - started < 20


def key_of_goal(pair: Pair, plan: Plan) -> NodeKey:
    from scheduler import explain_plan

    explanation = explain_plan(
        plan, store=pair.ours, registry=trial_registry(), directory=pair.folder
    )
    (key,) = [node.key for node in explanation.nodes if node.is_goal]
    assert key is not None
    return key


def pretend(store: SqliteStore, key: NodeKey | None, other: NodeKey) -> None:
    """Let a store have under a second key what it has under one."""
    assert key is not None
    found = store.lookup([key])[key].result
    store.commit(Batch(results=[replace(found, key=other)])).result()


def test_what_comes_after_it_was_computed_is_not_needed(pair: Pair) -> None:
    draw = Sketch()
    plan = draw.plan(draw("trial.total", lingering(draw, 0.01)))
    pair.teach(plan)
    report = pair.run(plan, Manner(arrive_s=NEVER_S))
    assert report.progress.from_peers == 0
    assert report.progress.executed == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "manner",
    [
        Manner(answer_s=NEVER_S),
        Manner(answer_s=0.3),
        Manner(arrive_s=NEVER_S),
        Manner(arrive_s=NEVER_S, promise_s=0.5),
        Manner(arrive_s=NEVER_S, promise_s=1000.0),
        Manner(arrive_s=5.0, promise_s=0.0, says_size=0),
        Manner(arrive_s=0.3, drops=True),
    ],
    ids=str,
)
def test_bad_neighbours_cost_no_more_than_a_fifth_and_half_a_second(
    manner: Manner, pair: Pair
) -> None:
    draw = Sketch()
    chain = lingering(draw, 0.25)
    for _ in range(5):
        chain = draw("trial.linger", chain, 0.25)
    plan = draw.plan(draw("trial.total", chain), draw("trial.total", lingering(draw)))
    expected = values(pair.teach(plan))
    pair.learn(0.25)
    alone_s = 6 * 0.25
    started = time.monotonic()
    report = pair.run(plan, manner)
    took_s = time.monotonic() - started
    assert values(report) == expected
    assert took_s <= 0.5 + 1.2 * alone_s + SLACK_S


@pytest.mark.slow
def test_one_silent_question_does_not_leave_cores_idle(pair: Pair) -> None:
    """What is asked for is computed beside what runs already."""
    draw = Sketch()
    slow = draw("trial.total", lingering(draw, 1.0))
    other = draw("trial.total", draw("trial.linger", draw("trial.ramp", 2.0), 1.0))
    started = time.monotonic()
    pair.run(draw.plan(slow, other), Manner(answer_s=NEVER_S))
    assert time.monotonic() - started < 0.5 + 1.2 * 1.0 + SLACK_S


@pytest.mark.slow
def test_an_offer_that_comes_late_is_still_used(pair: Pair) -> None:
    draw = Sketch()
    plan = draw.plan(draw("trial.total", lingering(draw, 3.0)))
    short = Sketch()
    pair.teach(short.plan(short("trial.total", lingering(short, 0.0))))
    known = next(result for result in pair.theirs.results() if result.kind == "double")
    pretend(pair.theirs, known.key, key_of_goal(pair, plan))
    report = pair.run(plan, Manner(answer_s=1.0))
    assert report.progress.from_peers == 1
    assert report.seconds < 2.5


# ---- what is told -----------------------------------------------------------


class Recorder(Unclaiming):
    """Looks, at the time of each announcement, whether it is true."""

    is_alone = True

    def __init__(self, path: Path) -> None:
        self.keys: list[NodeKey] = []
        self._store = open_store(path, migrations=[MIGRATIONS])

    def locate(self, keys, answer) -> None:  # type: ignore[no-untyped-def]
        answer({})

    def fetch(self, keys, answer, spares_s=()) -> None:  # type: ignore[no-untyped-def]
        raise AssertionError("nothing was offered")

    def publish(self, keys) -> None:  # type: ignore[no-untyped-def]
        assert set(self._store.lookup(keys)) == set(keys)
        self.keys += keys

    def close(self) -> None:
        self._store.close()


@pytest.mark.parametrize("policy", ["worth", "all", "goals"])
def test_results_are_published_once_they_are_durable(
    policy: str, pair: Pair, tmp_path: Path
) -> None:
    neighbours = Recorder(tmp_path / "store")
    options = RunOptions(jobs=2, store_policy=policy)  # type: ignore[arg-type]
    draw = Sketch()
    items = draw(
        "map", draw("range", 100.0), draw.function(draw("+", draw.variable(), 1.0))
    )
    image = lingering(draw, 0.05)
    plan = draw.plan(draw.fold("+", items), draw("trial.total", image))
    report = pair.run(plan, options=options, neighbours=neighbours)
    kept = {result.key for result in pair.ours.results() if result.kind}
    neighbours.close()
    assert set(neighbours.keys) == kept
    assert len(neighbours.keys) == len(kept)
    assert {goal.key for goal in report.goals} <= kept


def test_what_came_from_neighbours_is_not_published(pair: Pair) -> None:
    pair.teach(program(Sketch()))
    pair.run(program(Sketch()))
    assert pair.neighbours is not None
    assert pair.neighbours.published == []


# ---- whatever they do -------------------------------------------------------


class Erratic(Unclaiming):
    """Answers at once: rightly, wrongly, or that nobody has it."""

    is_alone = False

    def __init__(self, inner: StoreNeighbours, choices: list[str]) -> None:
        self._inner = inner
        self._choices = choices
        self._at = 0

    def _next(self) -> str:
        self._at += 1
        return self._choices[self._at % len(self._choices)]

    def locate(self, keys, answer) -> None:  # type: ignore[no-untyped-def]
        match self._next():
            case "nobody":
                answer({})
            case "lies":
                answer({key: Located(key, -5, float("nan"), 1e9) for key in keys})
                answer({})
            case "stranger":
                answer({NodeKey(bytes(32)): Located(NodeKey(bytes(32)), 1, 0.0, 1.0)})
            case _:
                self._inner.locate(keys, answer)

    def fetch(self, keys, answer, spares_s=()) -> None:  # type: ignore[no-untyped-def]
        if self._next() == "lies":
            for key in keys:
                answer(Arrived(key, "liar", 0.0))
                answer(Arrived(key, "", 0.0))
            answer(Arrived(NodeKey(bytes(32)), "liar", 0.0))
        else:
            self._inner.fetch(keys, answer)

    def publish(self, keys) -> None:  # type: ignore[no-untyped-def]
        pass

    def close(self) -> None:
        self._inner.close()


@pytest.mark.slow
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 9)),
        min_size=2,
        max_size=12,
    ),
    st.lists(
        st.sampled_from(["right", "nobody", "lies", "stranger"]),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(["worth", "all", "goals", "none"]),
)
def test_values_do_not_depend_on_neighbours(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, int, int]],
    choices: list[str],
    policy: str,
) -> None:
    folder = tmp_path_factory.mktemp("erratic")
    stores = [
        open_store(folder / name, migrations=[MIGRATIONS])
        for name in ("alone", "theirs", "ours")
    ]
    alone, theirs, ours = stores
    options = RunOptions(jobs=2, store_policy=policy)  # type: ignore[arg-type]
    plan = random_plan(steps)
    expected = [goal.digest for goal in run(plan, alone, options=options).goals]
    run(plan, theirs)
    inner = StoreNeighbours(theirs, ours)
    report = run_plan(
        plan,
        store=ours,
        registry=trial_registry(),
        options=options,
        neighbours=Erratic(inner, choices),
    )
    inner.join()
    for store in stores:
        store.close()
    assert [goal.digest for goal in report.goals] == expected


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 9)),
        min_size=3,
        max_size=12,
    ),
    st.lists(st.sampled_from([0.0, 0.001, 0.004, 0.012]), min_size=3, max_size=9),
)
def test_values_do_not_depend_on_who_wins_a_race(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    steps: list[tuple[int, int, int]],
    delays: list[float],
) -> None:
    """With hardly any patience, results come while their nodes are in any state."""
    monkeypatch.setattr("scheduler.patience.PATIENCE_S", 0.01)
    monkeypatch.setattr("scheduler.patience.LEAST_S", 0.0)
    monkeypatch.setattr("scheduler.asking.LATE_S", 0.001)
    monkeypatch.setattr("scheduler.asking.LOOK_S", 0.0)
    folder = tmp_path_factory.mktemp("races")
    stores = [
        open_store(folder / name, migrations=[MIGRATIONS])
        for name in ("alone", "theirs", "ours")
    ]
    alone, theirs, ours = stores
    plan = random_plan(steps, linger_s=0.003)
    options = RunOptions(jobs=2, store_policy="all")
    expected = [goal.digest for goal in run(plan, alone).goals]
    run(plan, theirs, options=options)
    neighbours = Unsteady(theirs, ours, delays)
    report = run_plan(
        plan,
        store=ours,
        registry=trial_registry(),
        options=RunOptions(jobs=2, timeout_s=30),
        neighbours=neighbours,
    )
    neighbours.join()
    for store in stores:
        store.close()
    assert [goal.digest for goal in report.goals] == expected
    assert report.progress.failed == 0


class Unsteady(StoreNeighbours):
    """Takes another while for every answer."""

    def __init__(
        self, theirs: SqliteStore, ours: SqliteStore, delays: list[float]
    ) -> None:
        super().__init__(theirs, ours)
        self._delays = cycle(delays)

    def _later(self, seconds: float, run: Callable[[bool], None]) -> None:
        super()._later(next(self._delays), run)


def random_plan(steps: list[tuple[int, int, int]], linger_s: float = 0.0) -> Plan:
    """Images and numbers made of each other; the last ones are goals."""
    draw = Sketch()
    images = [draw("trial.ramp", 2.0)]
    numbers = [draw("trial.total", images[0])]
    for kind, left, right in steps:
        image, number = images[left % len(images)], numbers[right % len(numbers)]
        if kind == 0:
            images.append(draw("trial.linger", image, linger_s))
        elif kind == 1:
            mask = draw("trial.at_least", image, float(right))
            images.append(draw("trial.masked", mask, images[right % len(images)]))
        elif kind == 2:
            numbers.append(draw("trial.total", image))
        elif kind == 4:
            body = draw.function(draw("trial.linger", image, draw.variable()))
            copies = draw("map", draw("sequence", linger_s, linger_s / 2), body)
            images.append(draw.fold("max", copies))
        else:
            numbers.append(draw("+", number, numbers[left % len(numbers)]))
    return draw.plan(*images[-2:], *numbers[-2:])
