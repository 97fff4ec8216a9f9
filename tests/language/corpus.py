"""The corpus of wrong programs in ``errors/*.imgql``, and what is said of each.

A file holds programs parted by lines of ``---``.  What must be said of a program is
written into it:

``// error CODE@COLUMN: text``
    an error with this code, in this line, at this column, whose message or hint holds
    the text; ``warning`` likewise
``// above error CODE@COLUMN: text``
    the same of the last line that is no such comment
``// nowhere error CODE: text``
    the same without a place

Nothing else may be said of it.  Lines that begin with ``//!`` say how it is read:

``//! parameters NAME=VALUE …``
    with these parameters
``//! dialect vox1``
    as VoxLogicA 1 would read it
``//! escapes``
    ``\\xNN`` stands for a byte, in the whole program
``//! file NAME``
    what follows is another file beside it, up to the next such line

The full texts are in ``errors/*.txt``, one file for each of the corpus.  After a
change, ``python -m tests.language.corpus`` writes them anew; look at the difference.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import language
from language import Diagnostic, ProgramError, compile_program
from primitives.catalog import standard_registry

FOLDER = Path(__file__).parent / "errors"
PROGRAM = "program.imgql"
EXPECTED = re.compile(
    r"// (above |nowhere )?(error|warning) ([a-z0-9-]+)(?:@(\d+))?: (.*)$"
)
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")


@dataclass(frozen=True)
class Expectation:
    """What must be said of a program."""

    file: str
    line: int
    column: int
    severity: str
    code: str
    text: str

    def fits(self, found: Diagnostic) -> bool:
        """Return whether this is what was expected."""
        place = (found.file, found.line, found.column) if self.line else None
        return (
            place in (None, (self.file, self.line, self.column))
            and bool(found.line) == bool(self.line)
            and (found.severity.value, found.code) == (self.severity, self.code)
            and self.text in f"{found.message}; {found.hint}"
        )


@dataclass(frozen=True)
class Case:
    """A wrong program.

    Attributes:
        name: of its file and its place in it.
        text: as it stands in the corpus.
        files: texts by name; the program is the first.
    """

    name: str
    text: str
    files: dict[str, str]
    parameters: dict[str, float | str | bool] = field(default_factory=dict)
    dialect: Literal["imgql", "vox1"] = "imgql"
    escapes: bool = False

    def write(self, folder: Path) -> None:
        """Write its files into a folder."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            content = _without_comments(text).encode()
            if self.escapes:
                content = _ESCAPE.sub(
                    lambda found: bytes.fromhex(str(found[1], "ascii")), content
                )
            path.write_bytes(content)

    def diagnose(self) -> tuple[Diagnostic, ...]:
        """Return all that is said of it; its files are in the current folder."""
        try:
            compiled = compile_program(
                Path(PROGRAM),
                registry=standard_registry(),
                parameters=self.parameters,
                dialect=self.dialect,
            )
        except ProgramError as error:
            return error.diagnostics
        return compiled.warnings

    def expectations(self) -> list[Expectation]:
        """Return what it says must be said of it."""
        found = []
        for name, text in self.files.items():
            line = 0
            for number, content in enumerate(text.split("\n"), 1):
                match = EXPECTED.search(content)
                if match is None or not match[1]:
                    line = number
                if match is None:
                    continue
                at = 0 if match[1] == "nowhere " else line
                expected = (name, at, int(match[4] or 0), match[2], match[3])
                found.append(Expectation(*expected, match[5].strip()))
        return found


def cases() -> list[Case]:
    """Return the corpus."""
    return [case for file in sorted(FOLDER.glob("*.imgql")) for case in cases_of(file)]


def cases_of(file: Path) -> list[Case]:
    """Return the programs of one file."""
    chunks = file.read_text(encoding="utf-8").removesuffix("\n").split("\n---\n")
    return [_case(f"{file.stem}-{at}", text) for at, text in enumerate(chunks, 1)]


def snapshot_of(file: Path) -> str:
    """Return the full texts that are said of the programs of one file."""
    parts = []
    for case in cases_of(file):
        with _folder_of(case):
            said = "\n".join(found.render() for found in case.diagnose())
        parts.append(f"#### {case.name}\n{_without_comments(case.text)}----\n{said}\n")
    return "\n".join(parts)


def _case(name: str, text: str) -> Case:
    files: dict[str, list[str]] = {PROGRAM: []}
    current = files[PROGRAM]
    options: dict[str, str] = {}
    for line in text.split("\n"):
        if line.startswith("//! file "):
            current = files.setdefault(line.removeprefix("//! file "), [])
            continue
        if line.startswith("//! "):
            word, _, rest = line.removeprefix("//! ").partition(" ")
            options[word] = rest
        current.append(line)
    pairs = (pair.split("=") for pair in options.get("parameters", "").split())
    return Case(
        name,
        text,
        {name: "\n".join(lines) + "\n" for name, lines in files.items()},
        {name: _value(value) for name, value in pairs},
        "vox1" if options.get("dialect") == "vox1" else "imgql",
        "escapes" in options,
    )


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _without_comments(text: str) -> str:
    """Return a text without what must be said of it; its lines stay where they are."""
    lines = []
    for line in text.split("\n"):
        match = EXPECTED.search(line)
        lines.append(line[: match.start()].rstrip() if match else line)
    return "\n".join(lines).rstrip("\n") + "\n"


@contextlib.contextmanager
def _folder_of(case: Case) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as temporary:
        case.write(Path(temporary))
        with contextlib.chdir(temporary):
            yield


RUNNING = FOLDER / "while_running"
"""A program whose goals fail while it runs, and all that is said of it."""


def run(
    folder: Path, *words: str, has_store: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder, with a store of its own in it."""
    store = ("--store", str(folder / "store")) if has_store else ()
    kept = {key: one for key, one in os.environ.items() if key[:8] != "VOXPEER_"}
    sources = str(Path(language.__file__).parent.parent)
    home = {"HOME": str(folder), "PYTHONPATH": sources}
    return subprocess.run(
        [sys.executable, "-m", "voxpeer", *words, *store],
        cwd=folder,
        env={**kept, **home, "XDG_CONFIG_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def said_while_running(folder: Path) -> tuple[int, str]:
    """Run the program in an empty folder; return the exit code and what it says."""
    _make_inputs(folder)
    program = (RUNNING / PROGRAM).read_text(encoding="utf-8")
    (folder / PROGRAM).write_text(program, encoding="utf-8")
    words = ("--execution-engine", "sequential", "--no-progress")
    done = run(folder, "run", PROGRAM, *words)
    said = done.stdout + done.stderr.replace(str(folder.resolve()), "FOLDER")
    # How long it took, and how much was done, is nothing to compare.
    lines = [line for line in said.splitlines() if not line.startswith("executed ")]
    return done.returncode, "\n".join(lines) + "\n"


def _make_inputs(folder: Path) -> None:
    import numpy as np
    import SimpleITK as sitk

    (folder / "cases").mkdir()
    for name, value in (("one", 10), ("two", 20)):
        array = np.zeros((8, 9, 10), np.float32)
        array[2:5, 2:5, 2:5] = value
        image = sitk.GetImageFromArray(array)
        sitk.WriteImage(image, str(folder / "cases" / f"{name}.nii.gz"))
    (folder / "cases" / "damaged.nii.gz").write_bytes(b"this is no image")
    other = sitk.GetImageFromArray(np.zeros((8, 9, 11), np.float32))
    sitk.WriteImage(other, str(folder / "other.nii.gz"))
    (folder / "values.json").write_text('{"name": "tumour", "volume": 3}')
    (folder / "broken.json").write_text('{"name": ')
    (folder / "lines.txt").write_text("a\nb\n")


def main() -> None:
    """Write the full texts anew."""
    with tempfile.TemporaryDirectory() as temporary:
        _, said = said_while_running(Path(temporary).resolve())
    (RUNNING / "said.txt").write_text(said, encoding="utf-8")
    for file in sorted(FOLDER.glob("*.imgql")):
        snapshot = file.with_suffix(".txt")
        snapshot.write_text(snapshot_of(file), encoding="utf-8")


if __name__ == "__main__":
    main()
