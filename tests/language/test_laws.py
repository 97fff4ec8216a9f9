"""Laws: what does not change a plan, and what no text can do."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from language import Diagnostic, ProgramError

from .plans import compiled, meaning

NAMES = ["a", "b", "c", "d", "e"]


@st.composite
def expressions(draw: st.DrawFn, names: tuple[str, ...], depth: int = 3) -> str:
    """Draw an expression over some names."""
    choices = ["number", "array", "infix", "let", "for", "call"]
    if names:
        choices += ["name", "name"]
    kind = draw(st.sampled_from(choices)) if depth else "number"
    if not depth and names:
        kind = draw(st.sampled_from(["number", "name"]))
    below = expressions(names, max(depth - 1, 0))
    match kind:
        case "number":
            return str(draw(st.integers(0, 9)))
        case "name":
            return draw(st.sampled_from(names))
        case "array":
            return f"[{draw(below)}, {draw(below)}]"
        case "infix":
            op = draw(st.sampled_from(["+", "-", "==", "&&"]))
            # Whatever stands below, its number of items is a number.
            return f"(length([{draw(below)}]) {op} length([{draw(below)}]))"
        case "call":
            return f"sequence({draw(below)}, {draw(below)})"
    variable = draw(st.sampled_from(["v", "w"]))
    inner = draw(expressions((*names, variable), depth - 1))
    if kind == "let":
        return f"(let {variable} = {draw(below)} in {inner})"
    return f"(for {variable} in [{draw(below)}] do {inner})"


@st.composite
def programs(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Draw definitions, each of which may use those before it."""
    count = draw(st.integers(1, 5))
    return [(NAMES[at], draw(expressions(tuple(NAMES[:at])))) for at in range(count)]


def written(program: list[tuple[str, str]]) -> str:
    lines = [f"let {name} = {body}" for name, body in program]
    return "\n".join([*lines, f'print "value" {program[-1][0]}'])


@given(programs())
def test_names_do_not_matter(program: list[tuple[str, str]]) -> None:
    text = written(program)
    table = {ord(name): f"other_{name}" for name in "abcde"}
    renamed = "\n".join(
        " ".join(
            word.translate(table) if len(word) == 1 and word.isalpha() else word
            for word in _words(line)
        )
        for line in text.split("\n")
    )
    assert meaning(renamed) == meaning(text)


@given(programs())
def test_nesting_of_lets_does_not_matter(program: list[tuple[str, str]]) -> None:
    nested = "".join(f"let {name} = {body} in " for name, body in program)
    text = f'print "value" {nested}{program[-1][0]}'
    assert meaning(text) == meaning(written(program))


@given(programs(), st.randoms(use_true_random=False))
def test_the_order_of_independent_definitions_does_not_matter(
    program: list[tuple[str, str]], chance: random.Random
) -> None:
    waiting = list(program)
    ordered: list[tuple[str, str]] = []
    while waiting:
        done = {name for name, _ in ordered}
        ready = [
            one
            for one in waiting
            if all(word in done for word in _words(one[1]) if word in NAMES)
        ]
        chosen = chance.choice(ready)
        waiting.remove(chosen)
        ordered.append(chosen)
    lines = [f"let {name} = {body}" for name, body in ordered]
    text = "\n".join([*lines, f'print "value" {program[-1][0]}'])
    assert meaning(text) == meaning(written(program))


@given(programs(), st.sampled_from(["\n", "\t", "  ", " // note\n", "\r\n"]))
def test_blanks_and_comments_do_not_matter(
    program: list[tuple[str, str]], blank: str
) -> None:
    text = written(program)
    spread = blank.join(_words(text))
    assert meaning(spread) == meaning(text)


@given(programs())
def test_a_value_and_a_function_of_nothing_else_mean_the_same(
    program: list[tuple[str, str]],
) -> None:
    lines = [f"let {name} = {body}" for name, body in program]
    last = program[-1][0]
    lines += [f"f(unused) = {last}", 'print "value" f(0)']
    assert meaning("\n".join(lines)) == meaning(written(program))


TOKENS = [
    *["let", "in", "for", "do", "filter", "fold", "import", "save", "print", "load"],
    *[
        "true",
        "false",
        "1",
        "2.5",
        "-3",
        ".5",
        "1e",
        '"s"',
        '"vox1"',
        '"',
        "$dir",
        "$x",
    ],
    *["a", "b", "c", "f", "N", "B+", "T", "a.b", "vox1.near", "range", "map", "near"],
    *["volume", "border", "tt", "max", "min", "+", "-", "*", "/", "==", "=", ":", "!"],
    *["&", "&&", "<.", ".>", "~", "(", ")", "[", "]", ",", "//", "\n", "§", "x="],
    *["=-1", "[:"],
]
soup = st.lists(st.sampled_from(TOKENS), max_size=40).map(" ".join)


@settings(max_examples=300)
@given(soup)
def test_any_text_is_a_program_or_has_errors_with_places(text: str) -> None:
    for found in errors(text):
        assert found.line >= 1
        assert found.column >= 1
        assert found.render()


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_any_characters_are_a_program_or_have_errors(text: str) -> None:
    errors(text)


@given(programs(), st.data())
def test_a_program_with_a_piece_missing_never_breaks_the_compiler(
    program: list[tuple[str, str]], data: st.DataObject
) -> None:
    words = _words(written(program))
    at = data.draw(st.integers(0, len(words) - 1))
    errors(" ".join(words[:at] + words[at + 1 :]))


def errors(text: str) -> tuple[Diagnostic, ...]:
    """Return the errors of a text; there are some, or it is a program."""
    try:
        compiled(text)
    except ProgramError as error:
        return error.diagnostics
    return ()


def _words(text: str) -> list[str]:
    """Return the tokens of a generated program."""
    for mark in "()[],":
        text = text.replace(mark, f" {mark} ")
    return text.split()
