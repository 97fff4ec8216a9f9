"""Lines become entries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from language import Session
from peer.repl.entries import Entries, split
from primitives.catalog import standard_registry


def entries_of(lines: list[str]) -> list[str]:
    entries = Entries(Session(registry=standard_registry()))
    found = [entry for line in lines for entry in entries.add(line)]
    return [*found, *entries.end()]


@pytest.mark.parametrize(
    ("lines", "entries"),
    [
        (["1 + 1", "x = 2"], ["1 + 1", "x = 2"]),
        (["f(x) =", "  x +", "  1", "f(2)"], ["f(x) =\n  x +\n  1", "f(2)"]),
        (["", "// words", "1"], ["1"]),
        (["f(1,", "", "2)"], ["f(1,\n\n2)"]),
        ([":why x", "1"], [":why x", "1"]),
        (["  :names"], [":names"]),
        (["x = (1 +", 'print "y" 2'], ["x = (1 +", 'print "y" 2']),
        (["x = (1 +", "y = 2", "3"], ["x = (1 +", "y = 2", "3"]),
        (["x = ) 1", "2"], ["x = ) 1", "2"]),
        (["x = (1"], ["x = (1"]),
    ],
)
def test_an_entry_ends_where_it_is_whole_or_wrong(
    lines: list[str], entries: list[str]
) -> None:
    assert entries_of(lines) == entries


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("x = 1\nx + 1", ["x = 1", "x + 1"]),
        ("x = 1\nx", ["x = 1", "x"]),
        ("x = 1\ny =", ["x = 1\ny ="]),
        ("x = 1\n  + 2", ["x = 1\n  + 2"]),
        ("x = 1\ny = )", ["x = 1\ny = )"]),
        ("1 + 1", ["1 + 1"]),
        ("f(x) =\n x\nf(1)\nf(2)", ["f(x) =\n x", "f(1)", "f(2)"]),
    ],
)
def test_what_was_pasted_is_cut_only_if_that_makes_it_right(
    text: str, entries: list[str]
) -> None:
    assert split(Session(registry=standard_registry()), text) == entries


@given(st.lists(st.text("ab1(),=+ \"\n:/'[]", max_size=12), max_size=6))
def test_no_line_is_lost(lines: list[str]) -> None:
    """Every character but blanks and comments comes out again, in order."""
    lines = [part for line in lines for part in line.split("\n")]
    kept = "".join("".join(entries_of(lines)).split())
    rest = iter("".join("".join(lines).split()))
    assert all(char in rest for char in kept)
    letters = [char for char in "".join(lines) if char in "ab"]
    if not any("//" in line for line in lines):
        assert [char for char in kept if char in "ab"] == letters
