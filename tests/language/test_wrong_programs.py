"""Every wrong program of ``errors/*.imgql`` gets the errors it announces.

A file holds programs parted by lines of ``---``.  A comment ``// error: text`` says
that an error with this text must appear in its line, ``// warning: text`` a warning,
and ``// above error: text`` an error in the last line that is no such comment.  No
other errors or warnings may appear.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from language import Diagnostic, ProgramError, compile_text
from primitives.catalog import standard_registry

EXPECTED = re.compile(r"// (above )?(error|warning): (.*)$")
FOLDER = Path(__file__).parent / "errors"


def programs() -> list[tuple[str, str]]:
    """Return every program with a name for it."""
    found = []
    for file in sorted(FOLDER.glob("*.imgql")):
        chunks = file.read_text(encoding="utf-8").split("\n---\n")
        found += [(f"{file.stem}-{at}", text) for at, text in enumerate(chunks, 1)]
    return found


PROGRAMS = programs()


def expectations(text: str) -> list[tuple[int, str, str]]:
    """Return line, severity and text of what must be said of a program."""
    found = []
    line = 0
    for number, content in enumerate(text.split("\n"), 1):
        match = EXPECTED.search(content)
        if match is None or not match[1]:
            line = number
        if match is not None:
            found.append((line, match[2], match[3].strip()))
    return found


def diagnose(text: str, directory: Path) -> tuple[Diagnostic, ...]:
    """Return all that is said of a program."""
    try:
        compiled = compile_text(text, registry=standard_registry(), directory=directory)
    except ProgramError as error:
        return error.diagnostics
    return compiled.warnings


@pytest.mark.parametrize(("name", "text"), PROGRAMS, ids=[name for name, _ in PROGRAMS])
def test_a_wrong_program_gets_the_diagnostics_it_announces(
    name: str, text: str, tmp_path: Path
) -> None:
    found = list(diagnose(text, tmp_path))
    for line, severity, words in expectations(text):
        fitting = [
            one
            for one in found
            if one.line == line
            and one.severity.value == severity
            and words in f"{one.message}; {one.hint}"
        ]
        assert fitting, f"{words!r} not in line {line}: {[f.render() for f in found]}"
        found.remove(fitting[0])
    assert not found, [one.render() for one in found]


def test_there_are_at_least_sixty_wrong_programs() -> None:
    assert len(PROGRAMS) >= 60
