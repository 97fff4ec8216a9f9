"""Names that can be typed, and what is told of them."""

from __future__ import annotations

import pytest

from language import Session
from peer.repl.names import Names, open_string
from primitives.catalog import standard_registry


@pytest.fixture
def session() -> Session:
    return Session(registry=standard_registry(), parameters={"threshold": 3.0})


def texts(session: Session, before: str) -> list[str]:
    return [found.text for found in Names(session).candidates(before)]


def test_own_names_come_before_primitives(session: Session) -> None:
    session.add("dicey(a, b) = a + b", "entry 1")
    found = Names(session).candidates("x + di")
    assert (found[0].text, found[0].start) == ("dicey", -2)
    assert found[0].signature == "dicey(a, b)"
    assert "dir" in [candidate.text for candidate in found]


def test_primitives_have_their_signatures(session: Session) -> None:
    (found,) = Names(session).candidates("percentiles")
    assert found.signature.startswith("image: image, region: mask")
    assert found.summary


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ("simpleitk.Med", "simpleitk.Median"),
        ("simple", "simpleitk."),
        ("fi", "filter"),
        ("$thr", "$threshold"),
        ("$", "$cwd"),
    ],
)
def test_what_can_be_completed(session: Session, before: str, name: str) -> None:
    assert name in texts(session, before)


@pytest.mark.parametrize("before", ["", "1 + ", "12", "12ab", "x)"])
def test_where_there_is_no_name_none_is_offered(session: Session, before: str) -> None:
    assert texts(session, before) == []


def test_a_library_is_known_after_its_import(session: Session) -> None:
    assert "touch" not in texts(session, "tou")
    session.add('import "vox1"', "entry 1")
    assert "touch" in texts(session, "tou")


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        ("volume(", "volume(region: mask) -> "),
        ("x = own(1, ", "own(low, high)"),
        ('own(load("a(b', "load("),
        ("own((1 + 2), ", "own(low, high)"),
        ("own(volume(x), ", "own(low, high)"),
    ],
)
def test_the_function_around_the_cursor_is_told(
    session: Session, before: str, shown: str
) -> None:
    session.add("own(low, high) = low + high", "entry 1")
    found = Names(session).called_at(before)
    assert found is not None
    assert found.text.startswith(shown)


@pytest.mark.parametrize("before", ["", "x", "own(1)", "(1 + ", "nothing(", "1 // f("])
def test_outside_of_functions_none_is_told(session: Session, before: str) -> None:
    session.add("own(x) = x", "entry 1")
    assert Names(session).called_at(before) is None


@pytest.mark.parametrize(
    ("before", "inside"),
    [
        ('load("a/b', "a/b"),
        ('load("a") + load("', ""),
        ('load("a")', None),
        ('1 // "comment', None),
        ('"a\\"b', 'a\\"b'),
        ('x = "one\ny = 2', None),
    ],
)
def test_the_string_around_the_cursor_is_found(before: str, inside: str | None) -> None:
    assert open_string(before) == inside
