"""The programs that documents show, and what comes of running them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from peer.cli.app import main

_BLOCK = re.compile(
    r"^```(imgql|text)(?: ([^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Shown:
    """A program of a document.

    Attributes:
        place: document and line, for people.
        program: its text.
        prints: what the document says that it prints; None if it says nothing.
        marks: the words after ``imgql``: ``part`` of a program, ``needs=MODULE`` to
            run it, ``fails`` with the message that follows, ``checked`` and not run.
    """

    place: str
    program: str
    prints: str | None
    marks: str

    @property
    def is_runnable(self) -> bool:
        """Whether it is a whole program, and what it needs is installed."""
        words = self.marks.split()
        needed = [word.partition("=")[2] for word in words if word.startswith("needs=")]
        return not {"part", "wrong"} & set(words) and all(map(find_spec, needed))


def shown_in(document: Path) -> Iterator[Shown]:
    """Yield the programs of a document, each with the output that follows it."""
    text = document.read_text("utf-8")
    blocks = list(_BLOCK.finditer(text))
    for at, block in enumerate(blocks):
        if block[1] != "imgql":
            continue
        after = blocks[at + 1] if at + 1 < len(blocks) else None
        prints = after[3] if after is not None and after[1] == "text" else None
        line = text.count("\n", 0, block.start()) + 1
        yield Shown(f"{document.name}:{line}", block[3], prints, block[2] or "")


def problem_with(
    shown: Shown, folder: Path, capfd: pytest.CaptureFixture[str], *words: str
) -> str:
    """Run a program in a folder and return how it differs from what is said of it.

    Args:
        shown: the program.
        folder: the current directory of this process.
        capfd: sees what is printed.
        words: further words of the command line.
    """
    program = folder / "shown.imgql"
    program.write_text(shown.program, "utf-8")
    capfd.readouterr()
    is_run = "checked" not in shown.marks.split()
    code = main(["run" if is_run else "check", program.name, *words])
    output, messages = capfd.readouterr()
    if "fails" in shown.marks.split():
        is_said = code != 0 and (shown.prints or "").strip() in messages
        return "" if is_said else f"{shown.place}: exit code {code}\n{messages}"
    if code != 0 or "warning" in messages:
        return f"{shown.place}: exit code {code}\n{messages}"
    if shown.prints is not None and not _fits(output, shown.prints):
        return f"{shown.place} prints\n{output}instead of\n{shown.prints}"
    return ""


def _fits(output: str, said: str) -> bool:
    """Compare, where "…" stands for any text within a line."""
    pattern = re.escape(said).replace("…", "[^\n]*")
    return re.fullmatch(pattern, output) is not None
