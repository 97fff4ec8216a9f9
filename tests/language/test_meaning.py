"""What programs mean: the plans they become."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import language
from language import ProgramError, compile_program, compile_text
from primitives.catalog import standard_registry
from scheduler.plan import App, Fn, PlanBuilder

from .plans import compiled, meaning, trees, value


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("10-3", "10 - 3"),
        ("10 -3", "10 - 3"),
        ("3 * -2", "3 * (-2)"),
        ("2 + 3 * 4", "(2 + 3) * 4"),
        ("10 - 3 - 2", "(10 - 3) - 2"),
        ("!true && false", "(!true) && false"),
        ("![true][0]", "!([true][0])"),
        ("+(1, 2)", "1 + 2"),
        ("[1, 2, 3][1:]", "slice([1, 2, 3], 1)"),
        ("[1, 2, 3][1:2]", "slice([1, 2, 3], 1, 2)"),
        ("[1, 2, 3][1]", "index([1, 2, 3], 1)"),
        ("fold + 0 [1, 2]", "(fold + 0 [1, 2])"),
        ("fold + [1, 2] / 3", "fold + ([1, 2] / 3)"),
        ("for i in [1] do i + 1", "for i in [1] do (i + 1)"),
        ("range(first = 1, stop = 5)", "range(1, 5)"),
        ("range(1, stop=5)", "range(1, 5)"),
        ("range(stop = 5, first=-1)", "range(-1, 5)"),
        ("1e0", "1"),
        ("1.50", "15e-1"),
        ("let a = 1 in a + a", "1 + 1"),
        ("let a = 1 in let a = a + 1 in a", "1 + 1"),
        ("for_loop([1], num_neq_one)", "map(num_neq_one, [1])"),
        ("default.addition(1, 2)", "1 + 2"),
        ("map(num_neq_one, [1])", "for k in [1] do k != 1"),
        ("[1 // one\n, 2]", "[1, 2]"),
    ],
)
def test_two_ways_to_write_the_same(written: str, same: str) -> None:
    before = "num_neq_one(n) = n != 1"
    assert value(written, before) == value(same, before)


def test_numbers_are_doubles_and_strings_are_taken_as_they_are() -> None:
    assert value("1") == ("float", 1.0)
    assert value(r'"a\n\"b"') == ("str", r"a\n\"b")
    assert value("true") == ("bool", True)


@pytest.mark.parametrize(
    "program",
    [
        'let x=-1 print "v" x',
        'let x = -1\nprint "v" x',
        'x=-1\nprint "v" x',
        '\ufefflet x = -1\r\nprint "v" x\r\n',
        '-?(a, b) = a\nx = -1\nprint "v" x',
        'y = 3\nx =-1\nprint "v" x',
        'import "vox1"\nx = -1 B+(q) = q print "v" x',
    ],
)
def test_ways_to_define_a_value(program: str) -> None:
    assert meaning(program) == [("print", "v", ("float", -1.0))]


def test_operators_are_defined_with_and_without_let() -> None:
    program = 'let +?(p, q) = p - q\n?!(p) = p * 2\nprint "v" ?! 1 +? 2'
    assert meaning(program) == meaning('print "v" (1 * 2) - 2')


def test_capital_operators_stand_before_and_between_operands() -> None:
    before = "N(a) = a + 1\nT(a, b) = a - b\nB+(a) = a * 2\nZ = 3"
    assert value("N 1 T B+ 2", before) == value("(1 + 1) - (2 * 2)")
    assert value("N N(1)", before) == value("1 + 1 + 1")
    assert value("Z + 1", before) == value("3 + 1")
    assert value("Z+1", before) == value("3 + 1")


def test_bracketed_arguments_follow_the_operands() -> None:
    before = "~~(a, b, r, k) = [a, b, r, k]"
    assert value("1 ~~[3, 4] 2", before) == value("[1, 2, 3, 4]")
    assert value("[1] + [2]", before) == value("+([1], [2])")


def test_a_fold_without_a_seed_may_be_followed_by_a_command() -> None:
    folded = ("print", "v", ("default.fold", ("str", "+"), None,
              ("default.sequence", ("float", 1.0))))  # fmt: skip
    for after in ("let y = 3", "y = 3", 'print "w" 1', "+?(a) = a", "F(a) = a"):
        program = f'xs = [1]\nt = fold + xs\n{after}\nprint "v" t'
        assert folded in meaning(program), after
    assert folded in meaning('xs = [1] t = fold + xs let y = 3 print "v" t')


def test_a_definition_holds_for_what_follows_it() -> None:
    program = 'a = 1\nf(x) = x + a\na = 2\nprint "f" f(0)\nprint "a" a'
    assert meaning(program) == meaning('print "f" 0 + 1\nprint "a" 2')


def test_definitions_shadow_primitives() -> None:
    assert meaning('range(a) = a\nprint "v" range(3)') == meaning('print "v" 3')


def test_only_what_goals_need_enters_the_plan() -> None:
    plan = compiled('unused = dir("x")\nprint "v" let u = range(3) in 1').plan
    assert len(plan.nodes) == 1


def test_fifty_doublings_are_fifty_nodes() -> None:
    definitions = ["d0(x) = x"]
    definitions += [f"d{n + 1}(x) = d{n}(x) + d{n}(x)" for n in range(50)]
    plan = compiled("\n".join([*definitions, 'print "v" d50(1)'])).plan
    assert len(plan.nodes) == 51


@pytest.mark.parametrize(
    ("loop", "item", "written_out"),
    [
        ("for i in xs do i + 1", "7", "7 + 1"),
        ("for i in xs do (let y = i * 2 in for z in xs do y + z)", "7",
         "for z in xs do (7 * 2) + z"),
        ("for i in xs do for j in xs do for k in xs do [i, j, k]", "7",
         "for j in xs do for k in xs do [7, j, k]"),
        ("for i in xs do pair(i, for j in xs do pair(i, j))", "7",
         "pair(7, for j in xs do pair(7, j))"),
        ("for i in xs do nested(i)", "7", "nested(7)"),
        ("map(nested, xs)", "7", "nested(7)"),
        ("filter i in xs do i > (fold + for j in xs do i * j)", "7",
         "7 > (fold + for j in xs do 7 * j)"),
    ],
)  # fmt: skip
def test_an_item_of_a_loop_is_the_written_out_expression(
    loop: str, item: str, written_out: str
) -> None:
    before = (
        "xs = range(3)\npair(a, b) = [a, b]\n"
        "nested(a) = for q in xs do pair(a + 1, for r in xs do pair(a + q, r))\n"
    )
    text = (
        f'{before}print "loop" {loop}\nprint "item" {item}\nprint "out" {written_out}'
    )
    plan = compiled(text).plan
    loop_goal, item_goal, out_goal = (goal.node for goal in plan.goals)
    builder = PlanBuilder(plan)
    size = len(builder.nodes)
    loop_node = builder.nodes[loop_goal]
    assert isinstance(loop_node, App)
    function = loop_node.args[1]
    assert function is not None
    assert isinstance(builder.nodes[function], Fn)
    assert builder.instantiate(function, item_goal) == out_goal
    assert loop_goal < size


def test_loops_are_not_expanded() -> None:
    plan = compiled('print "v" for i in range(1000000) do i + 1').plan
    assert len(plan.nodes) < 10


A = ("default.load", ("str", "a"))
B = ("default.load", ("str", "b"))
NII = ("default.load", ("str", "a.nii"))


@pytest.mark.parametrize(
    ("expression", "base"),
    [
        ('touch(load("a"), border)', A),
        ('intensity(load("b")) + (load("a.nii") + x)', NII),
        ('intensity(load("a")) + x', ("vox1.intensity", A)),
        ('volume(tt) / volume(load("a"))', A),
        ('near(tt & (near(load("a")) & load("b")))', ("vox1.and", ("vox1.near", A), B)),
        ('volume(ifB(true, near(load("a")), near(load("a"))))', ("vox1.near", A)),
        ('f(near(load("a")))', ("vox1.near", A)),
        ('volume(border(base = load("a")) & load("b"))', A),
    ],
)
def test_constant_images_take_their_grid_from_the_image_around(
    expression: str, base: object
) -> None:
    before = 'import "vox1"\nf(a) = a & border\n'
    plan = compiled(f'{before}print "v" {expression}').plan
    constants = ("vox1.border", "vox1.tt", "vox1.x", "vox1.bconstant")
    found = [
        trees(plan)[node.args[0] or 0]
        for node in plan.nodes
        if isinstance(node, App) and node.primitive in constants
    ]
    assert set(found) == {base}


def test_the_first_loaded_image_is_the_base_image() -> None:
    program = 'load a = "a.nii"\nload b = "b.nii"\nprint "v" volume(b & border)'
    border = ("vox1.border", ("vox1.load", ("str", "a.nii")))
    tree = meaning(program)[0][2]
    assert tree[1][2] == border


def test_a_loop_body_finds_the_image_it_reads() -> None:
    tree = value('for p in ["a"] do volume(tt) / volume(load(p))')
    read = ("default.load", ("param", 0))
    assert tree[2][1][1] == ("vox1.volume", ("vox1.tt", read))


def test_vox1_programs_run_without_an_import() -> None:
    program = 'load a = "a.nii"\nsave "out.nii" N (intensity(a) >. 3)'
    assert meaning(program)[0][2][0] == "vox1.near"


@pytest.mark.parametrize("name", ["vox1", "stdlib", "stdlib.imgql"])
def test_the_standard_library_has_three_names(name: str) -> None:
    text = f'import "{name}"\nprint "v" volume(touch(load("a"), load("b")))'
    assert meaning(text) == meaning(text.replace(name, "vox1"))


@pytest.mark.parametrize("name", ["RegionCalculus", "RegionCalculus.imgql"])
def test_the_region_calculus_is_bundled(name: str) -> None:
    assert meaning(f'import "{name}"\nprint "v" ec(load("a"), load("b"))')


def test_every_function_of_the_libraries_expands() -> None:
    folder = Path(language.__file__).parent / "library"
    for library in ("vox1", "RegionCalculus"):
        text = (folder / f"{library}.imgql").read_text(encoding="utf-8")
        heads = re.findall(r"^let (\S+)\((.*?)\)", text, re.MULTILINE)
        assert len(heads) > 10
        for name, formals in heads:
            names = [f"a{n}" for n in range(len(formals.split(",")))]
            loads = [f'{one} = load("{one}")' for one in names]
            call = f"{name}({', '.join(names)})"
            program = "\n".join([f'import "{library}"', *loads, f'print "v" {call}'])
            assert compiled(program).plan.goals, call


def test_vox1_grouping_on_request() -> None:
    def grouped(text: str) -> object:
        return compile_text(
            f'import "vox1"\nprint "v" {text}',
            registry=standard_registry(),
            dialect="vox1",
        ).plan.nodes

    assert grouped("10 .-. 3 .-. 2") == grouped("10 .-. (3 .-. 2)")
    assert grouped("!. true .&. false") == grouped("!. (true .&. false)")


def test_parameters_places_and_the_file_name(tmp_path: Path) -> None:
    file = tmp_path / "seg.imgql"
    file.write_text('print "v" [$dir, $cwd, $file, $filename, $stem, $Low, $n]')
    plan = compile_program(
        file,
        registry=standard_registry(),
        parameters={"Low": 3, "n": "x"},
        directory=tmp_path / "run",
    ).plan
    text = str(plan.nodes)
    for part in (
        f"Place(text='{tmp_path}')",
        f"Place(text='{tmp_path}/run')",
        "Const(value='seg.imgql')",
        "Const(value='seg')",
        "Const(value=3)",
        "Const(value='x')",
    ):
        assert part in text


def test_a_parameter_that_is_not_used_is_a_warning() -> None:
    (warning,) = compiled('print "v" 1', low=3).warnings
    assert warning.code == "unused-parameter"
    assert "'low'" in warning.message


def test_files_are_imported_once_and_cycles_end(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    main = tmp_path / "main.imgql"
    main.write_text('import "lib/a.imgql"\nimport "lib/a"\nprint "v" f(1)')
    (tmp_path / "lib" / "a.imgql").write_text('import "b.imgql"\nf(x) = g(x) + 1')
    (tmp_path / "lib" / "b.imgql").write_text(
        'import "a.imgql"\nimport "../main.imgql"\ng(x) = x * 2\nprint "b" 1'
    )
    done = compile_program(main, registry=standard_registry(), directory=Path("/"))
    assert [goal.label for goal in done.plan.goals] == ["b", "v"]
    present = [file.path.name for file in done.sources if file.sha256]
    assert present == ["main.imgql", "a.imgql", "b.imgql"]


def test_an_error_in_an_imported_file_names_the_import(tmp_path: Path) -> None:
    main = tmp_path / "main.imgql"
    main.write_text('// first\nimport "lib.imgql"\nprint "v" 1')
    (tmp_path / "lib.imgql").write_text("a = nothing")
    with pytest.raises(ProgramError) as raised:
        compile_program(main, registry=standard_registry(), directory=tmp_path)
    (found,) = raised.value.diagnostics
    assert (found.file, found.line, found.column) == ("lib.imgql", 1, 5)
    assert [(note.line, note.message) for note in found.calls] == [(2, "imported here")]


def test_an_error_in_a_function_names_the_calls() -> None:
    with pytest.raises(ProgramError) as raised:
        compiled('f(a) = near(a)\ng(b) =\n  f(b)\nprint "v" g(3)')
    (found,) = raised.value.diagnostics
    assert (found.line, found.column, found.code) == (1, 13, "kind")
    assert [(note.line, note.column) for note in found.calls] == [(3, 3), (4, 11)]
    assert found.render().splitlines()[:3] == [
        "<text>:1:13: error: 'near' needs an image for 'region', but this is a number",
        "    f(a) = near(a)",
        "                ^",
    ]


def test_nodes_know_where_they_were_written() -> None:
    plan = compiled('f(a) = a + 1\nprint "v" f(2)').plan
    sites = [plan.sites[at] for at in plan.node_sites]
    addition = sites[-1]
    assert (addition.line, addition.column, addition.name) == (1, 10, "f")
    assert plan.sites[addition.caller].line == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no file"),
        (b"\xff\xfe", "is not UTF-8 text: line 1 holds the byte 0xff"),
    ],
)
def test_a_program_that_cannot_be_read(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "p.imgql"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ProgramError, match=message):
        compile_program(file, registry=standard_registry())


def test_a_folder_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="is a folder"):
        compile_program(tmp_path, registry=standard_registry())


def test_an_empty_program_has_no_goals() -> None:
    assert compiled("").plan.goals == []
    assert compiled("// nothing").plan.goals == []


def test_diagnostics_are_json_like() -> None:
    with pytest.raises(ProgramError) as raised:
        compiled('print "v" foo')
    found = raised.value.diagnostics[0].as_dict()
    assert found["code"] == "unbound-name"
    assert (found["line"], found["column"], found["end_column"]) == (1, 11, 14)


DEEP = 20_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [
        "let x0 = 1\n"
        + "\n".join(f"let x{n + 1} = x{n} + 3" for n in range(100_000))
        + '\nprint "v" x100000',
        'print "v" ' + "1 + " * 100_000 + "1",
        'print "v" ' + "(" * DEEP + "1" + ")" * DEEP,
        'print "v" ' + "! " * DEEP + "true",
        'print "v" ' + "[" * DEEP + "1" + "]" * DEEP,
        'print "v" load("a.json")' + "[0]" * DEEP,
        'f(x) = x\nprint "v" ' + "f(" * DEEP + "1" + ")" * DEEP,
        'print "v" ' + "let a = 1 in " * DEEP + "a",
        'print "v" ' + "for a in [1] do " * 1000 + "a",
        "d0(x) = x\n"
        + "\n".join(f"d{n + 1}(x) = d{n}(x) + 1" for n in range(DEEP))
        + f'\nprint "v" d{DEEP}(1)',
        'import "vox1"\nprint "v" border & ' + "near(border) & " * 2000 + 'load("a")',
    ],
    ids=["bindings", "infix", "brackets", "prefix", "arrays", "indices", "calls",
         "lets", "loops", "functions", "base"],
)  # fmt: skip
def test_depth_has_no_limit(program: str) -> None:
    assert compiled(program).plan.goals


def test_files_that_import_one_another_are_warned_of(tmp_path: Path) -> None:
    main = tmp_path / "main.imgql"
    main.write_text('import "other.imgql"\nprint "v" twice(2)')
    other = tmp_path / "other.imgql"
    other.write_text('import "main.imgql"\ntwice(x) = x * 2')
    (warning,) = compile_program(
        main, registry=standard_registry(), directory=tmp_path
    ).warnings
    assert (warning.file, warning.line) == ("other.imgql", 1)
    assert "'main.imgql' is being imported already" in warning.message


@pytest.mark.parametrize("text", ["", "// nothing", "let x = 1"])
def test_a_program_that_asks_for_nothing_is_told_so(text: str, tmp_path: Path) -> None:
    found = compile_text(text, registry=standard_registry(), directory=tmp_path)
    (warning,) = found.warnings
    assert warning.message == "the program asks for nothing"


def test_a_truth_value_stands_for_a_region_in_logic() -> None:
    whole = 'import "vox1"\nhead = load("/data/head.nii")\n'
    region = "(head > 3)"
    truth = ("bool", True)
    assert value(f"{region} & true", whole)[2] == truth
    assert value(f"true | {region}", whole)[1] == truth
    # Two truth values give one, which is no region.
    compiled(whole + 'print "x" (true & false) && true')
    with pytest.raises(ProgramError, match="'volume' needs an image"):
        compiled(whole + 'print "x" volume(true & false)')


def test_a_region_or_truth_value_gives_a_constant_image_its_grid() -> None:
    whole = 'import "vox1"\nhead = load("/data/head.nii")\n'
    touched = value("touch((head > 3) & true, border)", whole)
    by_name = value("touch((head > 3) & true, border(base = (head > 3) & true))", whole)
    assert touched == by_name


def test_mistakes_are_told_in_the_order_of_the_lines() -> None:
    # That a name means nothing is known before what a value is.
    text = 'print "a" 1 / 0\nprint "b" nosuch\nprint "c" "x" - 1\n'
    with pytest.raises(ProgramError) as error:
        compiled(text)
    assert [found.line for found in error.value.diagnostics] == [1, 2, 3]
