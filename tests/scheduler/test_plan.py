"""Hash-consing, functions and their instances."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from scheduler.plan import Fn, Plan, PlanBuilder, Scalar

from .sketch import Sketch


def test_equal_nodes_are_one_node() -> None:
    draw = Sketch()
    assert draw("+", 1.0, 2.0).ref == draw("+", 1.0, 2.0).ref


def test_constants_of_different_kinds_are_different_nodes() -> None:
    builder = PlanBuilder()
    kinds: list[Scalar] = [1, 1.0, True, "1", None, 0.0, -0.0]
    assert len({builder.const(value) for value in kinds}) == len(kinds)


def test_not_a_number_is_one_constant() -> None:
    builder = PlanBuilder()
    assert builder.const(float("nan")) == builder.const(-float("nan"))


def test_trailing_omitted_arguments_do_not_count() -> None:
    builder = PlanBuilder()
    one = builder.const(1.0)
    assert builder.app("f", [one, None]) == builder.app("f", [one])
    assert builder.app("f", [None, one]) != builder.app("f", [one])


def test_an_instance_is_the_written_out_expression() -> None:
    draw = Sketch()
    body = draw("+", draw("*", draw.variable(), 2.0), 1.0)
    function = draw.function(body)
    instance = draw.builder.instantiate(function.ref, draw.node(5.0))
    assert instance == draw("+", draw("*", 5.0, 2.0), 1.0).ref


def test_an_instance_of_a_nested_function_captures_the_outer_variable() -> None:
    draw = Sketch()
    inner = draw.function(draw("+", draw.variable(0), draw.variable(1)))
    outer = draw.function(draw("map", draw("range", draw.variable(0)), inner))
    instance = draw.builder.instantiate(outer.ref, draw.node(3.0))
    written = draw(
        "map", draw("range", 3.0), draw.function(draw("+", draw.variable(0), 3.0))
    )
    assert instance == written.ref


def test_a_body_without_its_variable_is_its_own_instance() -> None:
    draw = Sketch()
    constant = draw("+", 1.0, 2.0)
    function = draw.function(constant)
    assert draw.builder.instantiate(function.ref, draw.node(9.0)) == constant.ref


def test_a_plan_survives_its_encoding() -> None:
    draw = Sketch()
    loop = draw("map", draw("range", 3.0), draw.function(draw("+", draw.variable(), 1)))
    plan = draw.plan(loop, draw("+", "a", "b"))
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(plan), type=Plan)
    assert again == plan
    assert PlanBuilder(again).nodes == plan.nodes


@given(st.lists(st.integers(0, 3), max_size=6), st.floats(allow_nan=False))
def test_substitution_leaves_no_variable(path: list[int], argument: float) -> None:
    draw = Sketch()
    body = draw.variable()
    depth = 0
    for step in path:
        match step:
            case 0:
                body = draw("+", body, 1.0)
            case 1:
                body = draw("*", body, body)
            case 2:
                depth += 1
                body = draw("map", draw("range", 2.0), draw.function(body))
            case _:
                body = draw("sequence", body, draw.variable(depth))
    if draw.builder.free[body.ref] > 1:
        return
    function = draw.function(body)
    instance = draw.builder.instantiate(function.ref, draw.node(argument))
    assert draw.builder.free[instance] == 0
    assert not isinstance(draw.builder.nodes[instance], Fn)
