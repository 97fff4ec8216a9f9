"""Syntax errors in words: what stands there, and what could have stood there."""

from __future__ import annotations

from .report import Reporter
from .source import Source
from .syntax import Literal, Name
from .tokens import KEYWORDS, Terminal

_OPERAND = {"NAME", "LITERAL", "LPAR", "LSQB", "PREFIX", "PREFIXR"}
_COMMANDS = {"LET", "DEFINED", "PRINT", "SAVE", "IMPORT", "LOAD"}
_WORDS = {
    "_EQUALS": "'='",
    "_COMMA": "','",
    "RPAR": "')'",
    "RSQB": "']'",
    "_COLON": "':'",
    "_IN": "'in'",
    "_DO": "'do'",
    "LABEL": "a text in double quotes",
    "DEFINED": "a name to define",
    "FOLDOP": "an operator to fold with",
}
_OPENING = {"LPAR": "(", "LSQB": "[", "LARG": "["}


def explain(
    tokens: list[Terminal],
    at: int,
    accepted: frozenset[str],
    source: Source,
    reporter: Reporter,
) -> None:
    """Report that the token at ``at`` cannot stand there."""
    token = tokens[at]
    found = _describe(token, source)
    wanted = _wanted(accepted)
    message = f"expected {wanted}, but found {found}" if wanted else f"{found} here"
    start, end = _place(tokens, at)
    hint = _hint(tokens, at, accepted, source)
    reporter.error("syntax", message, source, start, end, hint=hint)


def _place(tokens: list[Terminal], at: int) -> tuple[int, int]:
    token = tokens[at]
    if token.type == "$END" and at:
        end = tokens[at - 1].end
        return end, end + 1
    return token.start, token.end


def _describe(token: Terminal, source: Source) -> str:
    if token.type == "$END":
        return "the end of the program"
    text = source.text[token.start : token.end]
    if isinstance(token, Literal):
        if isinstance(token.value, str):
            return "a text"
        return f"the {'number' if isinstance(token.value, float) else 'value'} {text}"
    if isinstance(token, Name) or token.type in ("DEFINED", "ACTUAL"):
        return f"the name '{text}'"
    if text in KEYWORDS:
        return f"the word '{text}'"
    if token.type in ("INFIX", "PREFIX", "INFIXR", "PREFIXR"):
        return f"the operator '{text}'"
    return f"'{text}'" if text else "another value"


def _wanted(accepted: frozenset[str]) -> str:
    words: list[str] = []
    if "LITERAL" in accepted:
        words.append("a value")
    elif "NAME" in accepted:
        words.append("a name")
    if accepted & {"INFIX", "INFIXR"}:
        words.append("an operator")
    for terminal, word in _WORDS.items():
        whole = terminal == "DEFINED" and "PRINT" in accepted
        if terminal in accepted and not whole:
            words.append(word)
    if "PRINT" in accepted:
        words.append("a command (a definition, print, save, import)")
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " or " + words[-1]


def _hint(
    tokens: list[Terminal], at: int, accepted: frozenset[str], source: Source
) -> str:
    token = tokens[at]
    previous = tokens[at - 1] if at else None
    text = source.text[token.start : token.end]
    if (
        accepted & {"DEFINED", "NAME"}
        and text in KEYWORDS
        and "LITERAL" not in accepted
    ):
        return f"'{text}' is a word of the language and cannot be a name"
    if token.type == "RPAR" and previous is not None and previous.type == "LPAR":
        return "a function takes at least one argument; write a value without brackets"
    opened = _unclosed(tokens, at)
    if opened is not None and accepted & {"RPAR", "RSQB"}:
        line, column, _ = source.place(opened.start, opened.end)
        mark = source.text[opened.start]
        return f"the '{mark}' of line {line}, column {column} is not closed"
    if token.type in ("FOR", "FILTER", "FOLD", "LETIN"):
        return f"put brackets around '{text} …' when it is a part of an expression"
    if previous is not None and previous.type == "LITERAL" and "INFIX" in accepted:
        return "two values need an operator between them"
    return ""


def _unclosed(tokens: list[Terminal], at: int) -> Terminal | None:
    """Return the innermost bracket that is open where a command or the end came."""
    if tokens[at].type not in _COMMANDS | {"$END"}:
        return None
    closed = 0
    for index in range(at - 1, -1, -1):
        kind = tokens[index].type
        if kind in ("RPAR", "RSQB"):
            closed += 1
        elif kind in _OPENING:
            if not closed:
                return tokens[index]
            closed -= 1
        elif kind in _COMMANDS - {"DEFINED"}:
            return None
    return None
