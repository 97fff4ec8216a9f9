"""One mistake of a known kind in a right program, and where it must be found."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from . import writing
from .grammar import NUMBER, Made, Node

MARK = "\x01"
"""Stands before the word that is wrong, until the text is made."""

WRONG_TEXTS = {
    "unbound-name": [["\x01nosuchname"], ["\x01nosuch", "(", "1", ")"]],
    "unknown-namespace": [["\x01nosuch.name", "(", "1", ")"]],
    "unknown-variable": [["\x01$nosuch"]],
    "arity": [
        ["\x01length", "(", "1", ",", "2", ")"],
        ["(", "3", "\x01!", "2", ")"],
    ],
    "function-without-arguments": [["\x01length"], ["(", "1", "+", "\x01near", ")"]],
    "unknown-argument": [["length", "(", "\x01itms", "=", "[", "1", "]", ")"]],
    "map-function": [["map", "(", "\x013", ",", "[", "1", "]", ")"]],
    "fold-operator": [["(", "fold", "\x01%", "[", "1", "]", ")"]],
    "fold-seed": [["(", "fold", "\x01/", "[", "1", "]", ")"]],
    "stray-character": [["\x01§"], ["(", "1", "\x01{", "2", ")"]],
    "syntax": [
        # A single bracket after an operator would be a call of it.
        ["(", "(", "1", "\x01,", "2", ")", ")"],
        ["(", "1", "+", "\x01)"],
        ["[", "1", ",", "\x01,", "2", "]"],
        ["(", "1", "\x012", ")"],
        ["length", "(", "\x01)"],
        ["(", "1", "+", "\x01for", "q", "in", "[", "1", "]", "do", "q", ")"],
    ],
}
"""What is wrong wherever it stands."""

WRONG_VALUES = {
    "kind": [
        ["(", '"a"', "\x01-", "1", ")"],
        ["(", "1", "\x01<", '"a"', ")"],
        ["(", '"a"', "\x01+", "1", ")"],
        ["length", "(", "\x013", ")"],
        ["volume", "(", '\x01"head.nii"', ")"],
        ["near", "(", "\x01true", ")"],
        ["(", "for", "q", "in", "\x015", "do", "q", ")"],
        ["(", "filter", "q", "in", "[", "1", "]", "do", '\x01"a"', ")"],
        ["(", "for", "q", "in", "[", "1", "]", "do", "q", "\x01+", '"a"', ")"],
        ["(", "let", "q", "=", '"a"', "in", "q", "\x01*", "2", ")"],
        ["[", "1", ",", "2", "]", "[", '\x01"a"', "]"],
        ["argmax", "(", "\x01[", '"a"', "]", ")"],
        ["(", "[", "1", ",", "2", "]", "\x01+", "[", "1", "]", ")"],
        ["(", "fold", "+", "\x01[", '"a"', "]", ")"],
        ["intensity", "(", "\x01[", "1", "]", ")"],
    ],
    "range": [
        ["[", "1", ",", "2", "]", "[", "\x012", "]"],
        ["[", "1", ",", "2", "]", "[", "\x01-1", "]"],
        ["[", "1", ",", "2", "]", "[", "\x010.5", "]"],
        ["range", "(", "\x012.5", ")"],
        ["[", "1", ",", "2", "]", "[", "\x01-1", ":", "]"],
    ],
    "division-by-zero": [["(", "1", "/", "\x010", ")"]],
    "unknown-enumerator": [["Cast", "(", '\x01"float"', ",", '"float"', ")"]][:0],
    "template": [["format_string", "(", '\x01"{} {}"', ",", "1", ")"]],
}
"""What is wrong where its value is needed."""

_STRICT = {
    "infix": (3, 4), "not": (2,), "range": (2,), "length": (2,), "argmax": (2,),
    "array": (), "concat": (), "let": (4,), "fold": (4,),
}  # fmt: skip
"""Parts of each form whose values are needed if its own is."""


@dataclass(frozen=True)
class Wrong:
    """A wrong program.

    Attributes:
        text: the program.
        code: what the error must be called.
        line: of the mistake.
        column: of the mistake.
    """

    text: str
    code: str
    line: int
    column: int


def spoilt(made: Made, chance: random.Random) -> Wrong:
    """Return a right program with one mistake."""
    table = WRONG_VALUES if chance.random() < 0.5 else WRONG_TEXTS
    code = chance.choice([code for code, texts in table.items() if texts])
    bad: Node = ("raw", NUMBER, chance.choice(table[code]))
    goals = [at for at, one in enumerate(made.commands) if one[0] == "print"]
    at = chance.choice(goals)
    word, label, node = made.commands[at]
    paths = list(_strict_paths(node))
    commands = list(made.commands)
    commands[at] = (word, label, _replaced(node, chance.choice(paths), bad))
    text = writing.written(Made(commands), chance)
    offset = text.index(MARK)
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return Wrong(text.replace(MARK, ""), code, line, column)


Path = tuple[int, ...]


def _strict_paths(node: Node, path: Path = ()) -> Iterator[Path]:
    """Yield the places of an expression whose values its own value needs."""
    yield path
    form = node[0]
    if form in ("array", "concat"):
        for at, part in enumerate(node[2]):
            yield from _strict_paths(part, (*path, 2, at))
    elif form in _STRICT:
        for at in _STRICT[form]:
            yield from _strict_paths(node[at], (*path, at))


def _replaced(node: Node, path: Path, bad: Node) -> Node:
    if not path:
        return bad
    at, *rest = path
    if node[0] in ("array", "concat"):
        parts = list(node[2])
        parts[rest[0]] = _replaced(parts[rest[0]], tuple(rest[1:]), bad)
        return (*node[:2], tuple(parts))
    inner = _replaced(node[at], tuple(rest), bad)
    return (*node[:at], inner, *node[at + 1 :])
