"""Loops, folds and what shares what."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler import RunOptions
from store import SqliteStore

from .sketch import Sketch, run, values

EVERYTHING = RunOptions(jobs=2, store_policy="all")
"""Sharing must not depend on how long the little kernels of a test take."""


def increment(draw: Sketch) -> object:
    return draw.function(draw("+", draw.variable(), 1.0))


def test_a_loop_over_a_range_gives_each_element(store: SqliteStore) -> None:
    draw = Sketch()
    loop = draw("map", draw("range", 4.0), draw.function(draw("*", draw.variable(), 2)))
    assert values(run(draw.plan(loop), store)) == [(0, 2, 4, 6)]


def test_loops_nest(store: SqliteStore) -> None:
    draw = Sketch()
    inner = draw.function(draw("*", draw.variable(0), draw.variable(1)))
    outer = draw.function(draw("map", draw("range", 1.0, 4.0), inner))
    table = draw("map", draw("range", 1.0, 4.0), outer)
    assert values(run(draw.plan(table), store)) == [((1, 2, 3), (2, 4, 6), (3, 6, 9))]


def test_a_filter_keeps_the_items_whose_condition_holds(store: SqliteStore) -> None:
    draw = Sketch()
    odd = draw.function(draw(">", draw.variable(), 2))
    kept = draw("filter", draw("range", 6.0), odd)
    assert values(run(draw.plan(kept), store)) == [(3, 4, 5)]


def test_a_filter_needs_a_condition(store: SqliteStore) -> None:
    draw = Sketch()
    text = draw.function(draw("strings.concat", draw.variable(), "x"))
    report = run(draw.plan(draw("filter", draw("range", 3.0), text)), store)
    assert report.goals[0].failure is not None
    assert "true or false" in report.goals[0].failure.message


@pytest.mark.parametrize(
    ("operator", "expected"), [("+", 10.0), ("*", 24.0), ("max", 4.0), ("min", 1.0)]
)
def test_a_fold_combines_from_the_left(
    operator: str, expected: float, store: SqliteStore
) -> None:
    draw = Sketch()
    items = draw("sequence", 1.0, 2.0, 3.0, 4.0)
    assert values(run(draw.plan(draw.fold(operator, items)), store)) == [expected]


def test_a_fold_over_images_and_one_over_numbers_follow_one_rule(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    images = draw(
        "map",
        draw("range", 1.0, 4.0),
        draw.function(draw("trial.ramp", draw.variable())),
    )
    summed = draw("trial.total", draw.fold("+", images))
    each = draw("map", images, draw.function(draw("trial.total", draw.variable())))
    total, one_by_one = values(run(draw.plan(summed, draw.fold("+", each)), store))
    assert total == pytest.approx(one_by_one)


def test_an_empty_fold_without_a_start_is_an_error(store: SqliteStore) -> None:
    draw = Sketch()
    report = run(draw.plan(draw.fold("max", draw("range", 0.0))), store)
    assert report.goals[0].failure is not None
    assert "empty" in report.goals[0].failure.message


def test_an_index_computes_only_its_element(store: SqliteStore) -> None:
    draw = Sketch()
    items = draw("sequence", draw("trial.refuse", 1.0), draw("+", 1.0, 1.0))
    assert values(run(draw.plan(draw("index", items, 1.0)), store)) == [2.0]


def test_an_index_of_a_loop_computes_only_its_element(store: SqliteStore) -> None:
    draw = Sketch()
    loop = draw(
        "map",
        draw("range", 100.0),
        draw.function(draw("trial.total", draw("trial.ramp", draw.variable()))),
    )
    report = run(draw.plan(draw("index", loop, 3.0)), store)
    assert report.progress.executed == 2


def test_a_slice_computes_only_its_elements(store: SqliteStore) -> None:
    draw = Sketch()
    loop = draw(
        "map",
        draw("range", 100.0),
        draw.function(draw("trial.total", draw("trial.ramp", draw.variable()))),
    )
    report = run(draw.plan(draw("slice", loop, 3.0, 5.0)), store)
    assert len(values(report)[0]) == 2
    assert report.progress.executed == 4


def test_an_index_past_the_end_names_the_length(store: SqliteStore) -> None:
    draw = Sketch()
    report = run(draw.plan(draw("index", draw("range", 3.0), 7.0)), store)
    assert report.goals[0].failure is not None
    assert "3" in report.goals[0].failure.message


def test_a_longer_loop_shares_the_elements_of_a_shorter_one(
    store: SqliteStore,
) -> None:
    def cases(draw: Sketch, count: float) -> object:
        body = draw("trial.total", draw("trial.ramp", draw.variable()))
        return draw("map", draw("range", 1.0, count), draw.function(body))

    first, second = Sketch(), Sketch()
    run(first.plan(cases(first, 4.0)), store, options=EVERYTHING)  # type: ignore[arg-type]
    longer = run(second.plan(cases(second, 6.0)), store, options=EVERYTHING)  # type: ignore[arg-type]
    assert longer.progress.executed == 4  # two new cases of two operations


def test_a_loop_shares_elements_with_the_written_out_expression(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    run(
        draw.plan(draw("trial.total", draw("trial.ramp", 2.0))),
        store,
        options=EVERYTHING,
    )
    body = draw.function(draw("trial.total", draw("trial.ramp", draw.variable())))
    loop = draw("map", draw("sequence", 2.0), body)
    assert run(draw.plan(loop), store, options=EVERYTHING).progress.executed == 0


def test_a_loop_over_a_computed_sequence_expands_while_running(
    store: SqliteStore, tmp_path: Path
) -> None:
    (tmp_path / "cases.txt").write_text("one\ntwo\n", encoding="utf-8")
    draw = Sketch()
    names = draw("load", "cases.txt")
    greet = draw.function(draw("strings.concat", draw.variable(), "!"))
    report = run(draw.plan(draw("map", names, greet)), store, directory=tmp_path)
    assert values(report) == [("one!", "two!")]


def test_a_loop_over_something_else_says_so(store: SqliteStore) -> None:
    draw = Sketch()
    report = run(draw.plan(draw("map", draw("+", 1.0, 1.0), increment(draw))), store)  # type: ignore[arg-type]
    assert report.goals[0].failure is not None
    assert "sequence" in report.goals[0].failure.message


def write_cases(folder: Path, *texts: str) -> None:
    folder.mkdir(exist_ok=True)
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")


def folder_program(draw: Sketch) -> object:
    """The number of lines of each file of a folder, through an image operation."""
    lines = draw("length", draw("load", draw.variable()))
    body = draw.function(draw("trial.total", draw("trial.ramp", lines)))
    listing = draw(
        "dir", draw("strings.concat", draw.place("."), "/cases"), "*", False, True
    )
    return draw("map", listing, body)


def test_one_changed_file_of_a_folder_recomputes_one_case(
    store: SqliteStore, tmp_path: Path
) -> None:
    write_cases(tmp_path / "cases", "a\n", "a\nb\n", "a\nb\nc\n")
    draw = Sketch()
    plan = draw.plan(folder_program(draw))  # type: ignore[arg-type]
    first = run(plan, store, options=EVERYTHING, directory=tmp_path)
    assert (
        run(plan, store, options=EVERYTHING, directory=tmp_path).progress.executed == 0
    )
    write_cases(tmp_path / "cases", "a\n", "a\nb\n", "a\nb\nc\nd\n")
    changed = run(plan, store, options=EVERYTHING, directory=tmp_path)
    assert values(changed)[0][:2] == values(first)[0][:2]
    assert changed.progress.executed == 4  # load, length, ramp, total


def test_a_folder_moved_elsewhere_computes_nothing_again(
    store: SqliteStore, tmp_path: Path
) -> None:
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        write_cases(tmp_path / place / "cases", "a\n", "a\nb\n")
    draw = Sketch()
    plan = draw.plan(folder_program(draw))  # type: ignore[arg-type]
    run(plan, store, options=EVERYTHING, directory=tmp_path / "here")
    assert (
        run(
            plan, store, options=EVERYTHING, directory=tmp_path / "there"
        ).progress.executed
        == 0
    )


def test_a_path_computed_while_running_is_keyed_by_content(
    store: SqliteStore, tmp_path: Path
) -> None:
    write_cases(tmp_path / "cases", "a\n", "a\nb\n")
    draw = Sketch()
    listing = draw("dir", draw.place("cases"), "*", False, True)
    picked = draw("load", draw("index", listing, 1.0))
    plan = draw.plan(draw("trial.total", draw("trial.ramp", draw("length", picked))))
    assert (
        run(plan, store, options=EVERYTHING, directory=tmp_path).progress.executed == 4
    )
    assert (
        run(plan, store, options=EVERYTHING, directory=tmp_path).progress.executed == 0
    )


def test_elements_kept_by_a_scalar_loop_answer_written_out_expressions(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    body = draw.function(draw("+", draw("*", draw.variable(), 2), 1))
    run(draw.plan(draw("map", draw("range", 50.0), body)), store, options=EVERYTHING)
    written = Sketch()
    plan = written.plan(written("+", written("*", 7, 2), 1))
    report = run(plan, store, options=EVERYTHING)
    assert values(report) == [15]
    assert report.progress.executed == 0


@pytest.mark.slow
def test_a_loop_of_a_hundred_thousand_elements_folds(store: SqliteStore) -> None:
    draw = Sketch()
    body = draw.function(draw("*", draw.variable(), 2))
    total = draw.fold("+", draw("map", draw("range", 1e5), body))
    assert values(run(draw.plan(total), store)) == [9_999_900_000]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(-5, 5).map(float), max_size=8), st.integers(0, 2))
def test_a_scalar_loop_and_one_with_nodes_agree(
    store: SqliteStore, items: list[float], depth: int
) -> None:
    draw = Sketch()
    plain = draw("sequence", *items)
    # An unreadable item (an index) keeps the loop from being compiled.
    hidden = draw("sequence", *[draw("index", draw("sequence", x), 0.0) for x in items])
    loops = []
    for source in (plain, hidden):
        for _ in range(depth + 1):
            source = draw("map", source, increment(draw))  # type: ignore[arg-type]
        loops.append(source)
    fast, slow = values(run(draw.plan(*loops), store))
    assert fast == slow == tuple(item + depth + 1 for item in items)


@pytest.mark.parametrize("form", ["map", "filter", "fold"])
def test_a_loop_over_nothing_needs_nothing_that_its_body_refers_to(
    form: str, store: SqliteStore
) -> None:
    draw = Sketch()
    failing = draw("/", 1.0, draw("-", draw("length", draw("sequence", 1.0)), 1.0))
    body = draw.function(draw(">", draw.variable(), failing))
    nothing = draw("range", 0.0)
    loop = draw("filter" if form == "filter" else "map", nothing, body)
    goal = draw.fold("&&", loop) if form == "fold" else loop
    report = run(draw.plan(goal), store)
    assert values(report) == [True if form == "fold" else ()]
    assert report.progress.executed == 0
