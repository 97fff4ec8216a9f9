"""Namespace ``strings``: texts made of values."""

from __future__ import annotations

from primitives.registry import Cost, Determinism, Primitive, Table

from ._tables import by_short_name

_KERNELS = "primitives.kernels.strings"
_TEXTS = "string|number|bool|null|sequence|record"


def table() -> Table:
    """Return the primitives of the namespace by short name."""
    return by_short_name(
        (
            Primitive(
                name="strings.concat",
                version=1,
                signature=f"*values: {_TEXTS} -> string",
                kernel=f"{_KERNELS}:concat",
                determinism=Determinism.EXACT,
                cost=Cost.TRIVIAL,
                reveals_input=True,
                summary="The texts of its arguments, as print shows them, joined.",
                details="A double keeps its point: concat(x, 3) ends in 3.0.",
            ),
            Primitive(
                name="strings.format_string",
                version=1,
                signature=f"template: string, *values: {_TEXTS}? -> string",
                kernel=f"{_KERNELS}:format_string",
                determinism=Determinism.EXACT,
                cost=Cost.TRIVIAL,
                reveals_input=True,
                summary="The template with its {} replaced by the arguments in order.",
                details=(
                    "Fields are those of Python's str.format with positions: {}, {1}, "
                    "{:03d}, {:.2f}. A double without a fraction serves where an "
                    "integer is asked for."
                ),
            ),
        )
    )
