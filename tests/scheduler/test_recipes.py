"""Every kept result says how its node is made again, and it can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from primitives.formats.write import write_value
from primitives.registry import Registry
from primitives.values import Image
from scheduler import MIGRATIONS, ImpossibleError, RunOptions, rebuild, run_plan
from scheduler.graph import Graph
from scheduler.recipes import MOST_STEPS, Recipes
from store import Digest, NodeKey, Recipe, Result, SqliteStore, open_store

from .sketch import GRID, Sketch, run, trial_registry, trial_table
from .test_keys import NoFiles
from .test_sequences import EVERYTHING, folder_program, write_cases


def kept(store: SqliteStore) -> list[Result]:
    # Scalars packed with thousands of others have none: they cost nothing to compute.
    return [result for result in store.results() if result.recipe]


def check_recipes(store: SqliteStore, at_least: int) -> None:
    """See that every kept result has a recipe that leads to its node, and its value."""
    results = kept(store)
    assert len(results) >= at_least
    for result in results:
        made = rebuild(store, trial_registry(), result)
        report = run_plan(
            made.plan,
            store=store,
            registry=trial_registry(),
            directory=made.directory,
            options=RunOptions(jobs=2, use_cache=False, store_policy="none"),
        )
        (goal,) = report.goals
        assert (goal.failure, goal.key, goal.digest) == (
            None,
            result.key,
            result.digest,
        )


def test_a_kept_node_is_found_again_in_its_plan(store: SqliteStore) -> None:
    draw = Sketch()
    unrelated = draw("trial.total", draw("trial.ramp", 9.0))
    wanted = draw("trial.total", draw("trial.ramp", 3.0))
    run(draw.plan(wanted, unrelated), store)
    check_recipes(store, at_least=2)


def test_an_element_of_nested_loops_is_made_again(store: SqliteStore) -> None:
    draw = Sketch()
    pair = draw("+", draw.variable(0), draw.variable(1))
    inner = draw.function(draw("trial.total", draw("trial.ramp", pair)))
    outer = draw.function(draw("map", draw("range", 1.0, 3.0), inner))
    run(draw.plan(draw("map", draw("range", 2.0), outer)), store, options=EVERYTHING)
    check_recipes(store, at_least=4)


def test_a_loop_inside_a_loop_over_loops_is_made_again(store: SqliteStore) -> None:
    draw = Sketch()
    third = draw("+", draw("+", draw.variable(0), draw.variable(1)), draw.variable(2))
    image = draw("trial.ramp", third)
    inmost = draw.function(draw("trial.total", image))
    middle = draw.function(draw("map", draw("range", 2.0), inmost))
    outer = draw.function(draw("map", draw("range", draw.variable()), middle))
    plan = draw.plan(draw("map", draw("range", 1.0, 3.0), outer))
    run(plan, store, options=EVERYTHING)
    check_recipes(store, at_least=9)


def test_the_beginnings_of_a_fold_are_made_again(store: SqliteStore) -> None:
    draw = Sketch()
    ramp = draw.function(draw("trial.ramp", draw.variable()))
    images = draw("map", draw("range", 1.0, 5.0), ramp)
    total = draw.function(draw("trial.total", draw.variable()))
    plan = draw.plan(draw.fold("+", draw("map", images, total)))
    run(plan, store, options=EVERYTHING)
    check_recipes(store, at_least=8)


def test_an_element_of_a_sequence_that_was_computed_is_made_again(
    store: SqliteStore, tmp_path: Path
) -> None:
    (tmp_path / "cases.txt").write_text("3\n7\n", encoding="utf-8")
    draw = Sketch()
    length = draw("length", draw("strings.concat", draw.variable(), "xx"))
    body = draw.function(draw("trial.total", draw("trial.ramp", length)))
    plan = draw.plan(draw("map", draw("load", "cases.txt"), body))
    run(plan, store, options=EVERYTHING, directory=tmp_path)
    check_recipes(store, at_least=2)


def test_a_case_of_a_folder_is_made_again(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cases(tmp_path / "cases", "a\n", "a\nb\n")
    draw = Sketch()
    plan = draw.plan(folder_program(draw))  # type: ignore[arg-type]
    run(plan, store, options=EVERYTHING, directory=tmp_path)
    monkeypatch.chdir("/")
    check_recipes(store, at_least=5)


def test_what_is_computed_from_a_file_that_has_changed_is_not_made_again(
    store: SqliteStore, tmp_path: Path
) -> None:
    save_image(tmp_path / "a.nii", 1.0)
    save_image(tmp_path / "b.nii", 2.0)
    draw = Sketch()
    goals = [draw("trial.total", draw("load", f"{name}.nii")) for name in "ab"]
    run(draw.plan(*goals), store, directory=tmp_path)
    one, other = kept(store)
    save_image(tmp_path / "a.nii", 3.0)
    assert [can_rebuild(store, it) for it in (one, other)].count(True) == 1
    (tmp_path / "b.nii").unlink()
    assert not can_rebuild(store, one)
    assert not can_rebuild(store, other)
    for result in (one, other):
        with pytest.raises(ImpossibleError, match=r"[ab]\.nii"):
            rebuild(store, trial_registry(), result)


def save_image(path: Path, value: float) -> None:
    array = np.full(GRID.shape, value, np.float32)
    write_value(Image.of_array(array, GRID), path)


def can_rebuild(store: SqliteStore, result: Result) -> bool:
    try:
        rebuild(store, trial_registry(), result)
    except ImpossibleError:
        return False
    return True


def test_a_primitive_of_another_version_computes_another_node(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    run(draw.plan(draw("trial.total", draw("trial.ramp", 3.0))), store)
    (result,) = [it for it in kept(store) if it.operation == "trial.total@1"]
    newer = Registry({"trial": lambda: trial_table(version=2)})
    with pytest.raises(ImpossibleError, match="version of voxpeer"):
        rebuild(store, newer, result)
    with pytest.raises(ImpossibleError, match="no namespace"):
        rebuild(store, Registry({}), result)


def test_without_a_recipe_or_its_plan_nothing_is_made_again(
    store: SqliteStore,
) -> None:
    draw = Sketch()
    run(draw.plan(draw("trial.total", draw("trial.ramp", 3.0))), store)
    result = kept(store)[0]
    for broken in (
        replace(result, recipe=b""),
        replace(result, plan=None),
        replace(result, plan=Digest(bytes(32))),
        replace(result, plan=store.put([b"no plan"])),
    ):
        with pytest.raises(ImpossibleError):
            rebuild(store, trial_registry(), broken)


def test_what_takes_too_many_steps_has_no_recipe(store: SqliteStore) -> None:
    draw = Sketch()
    plan = draw.plan(draw("+", 0.0, 1.0))
    graph = Graph(plan, trial_registry(), NoFiles())
    recipes = Recipes(graph, plan, store)
    chain = [plan.goals[0].node]
    for _ in range(MOST_STEPS + 1):
        chain.append(graph.app("default.addition", (chain[-1], chain[0]), -1))
    recipe, digest = recipes.recipe(chain[100])
    key = graph.keys[chain[100]]
    assert key is not None
    made = rebuild(store, trial_registry(), Recipe(key, recipe, digest))
    assert made.graph.keys[made.ref] == key
    assert recipes.recipe(chain[-1]) == (b"", digest)


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 9) | st.text(max_size=8) | st.floats(),
    lambda items: st.lists(items, max_size=5),
    max_leaves=12,
)
steps = st.lists(
    st.builds(
        lambda kind, rest: [kind, *rest],
        st.sampled_from(["const", "place", "app", "in", "other"]),
        st.lists(junk, max_size=5),
    ),
    max_size=4,
)
recipes = st.tuples(st.just(bytes(32)), st.integers(-9, 30) | junk, steps)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """Return a store with the plan of nested loops."""
    folder = tmp_path_factory.mktemp("planned")
    with open_store(folder / "store", migrations=[MIGRATIONS]) as opened:
        draw = Sketch()
        pair = draw("+", draw.variable(0), draw.variable(1))
        inner = draw.function(draw("trial.total", draw("trial.ramp", pair)))
        outer = draw.function(draw("map", draw("range", 1.0, 3.0), inner))
        plan = draw.plan(draw("map", draw("range", 2.0), outer))
        run(plan, opened, options=EVERYTHING)
        yield opened


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=40) | recipes.map(msgspec.msgpack.encode))
def test_any_bytes_are_a_recipe_or_none(planned: SqliteStore, recipe: bytes) -> None:
    plan = kept(planned)[0].plan
    assert plan is not None
    recorded = Recipe(NodeKey(bytes(32)), recipe, plan)
    try:
        made = rebuild(planned, trial_registry(), recorded)
    except ImpossibleError:
        return
    assert made.plan.goals[0].node == made.ref
