"""What sequences, loops and folds give, by the types of their parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from primitives.folds import FOLD_OPERATORS
from primitives.registry import KINDS

from .operator_rules import binary
from .outcomes import Outcome, Types, Wrong
from .value_types import (
    ANY,
    BOOL,
    IMAGES,
    INT,
    NEVER,
    STRING,
    TRUTHS,
    Type,
    describe,
    join,
    literal,
    sequence,
    union,
)


def _array(types: Types) -> Outcome:
    return literal(part or ANY for part in types)


def _range(types: Types) -> Outcome:
    return sequence(INT)


def index_result(items: Type) -> Type:
    """Return what an item of a sequence, text or record is."""
    found: list[Type] = []
    if "sequence" in items.kinds:
        found.append(items.item)
    if "string" in items.kinds:
        found.append(STRING)
    if "record" in items.kinds:
        fields = items.fields
        found.append(ANY if fields is None else union(part for _, part in fields))
    return union(found)


def _index(types: Types) -> Outcome:
    items, at = types[0] or ANY, types[1] or ANY
    if items.kinds == {"record"} and "string" not in at.kinds:
        example = items.fields[0][0] if items.fields else "name"
        return Wrong(
            f"the values of a record have names, but this is {describe(at.kinds)}",
            1,
            f'write the name in double quotes, such as r["{example}"]',
        )
    if items.kinds == {"sequence"} and items.length == 0:
        return Wrong("an empty sequence has no items", 0)
    return index_result(items)


def part_of(items: Type, length: int | None = None) -> Type:
    """Return what some of the items of a sequence or text are."""
    found: list[Type] = []
    if "sequence" in items.kinds:
        found.append(sequence(items.item, length))
    if "string" in items.kinds:
        found.append(STRING)
    return union(found)


def _slice(types: Types) -> Outcome:
    return part_of(types[0] or ANY)


def _map(types: Types) -> Outcome:
    items, body = types[0] or ANY, types[1] or ANY
    return sequence(body.item, items.length)


def _filter(types: Types) -> Outcome:
    items, body = types[0] or ANY, types[1] or ANY
    condition = body.item
    if condition is not NEVER and not condition.kinds & TRUTHS and items.length != 0:
        return Wrong(
            "the condition of a filter is true or false, but this is "
            f"{describe(condition.kinds)}",
            1,
            "compare it with something, for instance by =="
            if not condition.kinds & IMAGES
            else "a condition on an image is, for instance, volume(mask) > 0",
        )
    return sequence(items.item)


def fold(symbol: str, seed: Type | None, items: Type) -> Outcome:
    """Return what a fold gives.

    Args:
        symbol: the operator, one that fold knows.
        seed: where the program lets it start, or None.
        items: the sequence.
    """
    rule = FOLD_OPERATORS[symbol]
    if "sequence" not in items.kinds:
        return ANY
    if seed is None and rule.starts_from_first:
        return _fold_from_first(symbol, items)
    start = seed
    if start is None:
        start = BOOL if isinstance(rule.seed, bool) else INT
    if items.length == 0:
        return start
    if items.each is not None and items.kinds == {"sequence"}:
        return _fold_each(symbol, start, items.each)
    return _fold_on(symbol, start, items, keeps_start=items.length is None)


def _fold_from_first(symbol: str, items: Type) -> Outcome:
    if items.length == 0 and items.kinds == {"sequence"}:
        return Wrong(
            f"an empty sequence has no {symbol}",
            2,
            f"write fold {symbol} seed sequence",
        )
    if items.length == 1:
        return items.item
    if items.each is not None and items.kinds == {"sequence"}:
        return _fold_each(symbol, items.each[0], items.each[1:])
    found = _fold_on(symbol, items.item, items, keeps_start=True)
    if isinstance(found, Wrong) and items.length is None:
        return items.item  # of a single item nothing is combined
    return found


def _fold_each(symbol: str, start: Type, each: tuple[Type, ...]) -> Outcome:
    """Return what items give that are known one by one."""
    name = FOLD_OPERATORS[symbol].primitive.partition(".")[2]
    found = start
    for item in each:
        more = binary(name, found, item)
        if isinstance(more, Wrong):
            message = more.message.replace("'{name}'", f"'fold {symbol}'")
            return replace(more, message=message, at=2)
        found = more
    return found


def _fold_on(symbol: str, start: Type, items: Type, keeps_start: bool) -> Outcome:
    name = FOLD_OPERATORS[symbol].primitive.partition(".")[2]
    first = binary(name, start, items.item)
    if isinstance(first, Wrong):
        if items.kinds != {"sequence"}:
            return ANY
        return Wrong(
            f"'fold {symbol}' cannot combine {describe(start.kinds)} with an item "
            f"that is {describe(items.item.kinds)}",
            2,
            first.hint,
        )
    found = first
    for _ in range(len(KINDS)):
        more = binary(name, found, items.item)
        if isinstance(more, Wrong) or join(found, more) is found:
            break
        found = join(found, more)
    return join(start, found) if keeps_start else found


RULES: dict[str, Callable[[Types], Outcome]] = {
    "default.sequence": _array,
    "default.range": _range,
    "default.index": _index,
    "default.slice": _slice,
    "default.subsequence": _slice,
    "default.map": _map,
    "default.filter": _filter,
}
"""By qualified name of the primitive."""
