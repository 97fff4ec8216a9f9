"""What the command line says of wrong programs, and of those that fail as they run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import corpus


@pytest.mark.slow
def test_what_fails_as_it_runs_fails_alone_and_says_where(tmp_path: Path) -> None:
    code, said = corpus.said_while_running(tmp_path.resolve())
    written = (corpus.RUNNING / "said.txt").read_text(encoding="utf-8")
    assert code == 8
    assert said == written, (
        "run python -m tests.language.corpus and look at the difference"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words", "code"),
    [
        ('print "x" 1 + 2', ("run",), 0),
        ('print "x" 1 + "a"', ("run",), 3),
        ('print "x" 1 + "a"', ("check",), 3),
        ('print "x" (1', ("run",), 3),
        ('print "x" load("nothing.nii")', ("run",), 3),
        ('print "x" [1][length([1])]', ("run",), 8),
    ],
)
def test_exit_codes(
    text: str, words: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    (tmp_path / corpus.PROGRAM).write_text(text)
    done = corpus.run(tmp_path, *words, corpus.PROGRAM, has_store="run" in words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert bool(code) == ("error" in done.stderr)


@pytest.mark.slow
def test_check_tells_programs_where_a_mistake_is(tmp_path: Path) -> None:
    text = 'let f(a) = near(a)\nprint "x" f(3)\n'
    (tmp_path / corpus.PROGRAM).write_text(text)
    done = corpus.run(tmp_path, "check", corpus.PROGRAM, "--json", has_store=False)
    (found,) = json.loads(done.stdout)["diagnostics"]
    assert (found["code"], found["line"], found["column"]) == ("kind", 1, 17)
    assert [(call["line"], call["column"]) for call in found["calls"]] == [(2, 11)]
