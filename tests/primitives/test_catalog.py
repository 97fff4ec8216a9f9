"""The catalogue of primitives: complete, loadable, described."""

from __future__ import annotations

import inspect

import pytest

from primitives import FOLD_OPERATORS, Primitive, standard_registry
from primitives.refused import REFUSED, refusal
from primitives.registry import Determinism

REGISTRY = standard_registry()
LIGHT = ("arrays", "default", "geom", "nnunet", "strings", "test")
PRIMITIVES = {
    primitive.name: primitive
    for namespace in LIGHT
    for primitive in REGISTRY.table(namespace).values()
}


@pytest.mark.parametrize("primitive", PRIMITIVES.values(), ids=PRIMITIVES)
def test_a_primitive_is_found_by_its_own_name_and_described(
    primitive: Primitive,
) -> None:
    assert REGISTRY.get(primitive.name) is primitive
    assert primitive.summary.endswith(".")
    assert primitive.result_kinds


@pytest.mark.parametrize(
    "primitive",
    [primitive for primitive in PRIMITIVES.values() if primitive.kernel],
    ids=lambda primitive: primitive.name,
)
def test_a_kernel_takes_the_arguments_of_its_signature(primitive: Primitive) -> None:
    module, _, name = primitive.kernel.partition(":")
    kernel = getattr(__import__(module, fromlist=[name]), name)
    formals = list(inspect.signature(kernel).parameters.values())
    formals = formals[1 + len(primitive.bound) :]
    assert len(formals) == len(primitive.parameters)
    for formal, parameter in zip(formals, primitive.parameters, strict=True):
        assert (formal.kind is inspect.Parameter.VAR_POSITIONAL) == parameter.variadic


def test_only_what_looks_at_the_machine_is_volatile() -> None:
    volatile = [
        primitive.name
        for primitive in PRIMITIVES.values()
        if primitive.determinism is Determinism.VOLATILE
    ]
    assert volatile == ["default.dir", "nnunet.env_check", "test.impure"]


def test_every_fold_operator_is_a_primitive() -> None:
    for rule in FOLD_OPERATORS.values():
        assert len(REGISTRY.get(rule.primitive).parameters) == 2


def test_what_is_refused_is_no_primitive_and_has_a_reason() -> None:
    for name, reason in REFUSED.items():
        assert REGISTRY.find(name) is None
        assert refusal(name) == refusal(name.partition(".")[2]) == reason
    assert "whole process" in refusal("ProcessObject_GetGlobalDefaultDebug")
    assert refusal("near") == ""
