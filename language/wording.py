"""Where an application is wrong, and how to say it in the words of the program.

A mistake inside a bundled definition, such as ``b & c``, is told of the operand that
the program gave, as far as that operand is passed on as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from primitives.registry import Parameter, Primitive

from .arguments import arrange
from .code import Definition
from .outcomes import Wrong
from .syntax import Actual, Call, Expression, Name


class Culprit(NamedTuple):
    """What is to blame for a mistake.

    Attributes:
        call: the call that is wrong.
        argument: the argument of it that is, or None if the call itself is.
        role: what the argument is for, in words.
    """

    call: Call
    argument: Expression | None
    role: str


def culprit(wrong: Wrong, primitive: Primitive, call: Call) -> Culprit:
    """Return which part of a call is wrong."""
    if wrong.at < 0:
        return Culprit(call, None, "")
    formals = _formals(primitive, call)
    formal = primitive.parameters[min(wrong.at, len(primitive.parameters) - 1)]
    index = formals.index(formal) + wrong.at - primitive.parameters.index(formal)
    return _at(call, formals, index)


def lifted(blamed: Culprit, call: Call, definition: Definition) -> Culprit | None:
    """Return what is to blame in the call of the function that a culprit stands in.

    Args:
        blamed: in the body of the function.
        call: of the function.
        definition: the function.

    Returns:
        None if the value is made in the function itself.
    """
    formals = definition.formals
    if blamed.argument is None:
        values = [_value(argument) for argument in blamed.call.args]
        names = [value.text for value in values if isinstance(value, Name)]
        if len(names) < len(values) or not set(names) <= set(formals):
            return None
        return Culprit(call, None, "")
    argument = blamed.argument
    if not isinstance(argument, Name) or argument.text not in formals:
        return None
    parameters = tuple(Parameter(name, frozenset(), "any") for name in formals)
    return _at(call, parameters, formals.index(argument.text))


def _formals(primitive: Primitive, call: Call) -> tuple[Parameter, ...]:
    """Return the parameters in the order of a call.

    A base image is given by name, and stands last, or is implied.
    """
    formals = primitive.parameters
    for order in (formals, formals[1:]):
        if isinstance(arrange(call, order), tuple):
            return order
    return formals[1:] + formals[:1]


def _at(call: Call, formals: tuple[Parameter, ...], index: int) -> Culprit:
    formal = formals[min(index, len(formals) - 1)]
    return Culprit(
        call, _argument(call, formals, index), _role(call, formals, formal, index)
    )


def _argument(
    call: Call, formals: tuple[Parameter, ...], index: int
) -> Expression | None:
    layout = arrange(call, formals)
    if not isinstance(layout, tuple) or index >= len(layout):
        return None
    at = layout[index]
    return None if at is None else _value(call.args[at])


def _role(
    call: Call, formals: Iterable[Parameter], formal: Parameter, index: int
) -> str:
    if not _is_operator(call.name) or index > 1:
        return f"for '{formal.name}'"
    if len(call.args) == 1:
        return "after it"
    return "on its right" if index else "on its left"


def _is_operator(name: str) -> bool:
    return not (name[0].isalnum() or name[0] in "_$")


def _value(argument: Expression | Actual) -> Expression:
    return argument.value if isinstance(argument, Actual) else argument
