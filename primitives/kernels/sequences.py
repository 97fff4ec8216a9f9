"""Kernels over sequences: making them, taking them apart, folding them."""

from __future__ import annotations

from primitives.context import Context
from primitives.errors import KernelError, KernelTypeError
from primitives.folds import FOLD_OPERATORS
from primitives.values import Value

from .operators import a_kind, binary

MAX_RANGE = 10_000_000
"""Longest range that is made at once, not item by item."""


def sequence(_context: Context, *items: Value) -> Value:
    """Return the sequence of its arguments."""
    return items


def integers(_context: Context, first: Value, stop: Value = None) -> Value:
    """Return 0 … first - 1, or first … stop - 1; empty if there are none.

    Raises:
        KernelTypeError: a bound is no integer.
        KernelError: the range is too long to be made at once.
    """
    low = 0 if stop is None else integral(first, "the start of a range")
    high = integral(first if stop is None else stop, "the end of a range")
    if high - low > MAX_RANGE:
        raise KernelError(
            f"a range of {high - low} integers is too long to be made at once; "
            "loop over it, or take a shorter one"
        )
    return tuple(range(low, high))


def index(_context: Context, items: Value, at: Value) -> Value:
    """Return one item, counted from zero, or the value of a key of a record.

    Raises:
        KernelTypeError: ``items`` cannot be indexed, or ``at`` is no index.
        KernelError: there is no such item.
    """
    if type(items) is dict:
        return _of_record(items, at)
    if type(items) not in (tuple, str):
        raise KernelTypeError(f"{a_kind(items)} has no items to take one from")
    position = _position(at)
    if not 0 <= position < len(items):
        raise KernelError(
            f"there is no item {position}: the {_word(items)} has {len(items)}, "
            "counted from 0"
        )
    return items[position]


def slice_items(
    _context: Context, items: Value, start: Value = None, stop: Value = None
) -> Value:
    """Return the items from ``start`` up to but without ``stop``.

    An omitted bound is that end; one past the end is the end.

    Raises:
        KernelTypeError: ``items`` cannot be sliced, or a bound is no integer.
        KernelError: a bound is negative.
    """
    low = 0 if start is None else integral(start, "the start of a slice")
    high = None if stop is None else integral(stop, "the end of a slice")
    if low < 0 or (high is not None and high < 0):
        raise KernelError("the bounds of a slice are counted from 0, not negative")
    return _sliceable(items)[low:high]


def subsequence(
    _context: Context, items: Value, first: Value, stop: Value = None
) -> Value:
    """Return the first ``first`` items, or those from ``first`` to before ``stop``.

    Negative bounds count as 0.

    Raises:
        KernelTypeError: ``items`` is no sequence, or a bound is no integer.
    """
    low = 0 if stop is None else integral(first, "the start of a subsequence")
    high = integral(first if stop is None else stop, "the end of a subsequence")
    return _sliceable(items)[max(low, 0) : max(high, 0)]


def length(_context: Context, items: Value) -> int:
    """Return the number of items, characters or keys.

    Raises:
        KernelTypeError: the value has none.
    """
    if type(items) not in (tuple, str, dict):
        raise KernelTypeError(f"{a_kind(items)} has no length")
    return len(items)


def argmax(_context: Context, items: Value) -> int:
    """Return the index of the greatest number, the first one if several are.

    Raises:
        KernelTypeError: an item is no number.
        KernelError: the sequence is empty or holds NaN.
    """
    if type(items) is not tuple:
        raise KernelTypeError(f"argmax takes a sequence, not {a_kind(items)}")
    if not items:
        raise KernelError("an empty sequence has no greatest item")
    for item in items:
        if type(item) not in (int, float):
            raise KernelTypeError(f"argmax compares numbers, not {a_kind(item)}")
        if item != item:
            raise KernelError("a sequence with NaN has no greatest item")
    return max(range(len(items)), key=items.__getitem__)


def fold(context: Context, symbol: Value, seed: Value, items: Value) -> Value:
    """Return ``items`` combined from the left by an operator.

    Args:
        context: of the run.
        symbol: a key of :data:`primitives.folds.FOLD_OPERATORS`.
        seed: where to start, or None for the operator's own start.
        items: a sequence.

    Raises:
        KernelTypeError: no such operator, no sequence, or no seed where one is needed.
        KernelError: the sequence is empty and has no start.
    """
    rule = FOLD_OPERATORS.get(symbol) if type(symbol) is str else None
    if rule is None:
        known = " ".join(FOLD_OPERATORS)
        raise KernelTypeError(f"fold knows the operators {known}, not {symbol}")
    if type(items) is not tuple:
        raise KernelTypeError(f"fold takes a sequence, not {a_kind(items)}")
    start = rule.seed if seed is None else seed
    if start is None and rule.starts_from_first:
        if not items:
            raise KernelError(f"an empty sequence has no {symbol}; give fold a seed")
        start, items = items[0], items[1:]
    if start is None:
        raise KernelTypeError(f"fold {symbol} needs a seed")
    name = rule.primitive.partition(".")[2]
    for item in items:
        context.check()
        start = binary(context, name, start, item)
    return start


def integral(value: Value, role: str) -> int:
    """Return an integer, or a double without a fraction, as an integer.

    Raises:
        KernelTypeError: the value is neither.
    """
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    shown = value if type(value) is float else a_kind(value)
    raise KernelTypeError(f"{role} must be an integer, not {shown}")


def _position(at: Value) -> int:
    if type(at) is str and at.isascii() and at.isdigit():
        return int(at)
    return integral(at, "an index")


def _of_record(record: dict[str, Value], key: Value) -> Value:
    if type(key) is not str:
        raise KernelTypeError(f"the key of a record is a string, not {a_kind(key)}")
    if key not in record:
        keys = ", ".join(sorted(record)) or "no keys"
        raise KernelError(f"the record has no '{key}'; it has {keys}")
    return record[key]


def _sliceable(items: Value) -> Value:
    if type(items) not in (tuple, str):
        raise KernelTypeError(f"{a_kind(items)} has no items to take some from")
    return items


def _word(items: Value) -> str:
    return "string" if type(items) is str else "sequence"
