"""Errors of the language, and the diagnostics that they carry.

``LanguageError``
    ``ProgramError``  a program is wrong: every mistake found, each with its place
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum


class LanguageError(Exception):
    """Base of all errors of this room; its text is for people."""


class Severity(StrEnum):
    """How bad a diagnostic is."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Note:
    """A further place that explains a diagnostic: an enclosing call or import.

    Attributes:
        message: what happens there, for people.
        file: path as given, or empty.
        line: counted from 1.
        column: counted from 1, in characters.
    """

    message: str
    file: str
    line: int
    column: int

    def render(self) -> str:
        """Return the note in one line."""
        return f"{self.file}:{self.line}:{self.column}: note: {self.message}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing to say about a program, with its place.

    Attributes:
        severity: error or warning.
        code: stable word for programs, such as ``unbound-name``.
        message: what is wrong, for people.
        file: path as given; empty when there is no place.
        line: counted from 1; 0 when there is no place.
        column: counted from 1, in characters.
        end_column: first column after the place, on the same line.
        source_line: the text of the line.
        hint: what to do, or empty.
        calls: the calls and imports that led here, innermost first.
    """

    severity: Severity
    code: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    end_column: int = 0
    source_line: str = field(default="", repr=False)
    hint: str = ""
    calls: tuple[Note, ...] = ()

    def render(self) -> str:
        """Return the diagnostic for a terminal: place, message, line, caret, notes."""
        text = self.message + (f"; {self.hint}" if self.hint else "")
        lines = [f"{self._place()}{self.severity.value}: {text}"]
        if self.line:
            lines += self._excerpt()
        return "\n".join([*lines, *(note.render() for note in self.calls)])

    def as_dict(self) -> dict[str, object]:
        """Return the diagnostic as JSON-like data."""
        return {
            "severity": self.severity.value,
            "code": self.code,
            "message": self.message,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "end_column": self.end_column,
            "source_line": self.source_line,
            "hint": self.hint,
            "calls": [
                {
                    "message": note.message,
                    "file": note.file,
                    "line": note.line,
                    "column": note.column,
                }
                for note in self.calls
            ],
        }

    def _place(self) -> str:
        if not self.line:
            return f"{self.file}: " if self.file else ""
        return f"{self.file}:{self.line}:{self.column}: "

    def _excerpt(self) -> list[str]:
        # Long lines are cut around the place, so that the caret stays in sight.
        start = max(0, self.column - 60) if len(self.source_line) > 100 else 0
        shown = self.source_line[start : start + 100]
        before = shown[: self.column - 1 - start]
        blank = "".join("\t" if char == "\t" else " " for char in before)
        width = max(1, min(self.end_column - self.column, 100 - len(before)))
        return ["    " + shown, "    " + blank + "^" * width]


def softened(found: Diagnostic, why: str) -> Diagnostic:
    """Return an error as a warning, because it does not matter for the reason given."""
    return replace(found, severity=Severity.WARNING, message=f"{found.message} ({why})")


class ProgramError(LanguageError):
    """A program is wrong.

    Attributes:
        diagnostics: all errors found, in the order of the text, then warnings.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(found.render() for found in self.diagnostics))
