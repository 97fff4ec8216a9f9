"""``voxpeer primitives`` explains whatever a program can call."""

from __future__ import annotations

import json

import pytest

from peer.cli.app import main
from peer.cli.exit_codes import ExitCode


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what the command prints."""
    assert main(["primitives", *words]) == 0
    return capsys.readouterr().out


def test_a_primitive_is_shown_with_meanings_units_and_an_example(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = shown(capsys, "distleq")
    assert page.startswith("vox1.distleq(distance: number, region: mask) -> mask\n")
    assert "distance (number): in mm" in page
    assert "Units        mm" in page
    assert "print " in page
    assert "voxels=229.0" in page


def test_a_function_of_a_library_is_shown_with_its_import(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = shown(capsys, "touch")
    assert page.startswith("touch(b, c)\n")
    assert 'Needs        import "vox1"' in page
    assert "through(near(c), b)" in page


@pytest.mark.parametrize(
    ("operator", "usage"),
    [
        (">.", "i >. n"),
        ("N", "N b"),
        ("B+", "B+ b"),
        ("~", "a ~[r, k] t"),
        ("!.", "!. p"),
        ("+", "default.addition(left"),
    ],
)
def test_an_operator_is_shown_as_it_is_written(
    operator: str, usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(capsys, "--", operator).startswith(usage)


def test_a_namespace_and_a_library_are_listed_together(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = shown(capsys, "vox1").splitlines()
    assert any(line.startswith("vox1.near ") for line in lines)
    assert any(line.startswith("touch ") for line in lines)


def test_words_are_searched_in_names_and_texts_and_names_come_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = shown(capsys, "--search", "distance REGION").splitlines()
    names = [line.split()[0] for line in lines]
    assert "vox1.dt" in names
    assert "pdt" in names
    found = shown(capsys, "--search", "percentiles").splitlines()
    assert found[0].startswith("vox1.percentiles ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tuch"], "there is no primitive 'tuch'; did you mean 'touch'?"),
        (["intensty"], "did you mean 'intensity'?"),
        (["qqqq"], "try 'voxpeer primitives --search WORD'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["primitives", *words]) == ExitCode.NO_MATCH
    assert message in capsys.readouterr().err


def test_a_word_that_occurs_nowhere_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["primitives", "--search", "zzzz"]) == ExitCode.USAGE
    assert "nothing has 'zzzz'" in capsys.readouterr().err


def test_json_holds_meanings_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(shown(capsys, "between", "--json"))
    assert found["parameters"][0]["meaning"] == "the lower limit, included"
    assert found["examples"][0]["prints"] == "voxels=506.0\n"
    library = json.loads(shown(capsys, "dice", "--json"))
    assert library["library"] == "vox1"
