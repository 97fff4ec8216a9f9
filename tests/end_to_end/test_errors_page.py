"""The page on errors shows what voxpeer says, of every code that there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from language import ProgramError, compile_text
from primitives.catalog import standard_registry

from .examples import Shown, shown_in
from .workplace import PROJECT

PAGE = PROJECT / "docs" / "reference" / "errors.md"
SMALL = PROJECT / "docs" / "examples" / "small"
CORPUS = PROJECT / "tests" / "language" / "errors"
WITHOUT_A_PROGRAM = {"unreadable-program", "import-cycle"}
"""What takes more than the text of one program."""


@dataclass(frozen=True)
class Said:
    """What is said of a program: the codes, and the whole text."""

    codes: tuple[str, ...]
    text: str


def said_of(shown: Shown) -> Said:
    """Check a program of the page."""
    given = re.search(r"-p (\w+)=(\w+)", shown.marks)
    try:
        found = compile_text(
            shown.program,
            name="program.imgql",
            registry=standard_registry(),
            directory=SMALL,
            parameters={given[1]: float(given[2])} if given else {},
        ).warnings
    except ProgramError as error:
        found = error.diagnostics
    codes = tuple(one.code for one in found)
    return Said(codes, "".join(one.render() + "\n" for one in found))


def sections() -> Iterator[tuple[str, str]]:
    """Yield each code of the page with the text below it."""
    pieces = re.split(r"^### (.+)\n", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    yield from zip(pieces[1::2], pieces[2::2], strict=True)


SECTIONS = dict(sections())


@pytest.mark.parametrize("code", [c for c in SECTIONS if c not in WITHOUT_A_PROGRAM])
def test_a_code_is_shown_by_a_wrong_program_and_a_right_one(
    code: str, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(SECTIONS[code], "utf-8")
    wrong, right = shown_in(page)
    assert wrong.marks.startswith("wrong")
    assert code in said_of(wrong).codes
    assert said_of(wrong).text == wrong.prints
    assert said_of(right).text == ""


def test_every_code_of_the_corpus_has_a_section() -> None:
    corpus = "\n".join(file.read_text("utf-8") for file in CORPUS.glob("*.imgql"))
    codes = set(re.findall(r"// .*?(?:error|warning) ([a-z-]+)(?:@\d+)?:", corpus))
    assert codes == set(SECTIONS)
