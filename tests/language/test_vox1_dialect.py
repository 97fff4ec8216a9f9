"""Programs that were written for VoxLogicA 1, and ``--dialect vox1``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from language import Compiled, ProgramError, compile_program, compile_text
from primitives.catalog import standard_registry
from scheduler.plan import Scalar

from .plans import compiled, meaning, trees, value

LOAD = 'load a = "a.nii"\n'


def in_dialect(text: str, **parameters: Scalar) -> Compiled:
    """Compile a program as VoxLogicA 1 reads it."""
    return compile_text(
        text, registry=standard_registry(), parameters=parameters, dialect="vox1"
    )


def old(expression: str, before: str = "") -> Any:
    """Return the tree of one expression, read as VoxLogicA 1 does."""
    plan = in_dialect(f'{before}\nprint "v" {expression}').plan
    return trees(plan)[plan.goals[0].node]


# ---- grouping --------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("10 .-. 3 .-. 2", "10 .-. (3 .-. 2)"),
        ("2 .*. 3 .+. 4", "2 .*. (3 .+. 4)"),
        ("!. true .&. false", "!. (true .&. false)"),
        ("(!. true) .&. false", "and_(!. (true), false)"),
        ("!. !. true", "!. (!. true)"),
        ("N a & b", "N (a & b)"),
        ("N I a", "N (I a)"),
        ("N (a) & b", "N ((a) & b)"),
        ("!(a) & b", "!((a) & b)"),
        ("T(a, b) & a", "(T(a, b)) & a"),
        ("a & N b | a", "a & (N (b | a))"),
        ("a ~[1, 2] b & a", "~(a, b & a, 1, 2)"),
    ],
)
def test_operators_take_all_that_follows_them(written: str, same: str) -> None:
    before = (
        'load a = "a.nii"\nload b = "b.nii"\nlet and_(p,q) = p .&. q\n'
        "let ~(p,q,r,k) = mask(p,q) +. (r .+. k)"
    )
    assert old(written, before) == old(same, before)


@pytest.mark.parametrize(
    ("chain", "operators"),
    [
        ("a & b & a", []),
        ("emptyB(a) .&. emptyB(b) .&. true", []),
        ("a & !b", []),
        ("a & N b", []),
        ("a & N(b)", []),
        ("(a \\ b) & a", []),
        ("&(a, b) & a", []),
        ("T(a, b) & a", []),
        ("N (a) & b", ["&"]),
        ("N a & b", ["&"]),
        ("!a & b", ["&"]),
        ("near(!a & b)", ["&"]),
        ("a & b | a", ["|"]),
        ("a | b & a | b", ["&", "|"]),
        ("a \\ b \\ a", ["\\"]),
    ],
)
def test_a_chain_whose_value_depends_on_the_grouping_is_warned_of(
    chain: str, operators: list[str]
) -> None:
    program = f'load a = "a.nii"\nload b = "b.nii"\nprint "v" [{chain}]'
    warnings = compiled(program).warnings
    assert {warning.code for warning in warnings} <= {"grouping"}
    places = [(it.line, it.source_line[it.column - 1]) for it in warnings]
    assert places == [(3, operator) for operator in operators]


def test_a_program_of_today_is_not_warned() -> None:
    assert not compiled('print "v" 1 + 2 * 3').warnings


def test_what_such_a_program_imports_is_warned_of_too(tmp_path: Path) -> None:
    (tmp_path / "tools.imgql").write_text("let f(b,c) = !b & c")
    main = tmp_path / "main.imgql"
    main.write_text(f'import "tools.imgql"\n{LOAD}print "v" volume(f(a,a))')
    (warning,) = compile_program(
        main, registry=standard_registry(), directory=tmp_path
    ).warnings
    assert (warning.file, warning.line, warning.code) == ("tools.imgql", 1, "grouping")


# ---- words -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "meant"),
    [
        ("0x1F", 31.0),
        ("0X1p4", 16.0),
        ("0x1.8", 1.5),
        ("-0x10", -16.0),
        ("1e3", 1000.0),
        ("inf", float("inf")),
        ("-inf", float("-inf")),
        ("Infinity", float("inf")),
        ("0x1p9999", float("inf")),
    ],
)
def test_numbers_may_be_hexadecimal_or_without_end(number: str, meant: float) -> None:
    assert value(number) == ("float", meant)
    assert old(number) == ("float", meant)


@pytest.mark.parametrize("number", ["nan", "NaN", "-nan"])
def test_a_number_may_be_none(number: str) -> None:
    kind, found = value(number)
    assert kind == "float"
    assert found != found


def test_a_name_that_the_program_gives_is_no_number() -> None:
    assert value("inf + nan", "inf = 3\nnan = 4") == value("3 + 4")
    assert value("f(2)", "f(inf) = inf + 1") == value("2 + 1")
    assert value("let nan = 2 in nan") == value("2")


@pytest.mark.parametrize(
    "operator", ["AND", "<N>", "&B", "+X+", "B*", "A+B", ".N.", "XY"]
)
def test_operators_may_hold_capitals(operator: str) -> None:
    program = f'let {operator}(p,q) = p - q\nprint "v" 5 {operator} 3'
    assert meaning(program) == meaning('print "v" 5 - 3')
    assert trees(in_dialect(program).plan)


@pytest.mark.parametrize("operator", ["N+", "&T", "Z"])
def test_operators_with_capitals_may_stand_before_an_operand(operator: str) -> None:
    program = f'let {operator}(p) = p - 1\nprint "v" 5 + {operator} 3'
    assert meaning(program) == meaning('print "v" 5 + (3 - 1)')


def test_operators_that_an_imported_file_defines_are_known(tmp_path: Path) -> None:
    (tmp_path / "deep.imgql").write_text("let A+(p,q) = p - q\nlet <B>(p,q) = p + q")
    (tmp_path / "tools.imgql").write_text('import "deep"\nlet f(p) = p <B> 1')
    main = tmp_path / "main.imgql"
    main.write_text('import "tools"\nprint "v" f(1) A+ 2 <B> 3')
    plan = compile_program(main, registry=standard_registry(), directory=tmp_path).plan
    assert trees(plan)[plan.goals[0].node] == value("((1 + 1) - 2) + 3")


def test_capitals_part_from_small_letters_in_the_dialect() -> None:
    before = 'load a = "a.nii"'
    assert old("volume(Na & Ia)", before) == old("volume(N (a & I (a)))", before)


def test_words_of_today_are_names_in_the_dialect() -> None:
    program = (
        "let filter(in,do) = in .+. do\nlet fold = 2\nlet for(x) = x\n"
        'print "v" for(filter(fold,3))'
    )
    plan = in_dialect(program).plan
    assert trees(plan)[plan.goals[0].node] == value("2 + 3")


# ---- strings and parameters ------------------------------------------------


def test_strings_may_span_lines() -> None:
    assert meaning(f'{LOAD}print "two\nlines" 1')[0][1] == "two\nlines"
    (goal,) = in_dialect('print "two\nlines" 1').plan.goals
    assert goal.label == "two\nlines"


def test_a_string_without_an_end_is_an_error_where_it_begins() -> None:
    for text in (f'{LOAD}print "open 1\nlet x = 2', 'print "v" "two\nlines"'):
        with pytest.raises(ProgramError) as raised:
            compiled(text)
        codes = [found.code for found in raised.value.diagnostics]
        assert "unterminated-string" in codes


def test_a_backslash_is_a_character_in_the_dialect() -> None:
    assert [goal.label for goal in in_dialect('print "a\\" 1').plan.goals] == ["a\\"]


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("$DIR/$NAME.nii", "data/p1.nii"),
        ("$DIR/$NAME_flair.nii", "data/p1_flair.nii"),
        ("$NAME_T1.nii", "special.nii"),
        ("$COUNT-$PART-$OTHER", "3-0.5-$OTHER"),
        ("cost: $ 3", "cost: $ 3"),
    ],
)
def test_parameters_are_put_into_the_strings_of_a_template(
    text: str, filled: str
) -> None:
    parameters: dict[str, Scalar] = {
        "DIR": "data",
        "NAME": "p1",
        "NAME_T1": "special",
        "COUNT": 3.0,
        "PART": 0.5,
    }
    done = compiled(f'load i = "{text}"\nprint "{text}" max(i)', **parameters)
    assert done.plan.goals[0].label == filled
    tree = trees(done.plan)[done.plan.goals[0].node]
    assert tree == ("vox1.max", ("vox1.load", ("str", filled)))


def test_a_parameter_in_a_string_is_used() -> None:
    assert not compiled(f'{LOAD}print "$N" volume(a)', N="x").warnings


def test_a_loaded_path_may_be_a_parameter() -> None:
    tree = meaning('load i = $FILE\nprint "v" max(i)', FILE="x.nii")[0][2]
    assert tree == ("vox1.max", ("vox1.load", ("str", "x.nii")))


def test_the_strings_of_a_program_of_today_are_taken_as_they_are() -> None:
    assert meaning('print "$N" "$N" + $N', N="x") == [
        ("print", "$N", ("default.addition", ("str", "$N"), ("str", "x")))
    ]


# ---- meaning ---------------------------------------------------------------


def test_every_program_has_the_library_in_the_dialect() -> None:
    assert in_dialect('print "v" 1 .+. 2').plan.goals


def test_what_no_goal_needs_is_not_looked_at() -> None:
    text = f'{LOAD}let broken = nothing(a)\nlet f(x) = nothing\nprint "v" volume(a)'
    found = [warning.message for warning in compiled(text).warnings]
    assert found == [
        "the name 'nothing' is not defined (in a value never used)",
        "the name 'nothing' is not defined (in a function never called)",
    ]
    with pytest.raises(ProgramError):
        compiled("broken = nothing(1)\n" + 'print "v" 1')


def test_a_later_image_is_put_on_the_grid_of_the_first() -> None:
    first = ("vox1.load", ("str", "a.nii"))
    program = f'{LOAD}load b = "b.nii"\nload c = "c.nii"\nprint "v" volume(b & c)'
    _, second, third = meaning(program)[0][2][1]
    assert second == ("vox1.aligned", ("vox1.load", ("str", "b.nii")), first)
    assert third == ("vox1.aligned", ("vox1.load", ("str", "c.nii")), first)


def test_the_first_image_counts_also_when_its_name_is_given_anew() -> None:
    program = f'{LOAD}let a = 3\nload b = "b.nii"\nprint "v" volume(b)'
    tree = meaning(program)[0][2][1]
    assert tree[2] == ("vox1.load", ("str", "a.nii"))


def test_what_is_no_image_can_be_loaded_too() -> None:
    program = f'load t = "t.json"\n{LOAD}print "v" [t, volume(tt)]'
    _, table, count = meaning(program)[0][2]
    assert table == ("default.load", ("str", "t.json"))
    assert count == ("vox1.volume", ("vox1.tt", ("vox1.load", ("str", "a.nii"))))


def test_a_definition_of_the_library_may_be_given_anew() -> None:
    program = f'{LOAD}let touch(p,q) = p\nprint "v" volume(touch(a,a) | grow(a,a))'
    tree = str(meaning(program))
    assert "vox1.through" in tree  # grow goes on meaning what it meant
