"""``voxpeer check -`` looks at a text that is not saved."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from peer.cli.app import main
from peer.cli.exit_codes import ExitCode

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "check.md"


def checked(
    text: bytes,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *words: str,
) -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code and the diagnostics."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    code = main(["check", "-", "--json", *words])
    return code, json.loads(capsys.readouterr().out)["diagnostics"]


def test_a_mistake_has_its_place_and_the_name_that_was_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, (found,) = checked(
        b'print "x" foo', monkeypatch, capsys, "--name", "my/new.imgql"
    )
    assert code == ExitCode.PROGRAM
    assert found["code"] == "unbound-name"
    assert found["file"] == "my/new.imgql"
    assert (found["line"], found["column"], found["end_column"]) == (1, 11, 14)


def test_the_fields_are_those_of_the_page_in_its_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, (found,) = checked(b'print "x" foo', monkeypatch, capsys)
    page = PAGE.read_text("utf-8")
    documented = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert list(found) == documented
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (shown,) = json.loads(example)["diagnostics"]
    _, (again,) = checked(
        (shown["source_line"] + "\n").encode() + b'print "x" head',
        *(monkeypatch, capsys),
        *("--name", "program.imgql"),
    )
    assert again == shown


def test_imports_are_looked_for_beside_the_name(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "tools.imgql").write_text("let twice(x) = x + x\n", "utf-8")
    name = str(tmp_path / "new.imgql")
    text = b'import "tools.imgql"\nprint "x" twice(2)'
    assert checked(text, monkeypatch, capsys, "--name", name) == (ExitCode.DONE, [])


def test_what_is_no_text_is_an_error_and_no_crash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, (found,) = checked(b"\xff\xfe", monkeypatch, capsys)
    assert (code, found["code"]) == (ExitCode.PROGRAM, "unreadable-program")


def test_a_name_goes_with_standard_input_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "a.imgql"
    program.write_text('print "x" 1', "utf-8")
    assert main(["check", str(program), "--name", "b"]) == ExitCode.USAGE
