"""The syntax tree: what a program says, before names have meanings.

Spans are offsets into the text of the file.  Trees may be as deep as the text is long:
nothing may walk them recursively.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias

import msgspec


class Literal(msgspec.Struct, frozen=True):
    """A number (always a double), a truth value or a string."""

    type: ClassVar[str] = "LITERAL"
    value: float | bool | str
    start: int
    end: int


class Name(msgspec.Struct, frozen=True):
    """A name that stands for a value."""

    type: ClassVar[str] = "NAME"
    text: str
    start: int
    end: int


class Actual(msgspec.Struct, frozen=True):
    """An argument given by the name of its formal."""

    name: str
    value: Expression
    start: int
    end: int


class Call(msgspec.Struct, frozen=True):
    """A function or an operator applied to arguments.

    ``start`` and ``end`` are those of the name; ``first`` and ``last`` of the whole.
    """

    name: str
    args: tuple[Expression | Actual, ...]
    start: int
    end: int
    first: int
    last: int


class Index(msgspec.Struct, frozen=True):
    """``sequence[at]``."""

    sequence: Expression
    at: Expression
    start: int
    end: int


class Slice(msgspec.Struct, frozen=True):
    """``sequence[low:high]``; an omitted bound is None."""

    sequence: Expression
    low: Expression | None
    high: Expression | None
    start: int
    end: int


class Array(msgspec.Struct, frozen=True):
    """``[a, b, …]``."""

    items: tuple[Expression, ...]
    start: int
    end: int


class Loop(msgspec.Struct, frozen=True):
    """``for`` or ``filter``: a body for each item of a sequence."""

    form: str
    variable: Name
    sequence: Expression
    body: Expression
    start: int
    end: int


class Fold(msgspec.Struct, frozen=True):
    """``fold operator [seed] sequence``."""

    operator: Name
    seed: Expression | None
    sequence: Expression
    start: int
    end: int


class LetIn(msgspec.Struct, frozen=True):
    """``let variable = value in body``."""

    variable: Name
    value: Expression
    body: Expression
    start: int
    end: int


Expression: TypeAlias = (
    Literal | Name | Call | Index | Slice | Array | Loop | Fold | LetIn
)


class Define(msgspec.Struct, frozen=True):
    """A definition; ``formals`` is empty for a value."""

    name: Name
    formals: tuple[Name, ...]
    body: Expression


class Output(msgspec.Struct, frozen=True):
    """``print`` or ``save``."""

    form: str
    label: Literal
    body: Expression
    start: int
    end: int


class Import(msgspec.Struct, frozen=True):
    """``import "path"``."""

    path: Literal
    start: int
    end: int


class Load(msgspec.Struct, frozen=True):
    """``load name = "path"``.

    ``base`` is the name of the program's first image, or empty for that one itself.
    """

    name: Name
    path: Literal
    start: int
    end: int
    base: str = ""


Command: TypeAlias = Define | Output | Import | Load


def first(node: Expression | Actual) -> int:
    """Return the offset where an expression begins."""
    return node.first if isinstance(node, Call) else node.start


def last(node: Expression | Actual) -> int:
    """Return the offset where an expression ends."""
    return node.last if isinstance(node, Call) else node.end
