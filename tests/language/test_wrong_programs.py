"""Every wrong program of the corpus gets what it announces, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import corpus

CASES = corpus.cases()
FILES = sorted(corpus.FOLDER.glob("*.imgql"))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_wrong_program_gets_the_diagnostics_it_announces(
    case: corpus.Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    found = list(case.diagnose())
    for expected in case.expectations():
        fitting = [one for one in found if expected.fits(one)]
        assert fitting, f"{expected} not in {[one.render() for one in found]}"
        found.remove(fitting[0])
    assert not found, [one.render() for one in found]


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_the_full_texts_are_those_that_were_read_over(file: Path) -> None:
    written = file.with_suffix(".txt").read_text(encoding="utf-8")
    assert corpus.snapshot_of(file) == written, (
        "run python -m tests.language.corpus and look at the difference"
    )


def test_there_are_at_least_four_hundred_wrong_programs() -> None:
    wrong = [case for case in CASES if case.expectations()]
    assert len(wrong) >= 400
