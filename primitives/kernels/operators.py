"""Operators on values of any kind: numbers, strings, images, and sequences of them.

Scalars are done here, without numpy; images go to ``arithmetic``, ``comparison`` and
``logic``; sequences are taken item by item, a single value being repeated.
"""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable

from primitives.context import Context
from primitives.errors import KernelError, KernelTypeError
from primitives.values import Image, Mask, Value, kind_of

INT_MIN, INT_MAX = -(2**63), 2**63 - 1

Scalar = Callable[[Value, Value], Value]


def binary(context: Context, name: str, left: Value, right: Value) -> Value:
    """Return ``left`` and ``right`` combined by the operator ``name``.

    Args:
        context: of the run.
        name: a key of :data:`SCALAR`.
        left: a number, bool, string, image or mask, or a sequence of them.
        right: the same; two sequences must have the same length.

    Raises:
        KernelTypeError: the operator is not defined for values of these kinds.
        KernelError: lengths differ, a scalar is divided by zero, or an integer
            overflows.
    """
    if type(left) is tuple or type(right) is tuple:
        return _item_wise(context, name, left, right)
    if isinstance(left, Image | Mask) or isinstance(right, Image | Mask):
        module = importlib.import_module(f"primitives.kernels.{_VOXEL_MODULE[name]}")
        result: Value = module.binary(context, name, left, right)
        return result
    return SCALAR[name](left, right)


def logical_not(context: Context, value: Value) -> Value:
    """Return false for what is true and true for what is false; voxel-wise on images.

    Raises:
        KernelTypeError: the value is no bool, number, image, mask or sequence.
    """
    if type(value) is tuple:
        return tuple([logical_not(context, item) for item in value])
    if isinstance(value, Image | Mask):
        from .logic import complement

        return complement(value)
    return not truth(value)


def truth(value: Value, role: str = "the argument") -> bool:
    """Return whether a bool or number is true; numbers are unless they are zero.

    Raises:
        KernelTypeError: the value is of another kind.
    """
    if type(value) in (bool, int, float):
        return bool(value)
    raise KernelTypeError(
        f"{role} must be a bool or a number, not {a_kind(value)}; "
        "compare it with something, for instance by =="
    )


def a_kind(value: Value) -> str:
    """Return the kind of ``value`` with its article, for messages."""
    kind = kind_of(value)
    return f"an {kind}" if kind in ("int", "image") else f"a {kind}"


def _item_wise(context: Context, name: str, left: Value, right: Value) -> Value:
    if type(left) is tuple and type(right) is tuple:
        if len(left) != len(right):
            raise KernelError(
                f"the sequences have {len(left)} and {len(right)} items; "
                "item by item, they must have the same number"
            )
        pairs = zip(left, right, strict=True)
        return tuple([binary(context, name, one, other) for one, other in pairs])
    if type(left) is tuple:
        return tuple([binary(context, name, item, right) for item in left])
    return tuple([binary(context, name, left, item) for item in right])


def _checked(value: Value) -> Value:
    if type(value) is int and not INT_MIN <= value <= INT_MAX:
        raise KernelError(
            f"the integer {value} does not fit in 64 bits; "
            "write one of the numbers as a double"
        )
    return value


def _arithmetic(symbol: str, compute: Scalar) -> Scalar:
    def apply(left: Value, right: Value) -> Value:
        _require_numbers(symbol, left, right)
        return _checked(compute(left, right))

    return apply


def _add(left: Value, right: Value) -> Value:
    if type(left) is str and type(right) is str:
        return left + right
    _require_numbers("+", left, right)
    return _checked(left + right)


def _divide(left: Value, right: Value) -> float:
    _require_numbers("/", left, right)
    if right == 0:
        raise KernelError("division by zero")
    quotient: float = left / right
    return quotient


def _extreme(symbol: str, is_better: Callable[[Value, Value], bool]) -> Scalar:
    def apply(left: Value, right: Value) -> Value:
        _require_numbers(symbol, left, right)
        # A NaN on either side gives NaN, so the order of a fold does not matter.
        if right != right or is_better(right, left):
            return right
        return left

    return apply


def _equality(symbol: str, compute: Scalar) -> Scalar:
    def apply(left: Value, right: Value) -> Value:
        if not (type(left) is str and type(right) is str):
            _require_numbers(symbol, left, right)
        return compute(left, right)

    return apply


def _ordering(symbol: str, compute: Scalar) -> Scalar:
    def apply(left: Value, right: Value) -> Value:
        _require_numbers(symbol, left, right)
        return compute(left, right)

    return apply


def _require_numbers(symbol: str, left: Value, right: Value) -> None:
    """Check both sides; a bool counts as 0 or 1, as a mask does voxel by voxel."""
    for value in (left, right):
        if type(value) not in (float, int, bool):
            raise KernelTypeError(
                f"{symbol} is not defined for {a_kind(left)} and {a_kind(right)}"
            )


SCALAR: dict[str, Scalar] = {
    "addition": _add,
    "subtraction": _arithmetic("-", operator.sub),
    "multiplication": _arithmetic("*", operator.mul),
    "division": _divide,
    "minimum": _extreme("minimum", operator.lt),
    "maximum": _extreme("maximum", operator.gt),
    "num_eq": _equality("==", operator.eq),
    "num_neq": _equality("!=", operator.ne),
    "num_lt": _ordering("<", operator.lt),
    "num_leq": _ordering("<=", operator.le),
    "num_gt": _ordering(">", operator.gt),
    "num_geq": _ordering(">=", operator.ge),
    "logical_and": lambda left, right: truth(left) and truth(right),
    "logical_or": lambda left, right: truth(left) or truth(right),
}
"""What each operator does to two scalars."""

_VOXEL_MODULE = {
    **dict.fromkeys(
        (
            "addition",
            "subtraction",
            "multiplication",
            "division",
            "minimum",
            "maximum",
        ),
        "arithmetic",
    ),
    **dict.fromkeys(
        ("num_eq", "num_neq", "num_lt", "num_leq", "num_gt", "num_geq"), "comparison"
    ),
    **dict.fromkeys(("logical_and", "logical_or"), "logic"),
}
