"""Syntax errors in words: what stands there, and what could have stood there."""

from __future__ import annotations

from .hints import hint_of_token
from .report import Reporter
from .source import Source
from .syntax import Literal, Name
from .tokens import KEYWORDS, Terminal

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


def explain(
    tokens: list[Terminal],
    at: int,
    accepted: frozenset[str],
    source: Source,
    reporter: Reporter,
) -> None:
    """Report that the token at ``at`` cannot stand there.

    What is no token at all was reported before, and explains the rest of its line.
    """
    token = tokens[at]
    if reporter.has_error("stray-character", source, _place(tokens, at)[0]):
        return
    found = _describe(token, source)
    wanted = _wanted(accepted)
    message = f"expected {wanted}, but found {found}" if wanted else f"{found} here"
    start, end = _place(tokens, at)
    hint = hint_of_token(tokens, at, accepted, source)
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
