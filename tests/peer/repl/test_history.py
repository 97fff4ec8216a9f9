"""What was typed is remembered, privately, and never in the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from peer.repl.history import KEPT_ENTRIES, SLACK, History


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "voxpeer" / "history"


def test_entries_are_there_in_the_next_session(file: Path) -> None:
    first = History(file)
    for entry in ("x = 1", "f(x) =\n  x", 'print "ü" 1'):
        first.add(entry)
    assert History(file).entries == ["x = 1", "f(x) =\n  x", 'print "ü" 1']


def test_nobody_else_can_read_it(file: Path) -> None:
    before = os.umask(0)
    try:
        History(file).add("x = 1")
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_others_could_read_is_made_private(file: Path) -> None:
    History(file).add("x = 1")
    file.chmod(0o644)
    History(file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_begins_with_a_blank_is_not_remembered(file: Path) -> None:
    history = History(file)
    history.add(" secret = 1")
    history.add("")
    assert history.entries == []
    assert not file.exists()


def test_the_same_entry_twice_is_remembered_once(file: Path) -> None:
    history = History(file)
    history.add("x")
    history.add("x")
    assert History(file).entries == ["x"]


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    history = History(None)
    history.add("x")
    assert history.entries == ["x"]
    assert list(tmp_path.iterdir()) == []


def test_sessions_at_the_same_time_keep_both_their_entries(file: Path) -> None:
    one, other = History(file), History(file)
    one.add("a")
    other.add("b")
    one.add("c")
    assert History(file).entries == ["a", "b", "c"]


def test_lines_that_are_no_entries_are_passed_over(file: Path) -> None:
    History(file).add("x")
    with file.open("ab") as stream:
        stream.write(b'\xff\x00 nonsense\n["no", "entry"]\n"half')
    assert History(file).entries == ["x"]


def test_an_entry_after_a_torn_line_is_not_lost(file: Path) -> None:
    History(file).add("x")
    with file.open("ab") as stream:
        stream.write(b'"half')
    History(file).add("y")
    assert History(file).entries == ["x", "y"]


def test_a_long_history_forgets_its_beginning(file: Path) -> None:
    count = KEPT_ENTRIES + SLACK + 1
    file.parent.mkdir()
    file.write_text("".join(f'"x = {number}"\n' for number in range(count)))
    assert History(file).entries[-1] == f"x = {count - 1}"
    assert len(History(file).entries) == KEPT_ENTRIES
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_place_that_cannot_be_written_is_told_and_no_hindrance(
    tmp_path: Path,
) -> None:
    (tmp_path / "taken").write_text("")
    history = History(tmp_path / "taken" / "history")
    history.add("x")
    assert history.entries == ["x"]
    assert "what you type is not kept" in history.problem
