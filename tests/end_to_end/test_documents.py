"""What the documents show is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .workplace import EXAMPLE, PROJECT, Workplace

TUTORIAL = PROJECT / "docs" / "tutorial" / "first-program.md"
README = PROJECT / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")
LINK_TO_HEADING = re.compile(r"\]\(([^)#:]*)#([^)]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
DOCUMENTS = [*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md"))]


def blocks(document: Path) -> list[tuple[str, str]]:
    """Return the fenced blocks of a document with their languages."""
    return BLOCK.findall(document.read_text("utf-8"))


@pytest.mark.slow
def test_the_programs_of_the_tutorial_print_what_it_says(workplace: Workplace) -> None:
    program = workplace.folder / "first.imgql"
    shown = 0
    for language, text in blocks(TUTORIAL):
        if language == "imgql":
            program.write_text(text, "utf-8")
        elif language == "text":
            outcome = workplace.voxpeer("run", "first.imgql")
            assert outcome.exit_code == 0, outcome.stderr
            assert outcome.stdout == text
            shown += 1
    assert shown == 4


@pytest.mark.slow
def test_the_readme_shows_the_output_of_the_example(workplace: Workplace) -> None:
    output = workplace.voxpeer("run", str(EXAMPLE)).stdout
    printed = [
        line for line in output.splitlines() if "_ml=" in line or "_dice=" in line
    ]
    shown = [text for _, text in blocks(README) if text.startswith("brain_ml=")]
    assert shown == ["\n".join(printed) + "\n"]


def test_the_lines_of_the_example_in_the_readme_are_those_of_the_program() -> None:
    squeezed = {
        " ".join(line.split()) for line in EXAMPLE.read_text("utf-8").splitlines()
    }
    shown = [text for _, text in blocks(README) if text.startswith("let rank")]
    assert len(shown) == 1
    for line in shown[0].splitlines():
        assert " ".join(line.split()) in squeezed


def headings(document: Path) -> set[str]:
    """Return what the headings of a document are called in links."""
    return {
        re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        for heading in HEADING.findall(document.read_text("utf-8"))
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_a_heading_find_it(document: Path) -> None:
    held: dict[Path, set[str]] = {}
    for name, heading in LINK_TO_HEADING.findall(document.read_text("utf-8")):
        target = document.parent / name if name else document
        if target not in held:
            held[target] = headings(target)
        assert heading in held[target], f"{document}: {name}#{heading}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text("utf-8")):
        assert (document.parent / target).exists(), f"{document}: {target}"
