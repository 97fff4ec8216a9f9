"""Kernels over strings."""

from __future__ import annotations

import string
from collections.abc import Iterator

from primitives.context import Context
from primitives.errors import KernelError, KernelTypeError
from primitives.text import format_value
from primitives.values import Value

from .operators import a_kind

_PRINTABLE = frozenset({str, int, float, bool, tuple, dict, type(None)})
_INTEGER_CODES = frozenset("bcdoxXn")


def concat(_context: Context, *values: Value) -> str:
    """Return the texts of the arguments, as ``print`` shows them, joined.

    Raises:
        KernelTypeError: an argument is an image, a mask or bytes.
    """
    return "".join([_printed(value) for value in values])


def format_string(_context: Context, template: str, *values: Value) -> str:
    """Return ``template`` with its ``{}`` replaced by the arguments in order.

    The fields are those of Python's ``str.format`` with positions only:
    ``{}``, ``{1}``, ``{:03d}``.  A double without a fraction serves where an integer
    is asked for; attributes and items cannot be reached.

    Raises:
        KernelError: the template is malformed, names a missing argument, or does not
            suit an argument.
    """
    if type(template) is not str:
        raise KernelTypeError(f"the template is a string, not {a_kind(template)}")
    try:
        return "".join(_pieces(template, values))
    except (ValueError, TypeError, OverflowError) as error:
        raise KernelError(f"the template '{template}' does not fit: {error}") from None


def _pieces(template: str, values: tuple[Value, ...]) -> Iterator[str]:
    following = 0
    for text, name, code, conversion in string.Formatter().parse(template):
        yield text
        if name is None:
            continue
        if name == "":
            position, following = following, following + 1
        elif name.isascii() and name.isdigit():
            position = int(name)
        else:
            raise KernelError(
                f"the template '{template}' asks for '{name}'; "
                "a field is {} or the number of an argument, such as {0}"
            )
        if position >= len(values):
            raise KernelError(
                f"the template '{template}' asks for argument {position}, counted "
                f"from 0; there are {len(values)}"
            )
        if conversion or "{" in (code or ""):
            raise KernelError(
                f"the template '{template}' has a field with '!' or with a field in "
                "it; neither is supported"
            )
        yield _formatted(values[position], code or "")


def _formatted(value: Value, code: str) -> str:
    if not code:
        return _printed(value)
    if type(value) is bool:
        return format(_printed(value), code)
    if type(value) is float and code[-1] in _INTEGER_CODES and value.is_integer():
        return format(int(value), code)
    if type(value) in (int, float, str):
        return format(value, code)
    return format(_printed(value), code)


def _printed(value: Value) -> str:
    if type(value) not in _PRINTABLE:
        raise KernelTypeError(f"{a_kind(value)} cannot be part of a text")
    return format_value(value)
