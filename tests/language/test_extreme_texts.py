"""Texts that are large, deep or strange are refused or compiled, soon and in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from language import Diagnostic, ProgramError, compile_program, compile_text
from primitives.catalog import standard_registry

DEEP = 10_000


def said_of(text: str) -> tuple[Diagnostic, ...]:
    """Return the errors of a text; there must be some."""
    with pytest.raises(ProgramError) as raised:
        compile_text(text, registry=standard_registry(), directory=Path("/data"))
    return raised.value.diagnostics


def plan_of(text: str) -> object:
    """Return the first constant of a program."""
    compiled = compile_text(text, registry=standard_registry(), directory=Path("/data"))
    return getattr(compiled.plan.nodes[0], "value", None)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ('print "v" ' + "(" * DEEP + "1" + ")" * (DEEP - 1), 2 * DEEP + 11),
        ('print "v" ' + "[" * DEEP, DEEP + 11),
        ('print "v" 1' + "]" * DEEP, 12),
        ('print "v" ' + "(" * DEEP + "nothing" + ")" * DEEP, DEEP + 11),
        ('print "v" ' + "length(" * DEEP + "1" + ")" * DEEP, 7 * DEEP + 11),
        ('print "v" ' + "1 + " * DEEP + '"a"', 4 * DEEP + 9),
        ('print "v" ' + "let a = 1 in " * DEEP + "b", 13 * DEEP + 11),
        ("x" * 100_000, 100_001),
        ('print "v" ' + "1 " * 50_000, 13),
        ('print "v" nothing // ' + "x" * 1_000_000, 11),
    ],
)
def test_a_mistake_is_found_however_deep_or_long_the_line(
    text: str, column: int
) -> None:
    found = said_of(text)
    assert (found[0].line, found[0].column) == (1, column)
    assert max(map(len, found[0].render().splitlines())) < 500


def test_a_mistake_in_each_of_many_lines_is_told() -> None:
    found = said_of("\n".join(f"let a{n} = nothing{n}" for n in range(2_000)))
    assert [one.line for one in found] == list(range(1, 2_001))


def test_many_stray_characters_are_told_a_few_times() -> None:
    assert len(said_of("§" * 100_000)) <= 20


def test_many_mistakes_in_one_long_line_share_its_text() -> None:
    found = said_of('print "v" [' + ", ".join(["nothing"] * 5_000) + "]")
    assert len({id(one.source_line) for one in found}) == 1


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e308", 1e308),
        ("1e999", float("inf")),
        ("1e-999", 0.0),
        ("9" * 400, float("inf")),
        ("0." + "0" * 400 + "1", 0.0),
        ("123456789012345678901234567890", 1.2345678901234568e29),
        ("1e" + "9" * 1000, float("inf")),
    ],
)
def test_numbers_of_any_size_are_doubles(written: str, value: float) -> None:
    assert plan_of(f'print "v" {written}') == value


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b'\xef\xbb\xbfprint "v" nothing', (1, 11)),
        (b'let a = 1\rprint "v" nothing', (2, 11)),
        (b'let a = 1\r\nprint "v" nothing\r\n', (2, 11)),
        (b'\t\tprint\t"v"\tnothing', (1, 13)),
        ('print "é" nothing'.encode(), (1, 11)),
        ('print "😀" nothing'.encode(), (1, 11)),
        (b'\n\n\nprint "v" nothing', (4, 11)),
        (b'print "v" nothing \x00', (1, 19)),
        (b"", None),
        (b"\xef\xbb\xbf", None),
        (b"\n\r\n\r // nothing", None),
        (b"\x1f\x8b\x08\x00\x00", (0, 0)),
        (b'print "\xed\xa0\x80" 1', (0, 0)),
        ('print "v" nothing'.encode("utf-16"), (0, 0)),
        (b'print "v" nothing'.decode().encode("utf-16-le"), (1, 2)),
    ],
)
def test_places_do_not_depend_on_how_the_text_is_encoded(
    content: bytes, place: tuple[int, int] | None, tmp_path: Path
) -> None:
    path = tmp_path / "program.imgql"
    path.write_bytes(content)
    try:
        compiled = compile_program(path, registry=standard_registry())
    except ProgramError as error:
        found = error.diagnostics[0]
        assert (found.line, found.column) == place
    else:
        assert place is None
        assert [one.code for one in compiled.warnings] == ["no-goals"]
