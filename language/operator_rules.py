"""What operators give, by the types of their operands."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from primitives.registry import NUMBER

from .outcomes import Outcome, Types, Wrong
from .value_types import (
    ANY,
    BOOL,
    DOUBLE,
    IMAGES,
    MASK,
    MAX_EACH,
    NEVER,
    REAL_IMAGE,
    STRING,
    TRUTHS,
    Type,
    describe,
    literal,
    of_kinds,
    sequence,
    type_of,
    union,
)

_ARITHMETIC = frozenset(["addition", "subtraction", "multiplication"])
_EXTREMES = frozenset(["minimum", "maximum"])
_COMPARISONS = frozenset(
    ["num_eq", "num_neq", "num_lt", "num_leq", "num_gt", "num_geq"]
)
_LOGIC = frozenset(["logical_and", "logical_or"])
_TEXTS_TOO = frozenset(["addition", "num_eq", "num_neq"])


def binary(name: str, left: Type, right: Type) -> Outcome:
    """Return what an operator of two values gives, as the kernels define it."""
    found = _combined(name, left, right)
    if isinstance(found, Wrong):
        return found
    if found is not None:
        return found
    return Wrong(
        f"'{{name}}' cannot combine {describe(left.kinds)} with "
        f"{describe(right.kinds)}",
        hint=_operator_hint(name, left, right),
    )


def _operator_hint(name: str, left: Type, right: Type) -> str:
    kinds = left.kinds | right.kinds
    if name == "addition" and "string" in kinds and not kinds & IMAGES:
        return "concat(a, b) joins the texts of any values"
    if "string" in kinds and kinds & (IMAGES | NUMBER):
        return 'a number is written without quotes, an image is read by load("file")'
    for side in (left, right):
        if side.kinds == {"record"} and side.fields:
            return f'take one of its values, such as r["{side.fields[0][0]}"]'
    return ""


@cache
def _combined(name: str, left: Type, right: Type) -> Outcome | None:
    """Return the result, None if there is none, or what is wrong with the items."""
    if left is NEVER or right is NEVER:
        return NEVER
    found: list[Type] = []
    wrong: Wrong | None = None
    flat_left, flat_right = left.kinds - {"sequence"}, right.kinds - {"sequence"}
    scalars = _of_scalars(name, flat_left, flat_right)
    if scalars is not None:
        found.append(scalars)
    for one, other in _with_sequences(left, right):
        items = _item_wise(name, one, other)
        if isinstance(items, Wrong):
            wrong = items
        else:
            found.append(items)
    if found:
        return union(found)
    return wrong


def _with_sequences(left: Type, right: Type) -> list[tuple[Type, Type]]:
    """Return the ways in which a sequence may be one of the operands."""
    one, other = "sequence" in left.kinds, "sequence" in right.kinds
    pairs = []
    if one and other:
        pairs.append((left, right))
    if one and (rest := _without_sequence(right)) is not None:
        pairs.append((left, rest))
    if other and (rest := _without_sequence(left)) is not None:
        pairs.append((rest, right))
    return pairs


def _without_sequence(part: Type) -> Type | None:
    if "sequence" not in part.kinds:
        return part
    kinds = part.kinds - {"sequence"}
    if not kinds:
        return None
    return type_of(kinds, fields=part.fields, is_real=part.is_real)


def _item_wise(name: str, left: Type, right: Type) -> Outcome:
    lengths = [
        part.length
        for part in (left, right)
        if part.kinds >= {"sequence"} and part.length is not None
    ]
    if len(lengths) == 2 and lengths[0] != lengths[1]:
        return Wrong(
            f"'{{name}}' combines two sequences item by item, but they have "
            f"{lengths[0]} and {lengths[1]} items",
        )
    length = lengths[0] if lengths else None
    if length == 0:
        return sequence(NEVER, 0)
    if any("sequence" in part.kinds and part.items is None for part in (left, right)):
        return sequence(ANY, length)
    ones = _each(left, length)
    others = _each(right, length)
    each = []
    for one, other in zip(ones, others, strict=True):
        item = binary(name, one, other)
        if isinstance(item, Wrong):
            return item
        each.append(item)
    if length is None or len(each) != length:
        return sequence(each[0], length)
    return literal(each)


def _each(part: Type, length: int | None) -> tuple[Type, ...]:
    """Return the items of a sequence, or what stands for all of them."""
    if "sequence" not in part.kinds:
        return (part,) * _told_apart(length)
    if part.each is not None:
        return part.each
    return (part.item,) * _told_apart(length)


def _told_apart(length: int | None) -> int:
    return length if length is not None and length <= MAX_EACH else 1


def _of_scalars(name: str, left: frozenset[str], right: frozenset[str]) -> Type | None:
    """Return what the operator gives for values that are no sequences."""
    found: list[Type] = []
    one, other = left & TRUTHS, right & TRUTHS
    if one and other:
        found.append(_of_numbers(name, one, other))
    if "string" in left and "string" in right and name in _TEXTS_TOO:
        found.append(STRING if name == "addition" else BOOL)
    over = TRUTHS | IMAGES
    if (left & IMAGES and right & over) or (right & IMAGES and left & over):
        is_arithmetic = name in _ARITHMETIC | _EXTREMES or name == "division"
        found.append(REAL_IMAGE if is_arithmetic else MASK)
    return union(found) if found else None


def _of_numbers(name: str, left: frozenset[str], right: frozenset[str]) -> Type:
    if name == "division":
        return DOUBLE
    if name in _EXTREMES:
        return of_kinds(left | right)
    if name not in _ARITHMETIC:
        return BOOL
    kinds: set[str] = set()
    if "double" in left | right:
        kinds.add("double")
    if left - {"double"} and right - {"double"}:
        kinds.add("int")
    return of_kinds(frozenset(kinds))


def operator_rule(name: str) -> Callable[[Types], Outcome]:
    def rule(types: Types) -> Outcome:
        left, right = types[0], types[1]
        return binary(name, left or ANY, right or ANY)

    return rule


def negation(types: Types) -> Outcome:
    return _negated(types[0] or ANY)


@cache
def _negated(value: Type) -> Outcome:
    found: list[Type] = [NEVER] if value is NEVER else []
    if value.kinds & TRUTHS:
        found.append(BOOL)
    if value.kinds & IMAGES:
        found.append(MASK)
    if "sequence" in value.kinds:
        items = ANY if value.items is None else _negated(value.items)
        if isinstance(items, Wrong):
            return items
        found.append(sequence(items, value.length))
    if found:
        return union(found)
    return Wrong(
        "'{name}' needs a number, true or false, or an image, but this is "
        f"{describe(value.kinds)}",
        0,
    )


def region_logic(types: Types) -> Outcome:
    """Return what ``&`` and ``|`` give: a mask unless both sides are truth values."""
    one, other = (types[0] or ANY).kinds, (types[1] or ANY).kinds
    found = [MASK] if (one | other) & IMAGES else []
    if "bool" in one and "bool" in other:
        found.append(BOOL)
    return union(found)


RULES: dict[str, Callable[[Types], Outcome]] = {
    **{
        f"default.{name}": operator_rule(name)
        for name in (*_ARITHMETIC, "division", *_EXTREMES, *_COMPARISONS, *_LOGIC)
    },
    "default.logical_not": negation,
}
"""By qualified name of the primitive; they need no look at its signature."""
