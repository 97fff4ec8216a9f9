"""Every kept result says how its node is made again."""

from __future__ import annotations

from scheduler.graph import Graph
from scheduler.recipes import find_node, plan_of
from store import SqliteStore

from .sketch import Sketch, run, trial_registry
from .test_keys import NoFiles
from .test_sequences import EVERYTHING


def test_a_kept_node_is_found_again_in_its_plan(store: SqliteStore) -> None:
    draw = Sketch()
    run(draw.plan(draw("trial.total", draw("trial.ramp", 3.0))), store)
    check_recipes(store, at_least=1)


def test_an_element_of_nested_loops_is_made_again(store: SqliteStore) -> None:
    draw = Sketch()
    pair = draw("+", draw.variable(0), draw.variable(1))
    inner = draw.function(draw("trial.total", draw("trial.ramp", pair)))
    outer = draw.function(draw("map", draw("range", 1.0, 3.0), inner))
    run(draw.plan(draw("map", draw("range", 2.0), outer)), store, options=EVERYTHING)
    check_recipes(store, at_least=4)


def check_recipes(store: SqliteStore, at_least: int) -> None:
    # Scalars packed with thousands of others have none: they cost nothing to compute.
    results = [result for result in store.results() if result.recipe]
    assert len(results) >= at_least
    for result in results:
        plan = plan_of(result.recipe, store)
        assert plan is not None
        graph = Graph(plan, trial_registry(), NoFiles())
        assert find_node(graph, result.recipe, result.key) is not None
