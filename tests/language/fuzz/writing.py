"""Programs as text, with any blanks and line ends between their words."""

from __future__ import annotations

import random
from collections.abc import Iterator

from .grammar import Made, Node

BLANKS = (" ", " ", " ", " ", "  ", "\t", "\n", "\n  ", " // a remark\n", "\r\n")
_TIGHT = frozenset({"infix", "for", "filter", "fold", "let"})
"""Forms that need brackets where they are a part of something."""


def written(made: Made, chance: random.Random) -> str:
    """Return the text of a program; each command begins a line."""
    return "\n".join(_laid_out(list(words), chance) for words in _commands(made)) + "\n"


def _laid_out(words: list[str], chance: random.Random) -> str:
    text = words[0]
    for word in words[1:]:
        text += chance.choice(BLANKS) + word
    return text


def _commands(made: Made) -> Iterator[Iterator[str]]:
    for command in made.commands:
        if command[0] == "print":
            yield iter(["print", f'"{command[1]}"', *words(command[2])])
        elif command[0] == "let":
            yield iter(["let", command[1], "=", *words(command[2])])
        else:
            function = command[1]
            formals = ", ".join(name for name, _ in function.formals).split()
            head = ["let", function.name, "(", *formals, ")", "="]
            yield iter([*head, *words(function.body)])


def words(node: Node) -> list[str]:
    """Return the words of an expression."""
    return _WRITE[node[0]](node)


def _part(node: Node) -> list[str]:
    """Return the words of an expression that is a part of another one."""
    return ["(", *words(node), ")"] if node[0] in _TIGHT else words(node)


def _left(node: Node) -> list[str]:
    """Return a left operand: operators go from left to right without brackets."""
    return words(node) if node[0] == "infix" else _part(node)


def _indexed(node: Node) -> list[str]:
    """Return what an index or slice is taken of; a prefix would take the whole."""
    is_loose = node[0] == "not" or node[0] in _TIGHT
    return ["(", *words(node), ")"] if is_loose else words(node)


def _literal(node: Node) -> list[str]:
    value = node[2]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, str):
        return [f'"{value}"']
    return [str(int(value)) if value.is_integer() else repr(value)]


def _listed(nodes: tuple[Node, ...]) -> list[str]:
    found: list[str] = []
    for node in nodes:
        found += [*([","] if found else []), *words(node)]
    return found


def _slice(node: Node) -> list[str]:
    low, high = (words(bound) if bound else [] for bound in node[3:])
    return [*_indexed(node[2]), "[", *low, ":", *high, "]"]


def _fold(node: Node) -> list[str]:
    _, _, op, seed, items = node
    start = ["(", *words(seed), ")"] if seed else []
    # On one line, so that a seed is taken for one; brackets part it from the items.
    line = " ".join(_flat([*start, "(", *words(items), ")"]))
    return ["fold", f"{op} {line}"]


def _flat(found: list[str]) -> list[str]:
    return [" ".join(word.split()) if word[:1] != '"' else word for word in found]


_WRITE = {
    "name": lambda node: [node[2]],
    "raw": lambda node: list(node[2]),
    "literal": _literal,
    "infix": lambda node: [*_left(node[3]), node[2], *_part(node[4])],
    "not": lambda node: ["!", *_part(node[2])],
    "array": lambda node: ["[", *_listed(node[2]), "]"],
    "range": lambda node: ["range", "(", *words(node[2]), ")"],
    "length": lambda node: ["length", "(", *words(node[2]), ")"],
    "argmax": lambda node: ["argmax", "(", *words(node[2]), ")"],
    "concat": lambda node: ["concat", "(", *_listed(node[2]), ")"],
    "fold": _fold,
    "for": lambda node: ["for", node[2], "in", *words(node[3]), "do", *words(node[4])],
    "filter": lambda node: [
        *("filter", node[2], "in", *words(node[3]), "do", *words(node[4])),
    ],
    "let": lambda node: [
        *("let", node[2], "=", *words(node[3]), "in", *words(node[4])),
    ],
    "call": lambda node: [node[2], "(", *_listed(node[3]), ")"],
    "map": lambda node: ["map", "(", node[2], ",", *words(node[3]), ")"],
    "index": lambda node: [*_indexed(node[2]), "[", *words(node[3]), "]"],
    "slice": _slice,
}
