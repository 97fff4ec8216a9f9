"""Where VoxLogicA 1 would group a program's operators otherwise.

VoxLogicA 1 groups infix operators to the right and lets a prefix operator take all that
follows it.  A program with a form that only VoxLogicA 1 has was written for that.
"""

from __future__ import annotations

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
    for token in tokens:
        kind = token.type
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


def _depends(before: Terminal, after: Terminal, source: Source) -> bool:
    if before.type == "PREFIX":
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
