"""Resolved programs: definitions whose names have meanings, as flat code.

Each expression is a list of instructions for a stack of plan nodes, in the order of
evaluation, so that no later pass recurses, however deep the text.

=========  ======================================================================
CONST      value, start, end: push a constant
PLACE      text: push a string that depends on where the program lies
LOCAL      slot: push a variable
GLOBAL     definition: push the value of a definition
APP        primitive, count, layout, node: apply a primitive
CALL       definition, count, layout, node: expand a function
LET        slot: pop the value of a variable
SKIP       n: leave out the next n instructions
ENTER      slot: begin the body of a loop whose variable is in ``slot``
LEAVE      end it: replace the body by the function of it
SUB        code: run other instructions with the same variables
BASE       order, primitive, again: offer the operands on the stack as base image
UNBASE     end that
FINDBASE   regions, start, end: push the base image
ERROR      push a value that stands for a mistake already reported
=========  ======================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .errors import Diagnostic, Note
from .source import Source
from .syntax import Define, Load

(CONST, PLACE, LOCAL, GLOBAL, APP, CALL, LET, SKIP, ENTER, LEAVE, SUB, BASE, UNBASE,
 FINDBASE, ERROR) = range(15)  # fmt: skip

Instruction: TypeAlias = tuple[Any, ...]
Layout: TypeAlias = tuple[int | None, ...] | None
"""Per parameter, which of the arguments on the stack it gets; None: as they are."""


@dataclass(slots=True)
class Region:
    """A body in which a base image may be looked for: the program, a function, a loop.

    Attributes:
        slots: variables below this one exist when the body begins.
        reader: code of the first image read in it.
    """

    slots: int
    reader: list[Instruction] | None = None


@dataclass(slots=True)
class Code:
    """The instructions of one body.

    Attributes:
        source: the text it is from.
        slots: number of variables.
        instructions: what to do; leaves one value.
        needs_base: whether a base image may be looked for outside it.
        calls: definitions that it mentions.
        found: errors in it.
    """

    source: Source
    slots: int
    instructions: list[Instruction] = field(default_factory=list)
    needs_base: bool = False
    calls: list[Definition] = field(default_factory=list)
    found: list[Diagnostic] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Definition:
    """What a name means from some point of a program on.

    Attributes:
        name: as written.
        formals: names of its parameters; empty for a value.
        node: where it is written.
        source: the text that is in.
        imports: imports that led to that text, innermost first.
        scope: what names mean in its body, for definitions resolved when first used.
        code: its body, once resolved.
    """

    name: str
    formals: tuple[str, ...]
    node: Define | Load
    source: Source
    imports: tuple[Note, ...] = ()
    scope: dict[str, Definition] | None = None
    code: Code | None = None
