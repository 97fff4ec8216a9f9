"""Collects what is wrong with a program, with places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .errors import Diagnostic, Note, Severity
from .source import Source


class Reporter:
    """Collects diagnostics; the same thing is said once.

    Attributes:
        errors: in the order in which they were found.
        warnings: likewise.
        incomplete: whether a part of the program could not be read, so that names may
            seem undefined that are not.
    """

    def __init__(self) -> None:
        self.errors: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []
        self.incomplete = False
        self.imports: tuple[Note, ...] = ()
        """The imports that led to the file at hand, innermost first."""
        self._said: set[tuple[str, str, int, int, Severity]] = set()

    def error(
        self,
        code: str,
        message: str,
        source: Source,
        start: int,
        end: int,
        *,
        hint: str = "",
        calls: tuple[Note, ...] = (),
    ) -> None:
        """Take an error."""
        found = self.make(Severity.ERROR, code, message, source, start, end, hint)
        self.add(found, calls)

    def has_error(self, code: str, source: Source, offset: int) -> bool:
        """Return whether such an error was found in the line of a character."""
        line = source.line(offset)
        return any(
            (found.code, found.file, found.line) == (code, source.name, line)
            for found in self.errors
        )

    def warn(
        self,
        code: str,
        message: str,
        source: Source,
        start: int,
        end: int,
        *,
        hint: str = "",
    ) -> None:
        """Take a warning."""
        self.add(self.make(Severity.WARNING, code, message, source, start, end, hint))

    def make(
        self,
        severity: Severity,
        code: str,
        message: str,
        source: Source,
        start: int,
        end: int,
        hint: str = "",
    ) -> Diagnostic:
        """Return a diagnostic without taking it."""
        line, column, end_column = source.place(start, end)
        text = source.line_text(line)
        return Diagnostic(
            severity,
            code,
            message,
            source.name,
            line,
            column,
            end_column,
            text,
            hint,
            self.imports,
        )

    def add(self, found: Diagnostic, calls: tuple[Note, ...] = ()) -> None:
        """Take a diagnostic unless the same was said of this place."""
        identity = (found.code, found.file, found.line, found.column, found.severity)
        if identity in self._said:
            return
        self._said.add(identity)
        if calls:
            found = replace(found, calls=calls + found.calls)
        errors = found.severity is Severity.ERROR
        (self.errors if errors else self.warnings).append(found)


def ordered(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Return what was found in the order of the lines, file after file.

    In one line, what is wrong with an argument comes before what it leads to; what has
    no place comes last.
    """
    files = {one.file: -at for at, one in enumerate(reversed(found))}
    return sorted(found, key=lambda one: (not one.line, files[one.file], one.line))
