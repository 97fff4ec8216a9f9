"""Tokens to a syntax tree, by the grammar in ``grammar.lark``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from .expected import explain
from .grouping import is_vox1_only, warn_of_comparisons, warn_of_grouping
from .hints import hint_of_character
from .report import Reporter
from .source import Source
from .syntax import (
    Actual,
    Array,
    Call,
    Command,
    Define,
    Expression,
    Fold,
    Import,
    Index,
    LetIn,
    Literal,
    Load,
    Loop,
    Name,
    Output,
    Slice,
    first,
    last,
)
from .table import Table
from .tokens import Terminal, Token, tokenize

Children: TypeAlias = list[Any]

MAX_SYNTAX_ERRORS = 20


@dataclass(slots=True)
class Reading:
    """How the texts of one program are read.

    Attributes:
        dialect_is_vox1: whether they are read as VoxLogicA 1 does.
        is_vox1: whether the program was written for VoxLogicA 1; set by the first text
            with a form that only VoxLogicA 1 has.
        operators: those with capital letters that are defined elsewhere.
        fill: puts the run's parameters into the strings of such a program.
    """

    dialect_is_vox1: bool = False
    is_vox1: bool = False
    operators: frozenset[str] = frozenset()
    fill: Callable[[str], str] = str


def parse(
    source: Source,
    reporter: Reporter,
    reading: Reading | None = None,
    *,
    expression: bool = False,
) -> list[Command]:
    """Return the commands of a text; what is wrong with it goes to ``reporter``.

    Args:
        source: the text.
        reporter: takes every syntax error.
        reading: how it is read; takes note of what that says of texts read later.
        expression: whether the text is a mere expression, as of a ``print``.
    """
    reading = reading or Reading()
    dialect = reading.dialect_is_vox1
    tokens, mistakes = tokenize(
        source, dialect, expression=expression, operators=reading.operators
    )
    for code, message, start, end in mistakes[:MAX_SYNTAX_ERRORS]:
        stray = source.text[start] if code == "stray-character" else ""
        hint = hint_of_character(stray) if stray else ""
        reporter.error(code, message, source, start, end, hint=hint)
    reading.is_vox1 |= dialect or is_vox1_only(tokens)
    if reading.is_vox1:
        if not dialect:
            warn_of_grouping(tokens, source, reporter)
        tokens = [_filled(token, reading.fill) for token in tokens]
    else:
        warn_of_comparisons(tokens, source, reporter)
    return _parse_tokens(tokens, source, reporter)


def _filled(token: Terminal, fill: Callable[[str], str]) -> Terminal:
    """Return a token with parameters put into its text, if it is a string."""
    if token.type == "LABEL":
        assert isinstance(token, Token)
        if "$" in token.text:
            return Token("LABEL", fill(token.text), token.start, token.end)
    elif isinstance(token, Literal) and isinstance(token.value, str):
        return Literal(fill(token.value), token.start, token.end)
    return token


def first_misplaced(tokens: list[Terminal]) -> int:
    """Return the index of the first token that cannot stand where it does.

    It is the number of tokens if there is none.
    """
    table = _table()
    return table.run(tokens, 0, [table.start], [])


def _parse_tokens(
    tokens: list[Terminal], source: Source, reporter: Reporter
) -> list[Command]:
    commands: list[Command] = []
    table = _table()
    at = 0
    for _ in range(MAX_SYNTAX_ERRORS):
        states: list[int] = [table.start]
        values: list[Any] = []
        at = table.run(tokens, at, states, values)
        if values and isinstance(values[0], list):
            commands += values[0]
        if at == len(tokens):
            break
        explain(tokens, at, table.accepted(states), source, reporter)
        at = _next_command(tokens, at, source)
    return commands


def _next_command(tokens: list[Terminal], at: int, source: Source) -> int:
    """Return the index of the first command that starts a line after a mistake."""
    starts = {"LET", "PRINT", "SAVE", "IMPORT", "LOAD", "DEFINED"}
    line = source.line(tokens[at].start)
    for index in range(at, len(tokens)):
        token = tokens[index]
        if token.type in starts and source.line(token.start) > line:
            return index
    return len(tokens)


@cache
def _table() -> Table:
    from lark import Lark
    from lark.lexer import Lexer

    class NoLexer(Lexer):
        """Tokens come from :mod:`language.tokens`."""

        def __init__(self, configuration: object) -> None:
            pass

        def lex(self, *_: object) -> Iterator[Any]:
            raise NotImplementedError

    grammar = (Path(__file__).parent / "grammar.lark").read_text(encoding="utf-8")
    parser = Lark(
        grammar,
        start="program",
        parser="lalr",
        lexer=NoLexer,
        transformer=_TreeMaker(),
        maybe_placeholders=False,
    )
    return Table(parser.parse_interactive().parser_state.parse_conf)


class _TreeMaker:
    """One method per alternative of the grammar; each gets what it is made of."""

    def no_commands(self, _: Children) -> list[Command]:
        return []

    def one_more_command(self, parts: Children) -> list[Command]:
        commands: list[Command] = parts[0]
        commands.append(parts[1])
        return commands

    def define(self, parts: Children) -> Define:
        name, formals, body = parts[-3:]
        return Define(Name(name.text, name.start, name.end), formals, body)

    def no_formals(self, _: Children) -> tuple[Name, ...]:
        return ()

    def formals(self, parts: Children) -> tuple[Name, ...]:
        return tuple(parts[1:-1])

    def output(self, parts: Children) -> Output:
        word, label, body = parts
        return Output(word.text, _label(label), body, word.start, label.end)

    def import_(self, parts: Children) -> Import:
        word, path = parts
        return Import(_label(path), word.start, path.end)

    def load(self, parts: Children) -> Load:
        word, name, path = parts
        return Load(name, _label(path), word.start, path.end)

    def let_in(self, parts: Children) -> LetIn:
        word, variable, value, body = parts
        return LetIn(variable, value, body, word.start, last(body))

    def loop(self, parts: Children) -> Loop:
        word, variable, sequence, body = parts
        return Loop(word.text, variable, sequence, body, word.start, last(body))

    def fold(self, parts: Children) -> Fold:
        word, operator, *operands = parts
        seed = operands[0] if len(operands) == 2 else None
        name = Name(operator.text, operator.start, operator.end)
        return Fold(name, seed, operands[-1], word.start, last(operands[-1]))

    def binary(self, parts: Children) -> Call:
        left, op, right = parts
        return Call(op.text, (left, right), op.start, op.end, first(left), last(right))

    def bracketed(self, parts: Children) -> Call:
        left, op, _, *further, _, right = parts
        return Call(
            op.text, (left, right, *further), op.start, op.end, first(left), last(right)
        )

    def unary(self, parts: Children) -> Call:
        op, operand = parts
        return Call(op.text, (operand,), op.start, op.end, op.start, last(operand))

    def call(self, parts: Children) -> Call:
        name, _, *actuals, close = parts
        return Call(
            name.text, tuple(actuals), name.start, name.end, name.start, close.end
        )

    def actual(self, parts: Children) -> Actual:
        name, value = parts
        return Actual(name.text, value, name.start, name.end)

    def group(self, parts: Children) -> Expression:
        opening, inner, closing = parts
        if isinstance(inner, Call):
            return Call(
                inner.name,
                inner.args,
                inner.start,
                inner.end,
                opening.start,
                closing.end,
            )
        node: Expression = inner
        return node

    def array(self, parts: Children) -> Array:
        opening, *items, closing = parts
        return Array(tuple(items), opening.start, closing.end)

    def index(self, parts: Children) -> Index:
        sequence, _, at, closing = parts
        return Index(sequence, at, first(sequence), closing.end)

    def slice_all(self, parts: Children) -> Slice:
        return _slice(parts[0], None, None, parts[-1])

    def slice_from(self, parts: Children) -> Slice:
        return _slice(parts[0], parts[2], None, parts[-1])

    def slice_to(self, parts: Children) -> Slice:
        return _slice(parts[0], None, parts[2], parts[-1])

    def slice_both(self, parts: Children) -> Slice:
        return _slice(parts[0], parts[2], parts[3], parts[-1])


def _slice(
    sequence: Expression, low: Expression | None, high: Expression | None, close: Token
) -> Slice:
    return Slice(sequence, low, high, first(sequence), close.end)


def _label(token: Token) -> Literal:
    return Literal(token.text[1:-1], token.start, token.end)
