"""Sequences of one kind of number, as SimpleITK's vector arguments want them."""

from __future__ import annotations

from primitives.context import Context
from primitives.errors import KernelError, KernelTypeError
from primitives.values import Value

from .operators import a_kind
from .sequences import integral

_UINT32_MAX = 2**32 - 1


def vector_uint32(_context: Context, items: Value) -> Value:
    """Return the items as integers from 0 to 2³² - 1.

    Raises:
        KernelTypeError: an item is no integer.
        KernelError: an item is out of range.
    """
    numbers = tuple([integral(item, "an item") for item in _items(items)])
    for number in numbers:
        if not 0 <= number <= _UINT32_MAX:
            raise KernelError(f"{number} is no unsigned integer of 32 bits")
    return numbers


def vector_double(_context: Context, items: Value) -> Value:
    """Return the items as doubles.

    Raises:
        KernelTypeError: an item is no number.
    """
    for item in _items(items):
        if type(item) not in (int, float):
            raise KernelTypeError(f"an item is a number, not {a_kind(item)}")
    return tuple(map(float, items))


def _items(items: Value) -> Value:
    if type(items) is not tuple:
        raise KernelTypeError(f"a sequence is needed, not {a_kind(items)}")
    return items
