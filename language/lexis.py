"""Text to words: names, numbers, strings, operators, as far as characters tell.

Two things need more than a look at the next characters.  An operator that holds
capital letters, such as ``B+``, is one word only where it is defined; else ``Z+1`` is
a sum.  A string ends on its line, but those of VoxLogicA 1 may go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import TypeAlias

NAME, VARIABLE, NUMBER, PUNCTUATION, OPERATOR, STRING, CAPITAL, OPEN_STRING, STRAY = (
    range(1, 10)
)
"""Kinds of words: the groups of the pattern that finds them."""
END = 0

NUMBER_WORDS = frozenset({"inf", "infinity", "nan"})
"""Numbers that are written as words, unless the program defines these."""

_LIBRARY_OPERATORS = frozenset({"B+"})
"""Operators of the bundled libraries that hold capital letters."""

_OPERATOR = r"#;:_'.|!$%&/^=*\-+<>?@~\\"
_WORD = r"[A-Za-z0-9_]"
_NUMBER = (
    r"0[xX][0-9A-Fa-f]+(?:\.[0-9A-Fa-f]+)?(?:[pP][+-]?\d+)?"
    r"|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
)
_CAPITAL = rf"[A-Z]{_WORD}*(?:\.[A-Za-z_]{_WORD}*)?"
_ONE_LINE = r'"(?:[^"\\\r\n]|\\[^\r\n])*"'
_MANY_LINES = r'"(?:[^"\\]|\\[\s\S])*"'
_VOX1_CAPITAL = rf"(?:NaN|Inf|Infinity)(?!{_WORD})|[A-Z]+"
_VOX1_STRING = r'"[^"]*"'

_LED_BY_CAPITAL = rf"[A-Z]{_WORD}*[{_OPERATOR}](?:[{_OPERATOR}]|{_WORD})*"
_LED_BY_SYMBOL = rf"[{_OPERATOR}]+[A-Z](?:[{_OPERATOR}]|[A-Z])*"
_CAPITAL_OPERATOR = re.compile(f"{_LED_BY_CAPITAL}|{_LED_BY_SYMBOL}")
_DEFINED_OPERATOR = re.compile(
    rf"(?:\blet[ \t]+({_LED_BY_SYMBOL}|{_LED_BY_CAPITAL})"
    rf"|^[ \t]*({_LED_BY_CAPITAL}))[ \t]*(?=\(|=)",
    re.MULTILINE,
)
_LOADS = re.compile(rf"^[ \t]*load\s+[a-z_]{_WORD}*\s*=", re.MULTILINE)

Words: TypeAlias = tuple[list[int], list[str], list[int]]
"""Kind, text and offset of each word; the last is of kind END."""
Mistake: TypeAlias = tuple[str, str, int, int]
"""Code, message, start and end of something that is no word."""


def words_of(
    text: str, vox1: bool = False, operators: Iterable[str] = ()
) -> tuple[Words, list[Mistake]]:
    """Cut a text into words, and say what in it is none.

    Args:
        text: of a program.
        vox1: whether to cut as VoxLogicA 1 does: strings have no backslashes and may
            span lines, and a run of capital letters is a word of its own.
        operators: those with capital letters that are defined elsewhere.
    """
    special = _with_capitals(text, operators)
    if vox1:
        return _cut(text, _pattern(_VOX1_STRING, _VOX1_CAPITAL), special)
    found, mistakes = _cut(text, _pattern(_ONE_LINE, _CAPITAL), special)
    if _has_open_string(mistakes) and _LOADS.search(text):
        spanning, fewer = _cut(text, _pattern(_MANY_LINES, _CAPITAL), special)
        if not _has_open_string(fewer):
            return spanning, fewer
    return found, mistakes


def is_capital_operator(name: str) -> bool:
    """Return whether a name is an operator that holds capital letters."""
    return _CAPITAL_OPERATOR.fullmatch(name) is not None


def defined_operators(text: str) -> set[str]:
    """Return the operators with capital letters that a text defines."""
    return {match[1] or match[2] for match in _DEFINED_OPERATOR.finditer(text)}


@cache
def _pattern(string: str, capital: str) -> re.Pattern[str]:
    return re.compile(
        rf"""(?:[ \t\r\n\f\v]+|//[^\r\n]*)*(?:
          ([a-z_]{_WORD}*(?:\.[A-Za-z_]{_WORD}*)?)      # 1 name
        | (\$[A-Za-z_]{_WORD}*)                         # 2 variable
        | ({_NUMBER})                                   # 3 number
        | ([(),\[\]])                                   # 4 punctuation
        | ([=:](?=//)|[{_OPERATOR}]+)                   # 5 operator
        | ({string})                                    # 6 string
        | ({capital})                                   # 7 capital name
        | ("[^\r\n]*)                                   # 8 string without an end
        | (.)                                           # 9 stray character
        | $)""",
        re.VERBOSE | re.ASCII,
    )


def _cut(
    text: str, pattern: re.Pattern[str], special: dict[int, str]
) -> tuple[Words, list[Mistake]]:
    kinds: list[int] = []
    texts: list[str] = []
    starts: list[int] = []
    mistakes: list[Mistake] = []
    at = 0
    while True:
        match = pattern.match(text, at)
        assert match is not None
        kind = match.lastindex or END
        start = match.start(kind) if kind else len(text)
        word = match[kind] if kind else ""
        at = match.end()
        if kind in (CAPITAL, OPERATOR) and start in special:
            word, kind = special[start], OPERATOR
            at = start + len(word)
        elif kind == OPEN_STRING:
            mistakes.append(_unterminated(word, start))
            word, kind = word + '"', STRING
        elif kind == STRAY:
            mistakes.append(_stray(word, start))
            continue
        kinds.append(kind)
        texts.append(word)
        starts.append(start)
        if not kind:
            return (kinds, texts, starts), mistakes


def _unterminated(word: str, start: int) -> Mistake:
    message = 'the string has no end on its line; it needs a closing "'
    return "unterminated-string", message, start, start + len(word)


def _stray(word: str, start: int) -> Mistake:
    message = f"the character {word!r} has no meaning here"
    return "stray-character", message, start, start + 1


def _has_open_string(mistakes: list[Mistake]) -> bool:
    return any(code == "unterminated-string" for code, *_ in mistakes)


def _with_capitals(text: str, operators: Iterable[str]) -> dict[int, str]:
    """Find the operators that hold capital letters, by offset."""
    names = {*defined_operators(text), *_LIBRARY_OPERATORS, *operators}
    found: dict[int, str] = {}
    for led_by_capital, before in ((True, "A-Za-z0-9_."), (False, _OPERATOR)):
        group = [name for name in names if name[0].isupper() == led_by_capital]
        if group:
            longest_first = sorted(group, key=len, reverse=True)
            pattern = re.compile(
                rf"(?<![{before}])(?:{'|'.join(map(re.escape, longest_first))})"
                rf"(?![{_OPERATOR}])"
            )
            found.update((match.start(), match[0]) for match in pattern.finditer(text))
    return found
