"""What is said of constants before a run is what the kernels say in it."""

from __future__ import annotations

import pytest

from language import ProgramError
from primitives.catalog import standard_registry
from primitives.context import Context
from primitives.errors import PrimitivesError
from primitives.values import Value

from .plans import compiled

UNKNOWN = 'load("values.json")'
"""A value of which the compiler knows nothing."""


@pytest.mark.parametrize(
    ("call", "name", "arguments"),
    [
        ("1 / 0", "default.division", (1.0, 0.0)),
        ("[1, 2] / 0", "default.division", ((1.0, 2.0), 0.0)),
        ("1 + true", "default.addition", (1.0, True)),
        ('1 + "a"', "default.addition", (1.0, "a")),
        ('"a" + "b"', "default.addition", ("a", "b")),
        ('"a" - "b"', "default.subtraction", ("a", "b")),
        ('"a" == 1', "default.num_eq", ("a", 1.0)),
        ('"a" < "b"', "default.num_lt", ("a", "b")),
        ("[] + 1", "default.addition", ((), 1.0)),
        ("[1] + [1, 2]", "default.addition", ((1.0,), (1.0, 2.0))),
        ('[] - "a"', "default.subtraction", ((), "a")),
        ('!"a"', "default.logical_not", ("a",)),
        ("![]", "default.logical_not", ((),)),
        ("!3", "default.logical_not", (3.0,)),
        ("[1, 2][2]", "default.index", ((1.0, 2.0), 2.0)),
        ("[1, 2][1]", "default.index", ((1.0, 2.0), 1.0)),
        ("[1, 2][-1]", "default.index", ((1.0, 2.0), -1.0)),
        ("[1, 2][0.5]", "default.index", ((1.0, 2.0), 0.5)),
        ('[1, 2]["1"]', "default.index", ((1.0, 2.0), "1")),
        ('[1, 2]["a"]', "default.index", ((1.0, 2.0), "a")),
        ("[1, 2][true]", "default.index", ((1.0, 2.0), True)),
        ('"ab"[1]', "default.index", ("ab", 1.0)),
        ('"ab"[2]', "default.index", ("ab", 2.0)),
        ("[1, 2][5:]", "default.slice", ((1.0, 2.0), 5.0)),
        ("[1, 2][-1:]", "default.slice", ((1.0, 2.0), -1.0)),
        ("[1, 2][0.5:]", "default.slice", ((1.0, 2.0), 0.5)),
        ("subsequence([1, 2], -1)", "default.subsequence", ((1.0, 2.0), -1.0)),
        ("subsequence([1, 2], 0.5)", "default.subsequence", ((1.0, 2.0), 0.5)),
        ("range(3)", "default.range", (3.0,)),
        ("range(2.5)", "default.range", (2.5,)),
        ("range(-3)", "default.range", (-3.0,)),
        ("argmax([])", "default.argmax", ((),)),
        ("argmax([true])", "default.argmax", ((True,),)),
        ('argmax(["a"])', "default.argmax", (("a",),)),
        ("vector_uint32([1])", "arrays.vector_uint32", ((1.0,),)),
        ('vector_double(["a"])', "arrays.vector_double", (("a",),)),
        ('dice_score([1], ["a"])', "arrays.dice_score", ((1.0,), ("a",))),
        ("dice_score([1], [0])", "arrays.dice_score", ((1.0,), (0.0,))),
        ('format_string("{}", 1)', "strings.format_string", ("{}", 1.0)),
        ('format_string("{} {}", 1)', "strings.format_string", ("{} {}", 1.0)),
        ('format_string("{")', "strings.format_string", ("{",)),
        ('format_string("{:03d}", 2)', "strings.format_string", ("{:03d}", 2.0)),
        ('format_string("{:03d}", 2.5)', "strings.format_string", ("{:03d}", 2.5)),
        ('format_string("{:d}", "a")', "strings.format_string", ("{:d}", "a")),
        ('format_string("{:>5}", "a")', "strings.format_string", ("{:>5}", "a")),
        ('format_string("{:.2f}", 1)', "strings.format_string", ("{:.2f}", 1.0)),
        ('format_string("{:5d}", true)', "strings.format_string", ("{:5d}", True)),
        ('format_string("{a}", 1)', "strings.format_string", ("{a}", 1.0)),
        ("(fold + [1, 2])", "default.fold", ("+", None, (1.0, 2.0))),
        ('(fold + ["a"])', "default.fold", ("+", None, ("a",))),
        ('(fold + "" ["a"])', "default.fold", ("+", "", ("a",))),
        ("(fold max [])", "default.fold", ("max", None, ())),
        ('(fold max ["a"])', "default.fold", ("max", None, ("a",))),
        ('(fold max ["a", "b"])', "default.fold", ("max", None, ("a", "b"))),
        ("(fold / 1 [2, 0])", "default.fold", ("/", 1.0, (2.0, 0.0))),
        ("(fold && [1, true])", "default.fold", ("&&", None, (1.0, True))),
    ],
)
def test_an_error_before_the_run_is_one_in_the_run(
    call: str, name: str, arguments: tuple[Value, ...]
) -> None:
    kernel = standard_registry().get(name).load()
    try:
        kernel(Context(), *arguments)
        runs = True
    except PrimitivesError:
        runs = False
    try:
        compiled(f'print "x" {call}')
        compiles = True
    except ProgramError:
        compiles = False
    assert compiles == runs


@pytest.mark.parametrize(
    "program",
    [
        f"{UNKNOWN} + 1",
        f"{UNKNOWN}[0]",
        f'{UNKNOWN}["name"]',
        f"for item in {UNKNOWN} do item / 2",
        f"!{UNKNOWN}",
        f"(fold + {UNKNOWN})",
        f"map(length, {UNKNOWN})",
        f"filter item in {UNKNOWN} do item",
        "for item in [] do near(3)",
        "for item in range(0) do item + 1",
        "[1, 2, 3][3:]",
        "[[1, 2], 3][0][1]",
        '["a", 1][1] + 1',
        'for pair in [["a", 1], ["b", 2]] do pair[1] / 2',
        "let unused = near(3) in 1",
        'dice_score(load("a.nii"), load("b.nii"))["dice_score"] * 100',
        'MinimumMaximum(load("a.nii"))[1] / 2',
        'volume(fold + (for p in dir("images") do load("a.nii")))',
        'BinaryDilate(load("a.nii") > 3, [2, 2, 2], "sitkBall")',
        'BinaryDilate(load("a.nii") > 3, 2, "Ball", boundaryToForeground = 1)',
        'Cast(load("a.nii"), 8)',
        'ConnectedThreshold(load("a.nii"), [[1, 2, 3]], 1, 2)',
        'JoinSeries([load("a.nii"), load("b.nii")])',
        'LabelMapToLabel(load("a.nii") > 3)',
        'load("a.nii") / 0',
        "concat(1, true, [1, 2])",
        'format_string("{}", [1])',
    ],
)
def test_what_may_run_is_no_error(program: str) -> None:
    assert compiled(f'print "x" {program}').plan.goals


def test_an_argument_that_no_function_body_uses_is_no_error() -> None:
    compiled_program = compiled('first(a, b) = a\nprint "x" first(1, near(3))')
    (warning,) = compiled_program.warnings
    assert "nothing asks for" in warning.message


def test_one_function_is_checked_for_each_of_its_uses() -> None:
    with pytest.raises(ProgramError) as raised:
        compiled(
            "count(m) = volume(m)\n"
            'print "a" count(load("a.nii"))\n'
            'print "b" for p in ["a.nii"] do count(load(p))\n'
            'print "c" for n in [1, 2] do count(n)\n'
        )
    (found,) = raised.value.diagnostics
    assert (found.line, found.code) == (1, "kind")
    assert [(note.line, note.column) for note in found.calls] == [(4, 30)]
