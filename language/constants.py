"""What the values of constants tell of an application, and forbid.

What is here repeats what kernels check when they run, so that a program learns of it
before it runs; ``tests/language/test_constants.py`` holds the two together.
"""

from __future__ import annotations

import difflib
import math
import string
from collections.abc import Callable
from typing import TypeAlias

from primitives.folds import FOLD_OPERATORS
from primitives.formats.suffixes import (
    DATA_SUFFIXES,
    IMAGE_SUFFIXES,
    TEXT_SUFFIXES,
    normalized_suffix,
)
from primitives.registry import KINDS, Primitive
from primitives.values import Value

from .outcomes import Outcome, Types, Wrong
from .sequence_rules import fold, index_result, part_of
from .value_types import (
    ANY,
    IMAGE,
    IMAGES,
    INT,
    NEVER,
    STRING,
    TRUTHS,
    Type,
    describe,
    of_kinds,
    sequence,
)


class Unknown:
    """Stands for the value of what is no constant."""


UNKNOWN = Unknown()
Values: TypeAlias = tuple[Value | Unknown, ...]
"""Values of the arguments: None where one is omitted, tuples of array literals."""

Rule: TypeAlias = Callable[[Types, Values], Outcome | None]

NUMBERS = (int, float)


def outcome(primitive: Primitive, types: Types, values: Values) -> Outcome | None:
    """Return what the constants among the arguments make of an application.

    Returns:
        What is wrong, or a type that is narrower than what the kinds alone say; None
        if there is nothing more to say.
    """
    rule = RULES.get(primitive.name)
    return None if rule is None else rule(types, values)


def is_number(value: object) -> bool:
    """Return whether a value is a number; truth values are none."""
    return type(value) in NUMBERS


def shown(value: object) -> str:
    """Return a constant as it would be written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, str):
        return f'"{value}"'
    return str(value)


def _is_whole(value: Value) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _not_whole(values: Values, at: int, what: str) -> Wrong | None:
    """Return what is wrong with a constant that must be a whole number."""
    value = values[at] if at < len(values) else None
    if not is_number(value) or _is_whole(value):
        return None
    return Wrong(f"{what} is a whole number, not {shown(value)}", at, code="range")


# Arithmetic


def _division(types: Types, values: Values) -> Outcome | None:
    left, divisor = types[0] or ANY, values[1]
    if type(divisor) not in (int, float, bool) or divisor != 0:
        return None
    return _zero_divisor(left)


def _zero_divisor(left: Type) -> Wrong | None:
    item = left
    while item.kinds == {"sequence"} and item.items is not None:
        if item.length == 0:
            return None
        item = item.items
    if item is NEVER or not item.kinds <= TRUTHS:
        return None
    return Wrong("division by zero", 1, code="division-by-zero")


def _reciprocal(types: Types, values: Values) -> Outcome | None:
    if is_number(values[1]) and values[1] == 0:
        return Wrong("division by zero", 1, code="division-by-zero")
    return None


def _fold(types: Types, values: Values) -> Outcome | None:
    seed = types[1] if len(types) > 1 else None
    items = types[2] if len(types) > 2 else None
    if items is None or values[0] not in FOLD_OPERATORS:
        return None
    found = fold(str(values[0]), seed, items)
    parts = values[2]
    if values[0] == "/" and isinstance(parts, tuple) and not isinstance(found, Wrong):
        start = seed or ANY
        if start.kinds <= TRUTHS and any(
            type(part) in (int, float, bool) and part == 0 for part in parts
        ):
            return Wrong("division by zero", 2, code="division-by-zero")
    return found


def _between(types: Types, values: Values) -> Outcome | None:
    low, high = values[0], values[1]
    if isinstance(low, NUMBERS) and isinstance(high, NUMBERS) and low > high:
        return Wrong(
            f"the lower bound {shown(low)} is greater than the upper bound "
            f"{shown(high)}",
            0,
            "give the lower one first",
            "range",
        )
    return None


# Sequences


def _range(types: Types, values: Values) -> Outcome | None:
    for at, what in enumerate(("the start of a range", "the end of a range")):
        single = len(values) == 1 or values[1] is None
        wrong = _not_whole(values, at, "the end of a range" if single else what)
        if wrong is not None:
            return wrong
    bounds = [value for value in values if value is not None]
    if not all(is_number(bound) for bound in bounds):
        return None
    low, high = (0, *(int(bound) for bound in bounds if isinstance(bound, NUMBERS)))[
        -2:
    ]
    length = max(high - low, 0)
    return sequence(INT if length else NEVER, length)


def _index(types: Types, values: Values) -> Outcome | None:
    items, at = types[0] or ANY, values[1]
    if isinstance(at, str):
        return _by_name(items, at)
    if not isinstance(at, NUMBERS) or "record" in items.kinds:
        return None
    wrong = _not_whole(values, 1, "the number of an item")
    if wrong is not None:
        return wrong
    position = int(at)
    length = items.length if items.kinds == {"sequence"} else None
    if isinstance(values[0], str):
        length = len(values[0])
    if position < 0:
        return Wrong(
            f"there is no item {position}: items are counted from 0",
            1,
            "the last item is s[length(s) - 1]",
            "range",
        )
    if length is not None and position >= length:
        return Wrong(_no_such_item(position, length), 1, code="range")
    if items.kinds == {"sequence"} and length is not None:
        return items.at(position)
    return None


def _no_such_item(position: int, length: int) -> str:
    if not length:
        return f"there is no item {position}: there are none"
    return (
        f"there is no item {position}: there are {length}, counted from 0"
        if length > 1
        else f"there is no item {position}: there is one, counted from 0"
    )


def _by_name(items: Type, name: str) -> Outcome | None:
    if items.kinds == {"record"}:
        if items.fields is None:
            return None
        fields = dict(items.fields)
        if name in fields:
            return fields[name]
        near = difflib.get_close_matches(name, fields, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(fields)}"
        return Wrong(f"the record has no '{name}'", 1, hint, "unknown-key")
    if items.kinds <= {"sequence", "string"} and not _is_digits(name):
        return Wrong(f"items are counted by whole numbers, not by {shown(name)}", 1)
    return index_result(items) if items.kinds <= {"sequence", "string"} else None


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _slice(types: Types, values: Values) -> Outcome | None:
    for at, what in ((1, "the start of a slice"), (2, "the end of a slice")):
        wrong = _not_whole(values, at, what)
        if wrong is not None:
            return wrong
        value = values[at] if at < len(values) else None
        if isinstance(value, NUMBERS) and value < 0:
            return Wrong(
                f"{what} is counted from 0, and cannot be {shown(value)}",
                at,
                f"to count from the end, write length(s) - {shown(-value)}",
                "range",
            )
    return _cut(types[0] or ANY, values[1:])


def _subsequence(types: Types, values: Values) -> Outcome | None:
    for at in (1, 2):
        wrong = _not_whole(values, at, "a bound of a subsequence")
        if wrong is not None:
            return wrong
    bounds = values[1:]
    if len(bounds) == 1 or bounds[1] is None:
        bounds = (0, bounds[0])
    clamped = [max(b, 0) if isinstance(b, NUMBERS) else b for b in bounds]
    return _cut(types[0] or ANY, tuple(clamped))


def _cut(items: Type, bounds: Values) -> Type:
    known = all(bound is None or is_number(bound) for bound in bounds)
    if items.kinds != {"sequence"} or items.length is None or not known:
        return part_of(items)
    low, high = (*bounds, None, None)[:2]
    start = int(low) if isinstance(low, NUMBERS) else 0
    stop = int(high) if isinstance(high, NUMBERS) else items.length
    return part_of(items, len(range(items.length)[start:stop]))


# Texts and files


def _load(types: Types, values: Values) -> Outcome | None:
    path = values[0]
    if not isinstance(path, str):
        return None
    suffix = normalized_suffix(path)
    if suffix in IMAGE_SUFFIXES:
        return IMAGE
    if suffix in TEXT_SUFFIXES:
        return sequence(STRING)
    return _DATA if suffix in DATA_SUFFIXES else None


_DATA = of_kinds(KINDS - IMAGES - {"bytes"})
"""What a JSON file may hold."""


_INTEGER_CODES = frozenset("bcdoxXn")
_MAX_CODE = 8
"""Longer format codes are left to the run: they may ask for very wide fields."""


def _template(types: Types, values: Values) -> Outcome | None:
    """Check the fields of a template against the arguments after it."""
    template = values[0]
    if not isinstance(template, str):
        return None
    try:
        fields = [part[1:3] for part in string.Formatter().parse(template)]
    except ValueError:
        message = "the braces of the template do not match"
        hint = "write {{ or }} for a brace that shall stand in the text"
        return Wrong(message, 0, hint, "template")
    following = 0
    for name, code in fields:
        if name is None:
            continue
        if name and not _is_digits(name):
            message = f"the template asks for '{name}'"
            hint = "a field is {} or the number of an argument, such as {0}"
            return Wrong(message, 0, hint, "template")
        position = int(name) if name else following
        following += not name
        if position >= len(types) - 1:
            return Wrong(
                _no_such_argument(position, len(types) - 1), 0, code="template"
            )
        wrong = _misfit(code or "", types[position + 1], values[position + 1])
        if wrong:
            return Wrong(wrong, position + 1, code="template")
    return None


def _no_such_argument(position: int, count: int) -> str:
    given = "1 is given" if count == 1 else f"{count} are given"
    return f"the template asks for argument {position}, counted from 0, but {given}"


def _misfit(code: str, found: Type | None, value: Value | Unknown) -> str:
    """Return why a format code does not suit an argument, or nothing."""
    if not code or len(code) > _MAX_CODE or found is None or "{" in code:
        return ""
    example = _example(code, found, value)
    if example is None:
        return ""
    try:
        format(example, code)
    except (ValueError, TypeError, OverflowError):
        what = describe(found.kinds) if isinstance(value, Unknown) else shown(value)
        return f"the field {{:{code}}} of the template does not suit {what}"
    return ""


def _example(code: str, found: Type, value: Value | Unknown) -> Value | None:
    """Return a value that stands for all that an argument may be, or None."""
    if found.kinds == {"double"}:
        if code[-1] not in _INTEGER_CODES:
            return 1.5
        whole = isinstance(value, Unknown) or _is_whole(value)
        return 1 if whole else value
    if found.kinds == {"int"}:
        return 1
    texts = frozenset({"string", "bool", "null", "sequence", "record"})
    return "text" if found.kinds and found.kinds <= texts else None


# Ranges


def _ranges(*limits: tuple[int, str, Callable[[float], bool]]) -> Rule:
    def rule(_: Types, values: Values) -> Outcome | None:
        for at, what, is_good in limits:
            value = values[at] if at < len(values) else None
            if isinstance(value, NUMBERS) and not is_good(value):
                return Wrong(f"{what}, not {shown(value)}", at, code="range")
        return None

    return rule


def _from(least: int) -> Callable[[float], bool]:
    return lambda value: _is_whole(value) and value >= least


def _cross_correlation(types: Types, values: Values) -> Outcome | None:
    low, high = values[4], values[5]
    if isinstance(low, NUMBERS) and isinstance(high, NUMBERS) and not low <= high:
        return Wrong(
            f"the range from {shown(low)} to {shown(high)} is empty",
            4,
            "give the lower bound first",
            "range",
        )
    return _TEXTURE(types, values)


_TEXTURE = _ranges(
    (0, "the radius is a number of mm", lambda value: 0 <= value < math.inf),
    (6, "the number of bins is a whole number from 1", _from(1)),
)

RULES: dict[str, Rule] = {
    "default.division": _division,
    "default.fold": _fold,
    "default.index": _index,
    "default.load": _load,
    "default.range": _range,
    "default.slice": _slice,
    "default.subsequence": _subsequence,
    "strings.format_string": _template,
    "vox1.between": _between,
    "vox1.crossCorrelation": _cross_correlation,
    "vox1.div_vs": _reciprocal,
    "vox1.otsu": _ranges(
        (2, "the number of bins is a whole number from 2", _from(2)),
    ),
}
"""By qualified name; filters of SimpleITK are in :mod:`language.filters`."""
