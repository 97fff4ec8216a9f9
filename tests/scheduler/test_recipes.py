"""Every kept result says how its node is made again."""

from __future__ import annotations

import msgspec

from scheduler.graph import Graph
from scheduler.plan import Plan, Ref
from store import Digest, NodeKey, SqliteStore

from .sketch import Sketch, run, trial_registry
from .test_keys import NoFiles
from .test_sequences import EVERYTHING

Steps = list[tuple[bytes, list[object]]]
RECIPE = msgspec.msgpack.Decoder(tuple[bytes, Steps])
PLAN = msgspec.msgpack.Decoder(Plan)


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
        digest, steps = RECIPE.decode(result.recipe)
        plan = PLAN.decode(store.open(Digest(digest)).view())
        graph = Graph(plan, trial_registry(), NoFiles())
        assert make_again(graph, steps, result.key) is not None


def make_again(graph: Graph, steps: Steps, key: NodeKey) -> Ref | None:
    """Follow a recipe as its documentation says; return the node with ``key``."""
    for function_key, item in steps:
        function = by_key(graph, NodeKey(function_key))
        argument = make_item(graph, item)
        if function is None or argument is None:
            return None
        graph.instantiate(function, argument)
    return by_key(graph, key)


def make_item(graph: Graph, item: list[object]) -> Ref | None:
    match item:
        case ["const", value]:
            return graph.const(value)
        case ["node", bytes(key)]:
            return by_key(graph, NodeKey(key))
        case _:
            return None


def by_key(graph: Graph, key: NodeKey) -> Ref | None:
    return graph.keys.index(key) if key in graph.keys else None
