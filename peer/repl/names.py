"""Names that can be typed, with their signatures: for completion and for ``:names``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from language import Session
from language.tokens import KEYWORDS

_WORD = re.compile(
    r"(?<![A-Za-z0-9_$])\$?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]*)?$|\$$"
)
_CALLED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?)\s*$")
_STRING = re.compile(r'//[^\r\n]*|"(?:[^"\\\r\n]|\\[^\r\n])*("?)')
"""A comment, or a string; the group is empty if it has no end."""


def open_string(before: str) -> str | None:
    """Return the beginning of the string in which a text ends, or None."""
    for found in _STRING.finditer(before):
        if found[1] == "" and found.end() == len(before):
            return found[0][1:]
    return None


class Candidate(NamedTuple):
    """A name that can be typed at a place.

    Attributes:
        text: what is typed.
        start: how many characters before the place it replaces, as a negative number.
        signature: what it is called with and gives, or what it is.
        summary: one sentence on what it does, or empty.
    """

    text: str
    start: int
    signature: str
    summary: str = ""


class Signature(NamedTuple):
    """What a function is called with."""

    text: str
    summary: str = ""


class Names:
    """The names of a session.

    Args:
        session: the program so far.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def candidates(self, before: str) -> list[Candidate]:
        """Return the names that can stand at the end of a text.

        Args:
            before: the text up to the place, without the inside of strings.
        """
        found = _WORD.search(before)
        word = found[0] if found else ""
        if not word:
            return []
        matching = self._variables() if word[0] == "$" else self._matching(word)
        return [
            candidate._replace(start=-len(word))
            for candidate in matching
            if candidate.text.startswith(word)
        ]

    def signature(self, name: str) -> Signature | None:
        """Return what a function of this name is called with, or None."""
        definition = self._session.definitions.get(name)
        if definition is not None:
            formals = definition.formals
            return Signature(described(name, formals)) if formals else None
        primitive = self._session.registry.find(name, self._session.imported)
        if primitive is None:
            return None
        takes, _, gives = primitive.signature.rpartition("->")
        text = f"{name}({takes.strip()}) -> {gives.strip()}"
        return Signature(text, primitive.summary)

    def called_at(self, before: str) -> Signature | None:
        """Return the signature of the function whose brackets a text ends in."""
        depth = 0
        inside = _STRING.sub(lambda found: " " * len(found[0]), before)
        for at in range(len(inside) - 1, -1, -1):
            if inside[at] == ")":
                depth += 1
            elif inside[at] == "(":
                depth -= 1
                if depth < 0:
                    name = _CALLED.search(inside[:at])
                    return self.signature(name[1]) if name else None
        return None

    def _variables(self) -> Iterator[Candidate]:
        for name in sorted(self._session.variables):
            yield Candidate(f"${name}", 0, "given from outside")

    def _matching(self, word: str) -> Iterator[Candidate]:
        """Yield names in the order in which they are looked for, each once."""
        seen: set[str] = set()
        for candidate in self._all(word):
            if candidate.text not in seen:
                seen.add(candidate.text)
                yield candidate

    def _all(self, word: str) -> Iterator[Candidate]:
        registry = self._session.registry
        namespace, dot, _ = word.partition(".")
        if dot:
            if namespace in registry.namespaces:
                yield from self._primitives(namespace, f"{namespace}.")
            return
        for name, definition in sorted(self._session.definitions.items()):
            if name.isidentifier():
                yield Candidate(name, 0, described(name, definition.formals))
        for keyword in sorted(KEYWORDS):
            yield Candidate(keyword, 0, "word of the language")
        first = ("default", *self._session.imported)
        rest = [name for name in registry.namespaces if name not in first]
        for name in (*first, *rest):
            yield from self._primitives(name, "")
        for name in registry.namespaces:
            yield Candidate(f"{name}.", 0, "namespace")

    def _primitives(self, namespace: str, prefix: str) -> Iterator[Candidate]:
        table = self._session.registry.table(namespace)
        for short in sorted(table):
            if short.isidentifier():
                primitive = table[short]
                signature = primitive.signature
                yield Candidate(prefix + short, 0, signature, primitive.summary)


def described(name: str, formals: Iterable[str]) -> str:
    """Return how a defined name is used: ``f(a, b)``, or ``x`` for a value."""
    listed = ", ".join(formals)
    return f"{name}({listed})" if listed else name
