"""A text cut into its commands, so that they can be put together anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal as OneOf

import msgspec

from .source import Source
from .tokens import Terminal, tokenize

_STARTS = {
    "LET": "definition",
    "DEFINED": "definition",
    "LOAD": "definition",
    "IMPORT": "import",
    "PRINT": "print",
    "SAVE": "save",
}


class Piece(msgspec.Struct, frozen=True):
    """One command with the comments around it.

    Attributes:
        kind: what it is; ``comment`` if the text has no command.
        text: its characters, up to the next command.
        start: offset of its first word in the text it is from.
        label: what a goal prints or where it saves, or what is imported.
        label_start: offset of that, with its quotes, in :attr:`text`; or -1.
    """

    kind: OneOf["definition", "import", "print", "save", "comment"]
    text: str
    start: int
    label: str = ""
    label_start: int = -1


def cut(source: Source, operators: Iterable[str] = ()) -> list[Piece]:
    """Return the commands of a text that has no syntax error, in order.

    Args:
        source: the text.
        operators: operators with a capital letter that were defined before.
    """
    tokens, _ = tokenize(source, operators=operators)
    at = list(_starts(tokens))
    if not at:
        text = source.text.strip()
        return [Piece("comment", text, 0)] if text else []
    begins = [0, *(tokens[index].start for index in at[1:])]
    ends = [*begins[1:], len(source.text)]
    return [
        _piece(tokens, index, source.text, begin, end)
        for index, begin, end in zip(at, begins, ends, strict=True)
    ]


def _starts(tokens: list[Terminal]) -> Iterator[int]:
    for index, token in enumerate(tokens):
        follows_let = index > 0 and tokens[index - 1].type == "LET"
        if token.type in _STARTS and not (token.type == "DEFINED" and follows_let):
            yield index


def _piece(
    tokens: list[Terminal], index: int, text: str, begin: int, end: int
) -> Piece:
    first, second = tokens[index], tokens[index + 1]
    kind: OneOf["definition", "import", "print", "save"]
    kind = _STARTS[first.type]  # type: ignore[assignment]
    words = text[begin:end].rstrip()
    if second.type != "LABEL":
        return Piece(kind, words, first.start)
    label = text[second.start + 1 : second.end - 1]
    return Piece(kind, words, first.start, label, second.start - begin)
