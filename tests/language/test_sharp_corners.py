"""Texts that may be read in more than one way, and what they mean here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from language import ProgramError

from .plans import compiled, meaning, value


@pytest.mark.parametrize(
    ("written", "same"),
    [
        # a sign belongs to the digit after it where an operand is awaited
        ("10 -3", "10 - 3"),
        ("j+1", "j + 1"),
        ("j-1-1", "(j - 1) - 1"),
        ("3 * -2", "3 * (0 - 2)"),
        ("[-1,+2]", "[0 - 1, 2]"),
        ("xs[-1 + 2]", "xs[1]"),
        ("(-1)", "0 - 1"),
        ("(1)-1", "1 - 1"),
        ("xs[0]-1", "(xs[0]) - 1"),
        # "=" and ":" part from what is glued to them
        ("let x=-1 in x", "let x = -1 in x"),
        ("let f=!true in f", "let f = !true in f"),
        ("xs[:+2]", "xs[: 2]"),
        ("xs[1:+2]", "xs[1 : 2]"),
        ("xs[j:]", "xs[j : ]"),
        # operators take as many characters as they can
        ("1 +// one\n2", "1 +// 2 two"),
        # grouping
        ("2 + 3 * 4", "20"),
        ("10 - 3 - 2", "5"),
        ("1 + 2 == 3", "true"),
        ("!true && false", "false"),
        ("!xs[0] == 1", "(!(xs[0])) == 1"),
        ("! !true", "true"),
        # forms take all that follows
        ("for i in xs do i + 1", "for i in xs do (i + 1)"),
        ("let a = 1 in a + 1", "let a = 1 in (a + 1)"),
        ("fold + xs / 3", "fold + (xs / 3)"),
        ("1 + (for i in xs do i)", "1 + (map(same, xs))"),
        # the seed of a fold
        ("fold + 1 xs", "fold + (1) (xs)"),
        ("fold + xs[0] xs[1:]", "fold + (xs[0]) (xs[1:])"),
        ("fold max xs", "(fold max xs)"),
        ("[fold + xs, 2]", "[(fold + xs), 2]"),
        ("fold / 8 [2, 2]", "fold / (8) ([2, 2])"),
        ("fold + let a = xs in a", "fold + (xs)"),
        ("fold + 1 let b = xs in b", "fold + (1) (xs)"),
        ("(for i in xs do j)[0:1]", "(map(two, xs))[0:1]"),
        # brackets
        ("same(xs)[0]", "xs[0]"),
        ("[xs][0][1]", "(([xs])[0])[1]"),
        ("+(1, 2)", "1 + 2"),
        ("- (3, 2)", "3 - 2"),
        # words that begin as keywords do are names
        ("trueish + information", "7 + 8"),
        ("let letter = 1 in letter", "1"),
        ("let inner = 1 in let dodo = inner in dodo", "1"),
    ],
)
def test_a_text_means_the_same_as_another(written: str, same: str) -> None:
    before = (
        "xs = [4, 5, 6]\nj = 2\nsame(x) = x\ntwo(x) = j\ntrueish = 7\ninformation = 8\n"
        "+//(p, q) = p - q\n"
    )
    if "//" in written:
        assert value("5 +// 3", before) == value("5 - 3", before)
        return
    assert _computed(value(written, before)) == _computed(value(same, before))


def _computed(tree: object) -> object:
    """Return a tree whose sums and comparisons of numbers are carried out."""
    if not isinstance(tree, tuple) or len(tree) < 2:
        return tree
    name, *args = (_computed(part) for part in tree)
    numbers = [arg[1] for arg in args if isinstance(arg, tuple) and len(arg) == 2]
    if len(numbers) < len(args) or not all(
        isinstance(number, float | bool) for number in numbers
    ):
        return (name, *args)
    found = _COMPUTE[name](*numbers) if name in _COMPUTE else None
    return (name, *args) if found is None else (type(found).__name__, found)


_COMPUTE: dict[str, Callable[..., object]] = {
    "default.addition": lambda p, q: p + q,
    "default.subtraction": lambda p, q: p - q,
    "default.multiplication": lambda p, q: p * q,
    "default.num_eq": lambda p, q: p == q,
    "default.logical_and": lambda p, q: p and q,
    "default.logical_not": lambda p: not p,
}


@pytest.mark.parametrize(
    "command",
    ["let y = 3", "y = 3", "y(q) = q", "+?(p, q) = p", "B*(p) = p", "N(p) = p",
     'import "vox1"', 'load i = "i.nii"', 'print "w" 1', 'save "w.txt" 1', "// end",
     ""],
)  # fmt: skip
@pytest.mark.parametrize("end", ["xs", "(xs)", "xs[1:]", "[1, 2]", "same(xs)"])
def test_a_command_after_a_fold_without_a_seed_is_a_command(
    command: str, end: str
) -> None:
    before = "xs = [4, 5]\nsame(x) = x\n"
    text = f'{before}t = fold + {end}\n{command}\nprint "v" t'
    expected = value(f"(fold + {end})", before)
    assert meaning(text)[-1][2] == expected


@pytest.mark.parametrize(
    "definition",
    [
        "+?(p, q) = p",
        "N(p) = p",
        "N = 4",
        "B*(p, q) = p",
        "y = 4",
        "y(p) = p",
        "=?(p) = p",
    ],
)
def test_a_definition_without_let_may_follow_any_expression(definition: str) -> None:
    for expression in ("a", "f(a)", "1", "[a][0]", "(a)", "true"):
        text = f'a = 3\nf(x) = x\nx = {expression}\n{definition}\nprint "v" x'
        assert meaning(text)[-1][2] == value(expression, "a = 3\nf(x) = x")


def test_newlines_mean_nothing_within_a_command() -> None:
    assert value("1\n+\n2") == value("1 + 2")
    assert value("f\n(1,\n2)", "f(a, b) = a + b") == value("1 + 2")
    assert meaning('let\nx\n=\n1\nprint\n"v"\nx') == meaning('print "v" 1')


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('let f() = 1\nprint "v" 1', (1, 7), "expected"),
        ('f(x) = x\nprint "v" f()', (2, 13), "expected"),
        ('print "v" 1 + for i in [1] do i', (1, 15), "for"),
        ('let for = 1\nprint "v" 1', (1, 5), "for"),
        ('let $x = 1\nprint "v" 1', (1, 5), "$x"),
        ('let a.b = 1\nprint "v" 1', (1, 5), "a.b"),
        ('f(a, a) = a\nprint "v" 1', (1, 6), "twice"),
        ('print "v" true &!false', (1, 16), "'&!' is not defined"),
        ('print "v" "open', (1, 11), 'needs a closing "'),
        ('print "v" fold / [1, 2]', (1, 16), "needs a seed"),
        ('print "v" fold ^ [1, 2]', (1, 16), "cannot use '^'"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_place(
    text: str, place: tuple[int, int], message: str
) -> None:
    with pytest.raises(ProgramError) as raised:
        compiled(text)
    found = raised.value.diagnostics[0]
    assert (found.line, found.column) == place
    assert message in found.message
