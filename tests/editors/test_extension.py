"""The extension shows what ``voxpeer check`` finds in a text."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .test_grammar import EXTENSION, HERE

WRONG = 'heart = intensty(load("heart.nii"))\nprint "voxels" volume(heart)\n'


def in_the_editor(
    folder: Path, command: str, word: str, text: str = WRONG
) -> dict[str, Any]:
    """Return what the editor shows of a wrong program."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    program = folder / "wrong.imgql"
    program.write_text(text, "utf-8")
    done = subprocess.run(
        [node, HERE / "stand_in.cjs", EXTENSION, program, command, word],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def voxpeer(tmp_path: Path) -> str:
    """A command that runs this voxpeer."""
    command = tmp_path / "voxpeer"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m voxpeer "$@"\n', "utf-8")
    command.chmod(0o755)
    return str(command)


@pytest.mark.slow
def test_mistakes_are_shown_at_their_places_and_names_are_explained(
    tmp_path: Path, voxpeer: str
) -> None:
    found = in_the_editor(tmp_path, voxpeer, "volume")
    (mistake,) = found["shown"]
    assert mistake["places"] == [0, 8, 0, 16]
    assert mistake["code"] == "unbound-name"
    assert "did you mean 'intensity'?" in mistake["message"]
    assert found["hover"].startswith("vox1.volume(region: mask) -> double\n")


@pytest.mark.slow
def test_places_are_counted_as_editors_do_and_calls_are_shown(
    tmp_path: Path, voxpeer: str
) -> None:
    text = 'f(a) = avg("🧠", a)\nprint "🧠" f(2)\nprint "🧠" nope\n'
    found = in_the_editor(tmp_path, voxpeer, "volume", text)["shown"]
    assert [2, 11, 2, 15] in [mistake["places"] for mistake in found]
    notes = [note for mistake in found for note in mistake["notes"]]
    assert [str(tmp_path / "wrong.imgql"), 1] in [note[:2] for note in notes]


@pytest.mark.slow
def test_a_word_without_a_meaning_is_not_explained(
    tmp_path: Path, voxpeer: str
) -> None:
    assert in_the_editor(tmp_path, voxpeer, "heart")["hover"] is None


def test_a_missing_command_is_said_once(tmp_path: Path) -> None:
    found = in_the_editor(tmp_path, str(tmp_path / "nothing"), "volume")
    assert "voxpeer.command" in found["message"]


@pytest.mark.slow
def test_the_problem_matcher_reads_what_check_says(tmp_path: Path) -> None:
    program = tmp_path / "wrong.imgql"
    program.write_text(WRONG, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "voxpeer", "check", program.name, "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    contributes = json.loads((EXTENSION / "package.json").read_text())["contributes"]
    patterns = contributes["problemMatchers"][0]["pattern"]
    first = next(at for at, line in enumerate(lines) if '"severity"' in line)
    found = {}
    for pattern, line in zip(patterns, lines[first:], strict=False):
        match = re.search(pattern["regexp"], line)
        assert match, line
        found.update(
            {name: match[group] for name, group in pattern.items() if name != "regexp"}
        )
    assert found["file"] == "wrong.imgql"
    assert (found["line"], found["column"], found["endColumn"]) == ("1", "9", "17")
    assert (found["severity"], found["code"]) == ("error", "unbound-name")
