"""A program that is read entry by entry means what it means as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from language import Compiled, Form, ProgramError, Session, compile_text
from primitives.catalog import standard_registry
from scheduler.plan import App, Const, Param, Place, Plan


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(registry=standard_registry(), directory=tmp_path)


def written(plan: Plan, ref: int) -> object:
    """Return a node with all that is below it."""
    node = plan.nodes[ref]
    match node:
        case App():
            below = [None if arg is None else written(plan, arg) for arg in node.args]
            return (node.primitive, *below)
        case Const():
            return repr(node.value)
        case Place():
            return ("place", node.text)
        case Param():
            return ("param", node.index)
        case _:
            return ("fn", written(plan, node.body))


def goals(compiled: Compiled) -> list[tuple[str, str, object]]:
    plan = compiled.plan
    return [(goal.kind, goal.label, written(plan, goal.node)) for goal in plan.goals]


def value(session: Session, expression: str) -> object:
    """Return the node that an expression means."""
    plan = session.look(expression, "look").plan
    return written(plan, plan.goals[0].node)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", Form.EMPTY),
        ("  // nothing\n", Form.EMPTY),
        ("x = 1", Form.COMMANDS),
        ("let x = 1", Form.COMMANDS),
        ("let x = 1 in x + 1", Form.EXPRESSION),
        ('print "x" 1', Form.COMMANDS),
        ('print "x" 1\nprint "y" 2', Form.COMMANDS),
        ("1 + 1", Form.EXPRESSION),
        ("x", Form.EXPRESSION),
        ("f(x)", Form.EXPRESSION),
        ("f(x) = x", Form.COMMANDS),
        ("!x", Form.EXPRESSION),
        ("fold + [1, 2]", Form.EXPRESSION),
        ("f(x) =", Form.UNFINISHED),
        ("x = (1 +", Form.UNFINISHED),
        ("f(1,", Form.UNFINISHED),
        ("1 +", Form.UNFINISHED),
        ("for i in [1, 2] do", Form.UNFINISHED),
        ("let x = 1 in", Form.UNFINISHED),
        ("print", Form.UNFINISHED),
        ("1 2", Form.WRONG),
        ("x = )", Form.WRONG),
        ('print "x', Form.WRONG),
        ("x = 1 \x07 +", Form.WRONG),
    ],
)
def test_what_a_text_can_be(session: Session, text: str, form: Form) -> None:
    assert session.form(text) is form


def test_a_name_means_what_the_newest_definition_says(session: Session) -> None:
    session.add("x = 1", "entry 1")
    session.add("double(y) = y * x", "entry 2")
    session.add("x = 10", "entry 3")
    assert value(session, "x") == "10.0"
    assert value(session, "double(3)") == value(session, "3 * 1")


def test_a_definition_may_use_what_its_name_meant_before(session: Session) -> None:
    session.add("x = 1", "entry 1")
    session.add("x = x + 1", "entry 2")
    assert value(session, "x") == value(session, "1 + 1")


def test_an_entry_does_not_go_on_with_the_one_before(session: Session) -> None:
    session.add("x = 5", "entry 1")
    assert [label for _, label, _ in goals(session.add("-2", "entry 2"))] == ["-2"]
    assert value(session, "x") == "5.0"


def test_a_wrong_entry_changes_nothing(session: Session) -> None:
    session.add("x = 1", "entry 1")
    with pytest.raises(ProgramError) as raised:
        session.add('x = 2\nimport "vox1"\ny = nope', "entry 2")
    (found,) = raised.value.diagnostics
    assert (found.file, found.line, found.column) == ("entry 2", 3, 5)
    assert value(session, "x") == "1.0"
    assert "y" not in session.definitions
    assert session.imported == ()


def test_only_the_goals_of_an_entry_are_in_its_plan(session: Session) -> None:
    for number in range(50):
        session.add(f'x{number} = {number}\nprint "x" x{number}', f"entry {number}")
    compiled = session.add("x7 + 1", "entry 50")
    assert [label for _, label, _ in goals(compiled)] == ["x7 + 1"]
    assert len(compiled.plan.nodes) == 3


def test_a_mistake_in_a_function_is_told_once_and_is_an_error_when_called(
    session: Session,
) -> None:
    first = session.add("f(x) = x + nope", "entry 1")
    assert [found.code for found in first.warnings] == ["unbound-name"]
    assert session.add("1 + 1", "entry 2").warnings == ()
    session.add("g(x) = f(x)", "entry 3")
    for name in ("entry 4", "entry 5"):
        with pytest.raises(ProgramError) as raised:
            session.add("g(1)", name)
        assert raised.value.diagnostics[0].file == "entry 1"
    assert session.add("2 + 2", "entry 6").warnings == ()


def test_operators_with_capital_letters_are_known_to_later_entries(
    session: Session,
) -> None:
    session.add("A+(x) = x * 2", "entry 1")
    assert value(session, "A+ 3") == value(session, "3 * 2")


def test_loading_an_image_brings_its_library_and_is_the_base(session: Session) -> None:
    session.add('load image = "a.nii"', "entry 1")
    assert value(session, "border") == value(session, "border(base = image)")
    assert "touch" in session.definitions


def test_a_program_is_read_again_after_it_has_changed(
    session: Session, tmp_path: Path
) -> None:
    tools = tmp_path / "tools.imgql"
    tools.write_text('half(x) = x / 2\nprint "half" half(1)')
    assert [label for _, label, _ in goals(session.add_file(tools))] == ["half"]
    tools.write_text("half(x) = x * 0.5")
    assert goals(session.add_file(tools)) == []
    assert value(session, "half(3)") == value(session, "3 * 0.5")


def test_places_of_a_read_program_are_its_own(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "p.imgql").write_text("where = $dir\nwhat = $stem")
    session.add_file(folder / "p.imgql")
    assert value(session, "where") == ("place", str(folder))
    assert value(session, "what") == "'p'"
    assert value(session, "$dir") == ("place", str(tmp_path))


def test_the_text_of_a_definition_is_found_again(session: Session) -> None:
    session.add("a = 1\nlet f(x) =\n  x + a // more\nb = 2", "entry 1")
    found = session.text_of(session.definitions["f"])
    assert found == "let f(x) =\n  x + a // more"


NAMES = st.sampled_from("abcde")
NUMBERS = st.integers(0, 9).map(str)
TERMS = st.recursive(
    NAMES | NUMBERS,
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from("+*-"), inner),
    max_leaves=4,
)
COMMANDS = st.one_of(
    st.builds("{} = {}".format, NAMES, TERMS),
    st.builds("{}(x) = x + {}".format, st.sampled_from("fg"), TERMS),
    st.builds('print "{}" {}'.format, NAMES, TERMS),
    st.builds('print "{}" {}({})'.format, NAMES, st.sampled_from("fg"), TERMS),
)


@given(st.lists(COMMANDS, max_size=12))
def test_entries_mean_what_the_whole_program_means(commands: list[str]) -> None:
    """As far as the whole has no mistakes, its goals are those of its entries."""
    registry = standard_registry()
    begin = [f"{name} = {at}" for at, name in enumerate("abcde")]
    begin += ["f(x) = x", "g(x) = x"]
    session = Session(registry=registry)
    told = []
    for number, command in enumerate([*begin, *commands]):
        told += goals(session.add(command, f"entry {number}"))
    assert told == goals(
        compile_text("\n".join([*begin, *commands]), registry=registry)
    )
