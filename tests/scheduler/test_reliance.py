"""Every kept result says on whose word it rests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler import MIGRATIONS, RunOptions, run_plan
from scheduler.graph import Graph
from scheduler.plan import App
from scheduler.reliance import NOBODY, Reliances, Relied
from store import Batch, NodeKey, Reliance, Result, SqliteStore, open_store

from .neighbourhood import StoreNeighbours, bring
from .sketch import Sketch, _Node, run, trial_registry
from .test_keys import NoFiles
from .test_sequences import EVERYTHING

ADA, BOB = Reliance("ada", 7), Reliance("bob", 9)


@dataclass
class Case:
    """A node of a random program, and the cases that its value depends on."""

    node: _Node
    below: tuple[Case, ...]
    is_plain: bool = True
    """Whether it is an application, and all below it are."""
    is_asked: bool = False
    """Whether its result is looked for in every case, and not only as a goal."""


class Program:
    """Grows a plan at random; numbers, images and sequences."""

    def __init__(self) -> None:
        self.draw = Sketch()
        self.numbers: list[Case] = []
        self.images: list[Case] = []
        self.sequences: list[Case] = []
        for number in (1.0, 2.0):
            image = self._add(self.images, self.draw("trial.ramp", number))
            self._add(self.numbers, self.draw("trial.total", image.node), image)

    def _add(
        self, to: list[Case], node: _Node, *below: Case, is_plain: bool = True
    ) -> Case:
        case = Case(node, below, is_plain and all(each.is_plain for each in below))
        made = self.draw.builder.nodes[node.ref]
        case.is_asked = isinstance(made, App) and made.primitive.startswith("trial.")
        to.append(case)
        return case

    def step(self, what: str, left: int, right: int) -> None:
        draw = self.draw
        x, y = (self.numbers[at % len(self.numbers)] for at in (left, right))
        i, j = (self.images[at % len(self.images)] for at in (left, right))
        items = self.sequences[left % len(self.sequences)] if self.sequences else None
        match what:
            case "add":
                self._add(self.numbers, draw("+", x.node, y.node), x, y)
            case "total":
                self._add(self.numbers, draw("trial.total", i.node), i)
            case "ramp":
                self._add(self.images, draw("trial.ramp", x.node), x)
            case "masked":
                mask = draw("trial.at_least", i.node, x.node)
                self._add(self.images, draw("trial.masked", mask, j.node), i, j, x)
            case "sequence":
                node = draw("sequence", x.node, 1.0, y.node)
                self._add(self.sequences, node, x, y, is_plain=False)
            case _ if items is not None:
                self._step_of_sequence(what, items, x)

    def _step_of_sequence(self, what: str, items: Case, x: Case) -> None:
        draw, item = self.draw, self.draw.variable()
        match what:
            case "map":
                body = draw.function(draw("+", draw("*", item, 2.0), x.node))
                node = draw("map", items.node, body)
                self._add(self.sequences, node, items, x, is_plain=False)
            case "map_images":
                # Nobody else says anything of an element.
                image = draw("trial.ramp", draw("+", item, 0.5))
                node = draw(
                    "map", items.node, draw.function(draw("trial.total", image))
                )
                self._add(self.sequences, node, items, is_plain=False)
            case "filter":
                body = draw.function(draw("<", item, x.node))
                node = draw("filter", items.node, body)
                self._add(self.sequences, node, items, x, is_plain=False)
            case "fold":
                node = draw("fold", "+", x.node, items.node)
                self._add(self.numbers, node, items, x, is_plain=False)
            case "slice":
                node = draw("fold", "+", 1.0, draw("slice", items.node, 0.0))
                self._add(self.numbers, node, items, is_plain=False)

    def cases(self) -> list[Case]:
        return [*self.numbers, *self.images, *self.sequences]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("add", "total", "ramp", "masked", "sequence", "map", "map_images"),
                *("filter", "fold", "slice", "total", "ramp", "masked"),
            ]
        ),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    max_size=14,
)
RELIED = st.dictionaries(
    st.sampled_from(["ada", "bob", "eve"]), st.integers(1, 99), min_size=1
).map(lambda each: tuple(Reliance(*pair) for pair in sorted(each.items())))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    STEPS,
    st.dictionaries(st.integers(0, 40), RELIED, min_size=1, max_size=5),
    st.lists(st.sets(st.integers(0, 40), min_size=1, max_size=5), max_size=2),
    st.sampled_from(["worth", "all", "goals"]),
)
def test_random_programs_rest_on_what_they_were_computed_from(
    steps: list[tuple[str, int, int]],
    foreign: dict[int, Relied],
    runs: list[set[int]],
    policy: str,
) -> None:
    program = Program()
    for step in steps:
        program.step(*step)
    cases = program.cases()
    options = RunOptions(jobs=2, store_policy=policy)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        theirs = open_store(Path(folder) / "theirs", migrations=[MIGRATIONS])
        ours = open_store(Path(folder) / "ours", migrations=[MIGRATIONS])
        with theirs, ours:
            plan = program.draw.plan(*[case.node for case in cases])
            run(plan, theirs, options=EVERYTHING)
            keys = Graph(plan, trial_registry(), NoFiles()).keys
            said: dict[NodeKey, Relied] = {}
            for at, relied in foreign.items():
                asked = [case for case in cases if case.is_asked]
                key = keys[asked[at % len(asked)].node.ref]
                if key is not None and key not in said:
                    said[key] = relied
                    bring(theirs.lookup([key])[key], theirs, ours, relied)
            for goals in (*runs, set(range(len(cases)))):
                wanted = [cases[at % len(cases)].node for at in goals]
                run(program.draw.plan(*wanted), ours, options=options)
                check(ours, cases, keys, said)


def check(
    store: SqliteStore,
    cases: Iterable[Case],
    keys: list[NodeKey | None],
    said: dict[NodeKey, Relied],
) -> None:
    for case in cases:
        key = keys[case.node.ref]
        assert key is not None
        hit = store.lookup([key]).get(key)
        if hit is None or key in said:
            continue
        used = truth(case, keys, said)
        held = dict(hit.result.relies_on)
        assert list(held) == sorted(held)
        assert all(held.get(member, -1) >= number for member, number in used.items())
        if case.is_plain:
            assert held == used
            assert hit.result.origin == "local"


def truth(
    case: Case, keys: list[NodeKey | None], said: dict[NodeKey, Relied]
) -> dict[str, int]:
    """Return what a case rests on: what is said of it, or of what is below it."""
    key = keys[case.node.ref]
    assert key is not None
    if key in said:
        return dict(said[key])
    found: dict[str, int] = {}
    for below in case.below:
        for member, number in truth(below, keys, said).items():
            found[member] = max(number, found.get(member, number))
    return found


# ---- one by one


def kept(store: SqliteStore, operation: str) -> list[Result]:
    return [it for it in store.results() if it.operation.startswith(f"{operation}@")]


def give(
    draw: Sketch, node: _Node, theirs: SqliteStore, ours: SqliteStore, *relied: Reliance
) -> NodeKey:
    """Let a store have a node's result from others."""
    plan = draw.plan(node)
    run(plan, theirs, options=EVERYTHING)
    key = Graph(plan, trial_registry(), NoFiles()).keys[node.ref]
    assert key is not None
    bring(theirs.lookup([key])[key], theirs, ours, relied)
    return key


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "theirs", migrations=[MIGRATIONS]) as opened:
        yield opened


def test_alone_results_rest_on_nobody(store: SqliteStore) -> None:
    draw = Sketch()
    plan = draw.plan(draw("trial.total", draw("trial.ramp", 3.0)))
    run(plan, store, options=EVERYTHING)
    assert {it.relies_on for it in store.results()} == {NOBODY}
    assert {it.operation for it in store.results()} == {"trial.ramp@1", "trial.total@1"}


def test_what_comes_from_a_neighbour_is_remembered_in_what_is_made_of_it(
    store: SqliteStore, theirs: SqliteStore
) -> None:
    draw = Sketch()
    image = draw("trial.linger", draw("trial.ramp", 3.0), 0.05)
    run(draw.plan(image), theirs, options=EVERYTHING)
    neighbours = StoreNeighbours(theirs, store)
    other = draw("trial.total", draw("trial.ramp", 4.0))
    report = run_plan(
        draw.plan(draw("trial.total", image), other),
        store=store,
        registry=trial_registry(),
        options=EVERYTHING,
        neighbours=neighbours,
    )
    neighbours.join()
    assert report.progress.from_peers == 1
    totals = {it.relies_on for it in kept(store, "trial.total")}
    assert totals == {(Reliance("ada", 1),), NOBODY}


def test_what_an_earlier_run_made_of_others_results_goes_on_to_rest_on_them(
    store: SqliteStore, theirs: SqliteStore
) -> None:
    draw = Sketch()
    image = draw("trial.ramp", 3.0)
    give(draw, image, theirs, store, ADA)
    total = draw("trial.total", image)
    run(draw.plan(total), store)
    again = draw("trial.ramp", total)
    run(draw.plan(again), store)
    assert [it.relies_on for it in kept(store, "trial.total")] == [(ADA,)]
    assert (ADA,) in [it.relies_on for it in kept(store, "trial.ramp")]


def test_of_a_member_the_highest_number_counts(
    store: SqliteStore, theirs: SqliteStore
) -> None:
    draw = Sketch()
    one, two = draw("trial.ramp", 1.0), draw("trial.ramp", 2.0)
    give(draw, one, theirs, store, ADA, BOB)
    give(draw, two, theirs, store, Reliance("ada", 70), Reliance("eve", 1))
    run(draw.plan(draw("trial.masked", draw("trial.at_least", one, 1.0), two)), store)
    (masked,) = kept(store, "trial.masked")
    assert masked.relies_on == (Reliance("ada", 70), BOB, Reliance("eve", 1))


def test_what_says_of_nobody_from_whom_it_came_rests_on_somebody(
    store: SqliteStore, theirs: SqliteStore
) -> None:
    draw = Sketch()
    image = draw("trial.ramp", 1.0)
    key = give(draw, image, theirs, store)
    result = store.lookup([key])[key].result
    store.remove([key])
    store.put([theirs.open(result.digest).view()])
    store.commit(Batch(results=[replace(result, relies_on=())])).result()
    run(draw.plan(draw("trial.total", image)), store)
    (total,) = kept(store, "trial.total")
    assert total.relies_on == (Reliance("", 0),)


def test_a_scalar_that_rests_on_others_is_not_packed_with_those_that_do_not(
    store: SqliteStore, theirs: SqliteStore
) -> None:
    draw = Sketch()
    total = draw("trial.total", draw("trial.ramp", 3.0))
    give(draw, total, theirs, store, ADA)
    mine = draw("+", 3.0, 4.0)
    plan = draw.plan(draw("+", draw("*", total, 2.0), mine))
    run(plan, store, options=EVERYTHING)
    assert [it.relies_on for it in kept(store, "default.multiplication")] == [(ADA,)]
    assert store.stats().small_results == 1
    assert run(plan, store, options=EVERYTHING).progress.executed == 0


def test_a_loop_without_nodes_keeps_nothing_that_rests_on_others(
    store: SqliteStore, theirs: SqliteStore
) -> None:
    draw = Sketch()
    total = draw("trial.total", draw("trial.ramp", 3.0))
    give(draw, total, theirs, store, ADA)
    body = draw.function(draw("+", draw.variable(), total))
    loop = draw("map", draw("range", 5.0), body)
    other = draw("map", loop, draw.function(draw("*", draw.variable(), 2.0)))
    run(draw.plan(loop, other), store, options=EVERYTHING)
    assert store.stats().small_results == 5  # of the second loop: of numbers alone
    assert {it.relies_on for it in kept(store, "default.map")} == {(ADA,)}


def test_what_a_loop_is_over_counts_for_the_loop_and_not_for_its_elements(
    store: SqliteStore, theirs: SqliteStore
) -> None:
    draw = Sketch()
    length = draw("trial.total", draw("trial.ramp", 0.0))  # zero
    give(draw, length, theirs, store, ADA)
    body = draw.function(draw("trial.total", draw("trial.ramp", draw.variable())))
    loop = draw("map", draw("range", draw("+", length, 3.0)), body)
    again = draw("filter", loop, draw.function(draw(">", draw.variable(), -1.0)))
    count = draw("trial.ramp", draw("length", again))
    run(draw.plan(loop, count), store, options=EVERYTHING)
    assert [it.relies_on for it in kept(store, "default.map")] == [(ADA,)]
    ramps = [it.relies_on for it in kept(store, "trial.ramp")]
    assert sorted(ramps) == [NOBODY, NOBODY, NOBODY, (ADA,)]


def test_what_was_computed_here_meanwhile_rests_on_nobody(
    store: SqliteStore, theirs: SqliteStore
) -> None:
    draw = Sketch()
    image = draw("trial.ramp", 3.0)
    key = give(draw, image, theirs, store, ADA)
    total = draw("trial.total", image)
    run(draw.plan(total), store)
    relying = {key, kept(store, "trial.total")[0].key}
    assert set(store.relying("ada", 0)) == relying
    run(draw.plan(total), store, options=replace(EVERYTHING, use_cache=False))
    assert store.relying("ada", 0) == []
    assert {it.origin for it in store.results()} == {"local"}


def test_reliances_of_many_are_merged_exactly() -> None:
    draw = Sketch()
    reliances = Reliances(
        Graph(draw.plan(draw("+", 1.0, 2.0)), trial_registry(), NoFiles())
    )
    assert not reliances
    assert reliances.union(range(3)) == NOBODY
    reliances.note(0, (ADA,))
    reliances.note(1, (Reliance("ada", 9), BOB))
    assert reliances.union(range(3)) == (Reliance("ada", 9), BOB)
    reliances.note(1, NOBODY)
    assert reliances.union(range(3)) == reliances.of(0) == (ADA,)
    reliances.note(0, NOBODY)
    assert not reliances
