"""Where operators may be grouped otherwise than was meant.

VoxLogicA 1 groups infix operators to the right and lets a prefix operator take all that
follows it.  A program with a form that only VoxLogicA 1 has was written for that.

People who know other languages write ``a > 1 && b < 2``; from left to right, that
compares the truth of ``(a > 1) && b`` with 2.
"""

from __future__ import annotations

import re

from .report import Reporter
from .source import Source
from .tokens import Terminal

ASSOCIATIVE = frozenset({"&", "|", "&&", "||", ".&.", ".|.", "+", "*", ".+.", ".*."})
"""Operators that mean the same however a chain of them is grouped."""

_ENDS = frozenset(
    ["_COMMA", "_EQUALS", "_COLON", "_IN", "_DO", "_SEED", "FOLDOP", "LABEL",
     "LET", "LETIN", "PRINT", "SAVE", "IMPORT", "LOAD", "DEFINED", "$END"]
)  # fmt: skip
_OPENING = frozenset({"LPAR", "LSQB", "LARG"})
_CLOSING = frozenset({"RPAR", "RSQB"})


def is_vox1_only(tokens: list[Terminal]) -> bool:
    """Return whether a program holds a form that only VoxLogicA 1 has."""
    return any(token.type in ("LOAD", "LARG") for token in tokens)


def warn_of_grouping(
    tokens: list[Terminal], source: Source, reporter: Reporter
) -> None:
    """Warn of each chain of operators whose value depends on the grouping."""
    chain: list[Terminal] = []
    outer: list[list[Terminal]] = []
    calls = _calls(tokens, source)
    for at, token in enumerate(tokens):
        kind = calls.get(at, token.type)
        if kind in _OPENING:
            outer.append(chain)
            chain = []
        elif kind in _CLOSING:
            chain = outer.pop() if outer else []
        elif kind in _ENDS:
            chain = []
        elif kind in ("INFIX", "PREFIX"):
            if kind == "INFIX" and chain and _depends(chain[-1], token, source):
                _warn(chain[-1], token, source, reporter)
            chain.append(token)


_ORDERS = frozenset(
    f"{left}{sign}{right}"
    for sign in ("<", "<=", ">", ">=")
    for left, right in (("", ""), (".", ""), ("", "."), (".", "."))
)
_EQUALITIES = frozenset({"==", "!=", ".=.", "=.", ".="})
_LOGIC = frozenset({"&&", "||", "&", "|", ".&.", ".|."})
_COMPARING = re.compile(r"[<>=!.]=|[<>]|=\.")
_FAR = 100
"""Tokens of an operand that are looked at; a longer one is not what people mistake."""


def warn_of_comparisons(
    tokens: list[Terminal], source: Source, reporter: Reporter
) -> None:
    """Warn of each comparison of what a comparison, or logic, gave."""
    if not _COMPARING.search(source.text):
        return
    for at, token in enumerate(tokens):
        if token.type != "INFIX":
            continue
        word = source.text[token.start : token.end]
        if word not in _ORDERS and word not in _EQUALITIES:
            continue
        before = _operator_before(tokens, at, source)
        if before in _LOGIC:
            hint = "(a > 1) && (b < 2)"
        elif before in _ORDERS and word in _ORDERS:
            hint = "(1 < a) && (a < 2)"
        else:
            continue
        reporter.warn(
            "comparison",
            f"'{word}' compares all that stands before it, '{before}' included",
            source,
            token.start,
            token.end,
            hint=f"put brackets around each comparison: {hint}",
        )


def _operator_before(tokens: list[Terminal], at: int, source: Source) -> str:
    """Return the operator before the left operand of another one, or nothing."""
    depth = 0
    for index in range(at - 1, max(at - _FAR, -1), -1):
        kind = tokens[index].type
        if kind in _CLOSING:
            depth += 1
        elif kind in _OPENING:
            if not depth:
                return ""
            depth -= 1
        elif not depth and kind == "INFIX":
            return source.text[tokens[index].start : tokens[index].end]
        elif not depth and kind in _ENDS:
            return ""
    return ""


def _calls(tokens: list[Terminal], source: Source) -> dict[int, str]:
    """Say of each operator before a bracket, by index, whether it stands for a call.

    ``N(a)`` is an operator before one operand; ``&(a, b)`` is a call like any other.
    """
    found: dict[int, str] = {}
    opened: list[int] = []
    counts: list[int] = []
    for at, token in enumerate(tokens):
        if token.type in _OPENING:
            opened.append(at)
            counts.append(1)
        elif token.type == "_COMMA" and counts:
            counts[-1] += 1
        elif token.type in _CLOSING and opened:
            before, count = opened.pop() - 1, counts.pop()
            if before >= 0 and _is_operator(tokens[before], source):
                found[before] = "PREFIX" if count == 1 else "NAME"
    return found


def _is_operator(token: Terminal, source: Source) -> bool:
    if token.type == "PREFIX":
        return True
    return token.type == "NAME" and source.text[token.start].isupper()


def _depends(before: Terminal, after: Terminal, source: Source) -> bool:
    if before.type != "INFIX":
        return True
    word = source.text[after.start : after.end]
    return word != source.text[before.start : before.end] or word not in ASSOCIATIVE


def _warn(
    before: Terminal, after: Terminal, source: Source, reporter: Reporter
) -> None:
    first = source.text[before.start : before.end]
    second = source.text[after.start : after.end]
    reporter.warn(
        "grouping",
        f"VoxLogicA 1 applies '{second}' before '{first}' here, voxpeer after it",
        source,
        after.start,
        after.end,
        hint="add brackets, or run with --dialect vox1",
    )
