"""Keys are final: golden vectors, and what a key does and does not depend on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primitives.catalog import NAMESPACES, standard_registry
from primitives.files import InputFile
from primitives.registry import Primitive, Registry, Table
from scheduler.graph import Graph
from scheduler.keys import (
    application_key,
    constant_key,
    file_key,
    function_key,
    param_key,
)
from scheduler.plan import Plan, PlanBuilder, Ref
from store import Digest, NodeKey

from .sketch import Sketch

GOLDEN = Path(__file__).with_name("golden_keys.json")
FILE = Digest(bytes(range(32)))
OTHER_FILE = Digest(bytes(range(1, 33)))


class NoFiles:
    """Knows one file, whatever its path."""

    def __init__(self, digest: Digest = FILE, media: str = ".nii.gz") -> None:
        self.digest = digest
        self.media = media

    def resolve(self, path: str) -> tuple[InputFile, NodeKey]:
        return InputFile(Path(path), self.media), file_key(self.digest, self.media)


def key_of(
    plan: Plan,
    ref: Ref,
    files: NoFiles | None = None,
    registry: Registry | None = None,
) -> NodeKey | None:
    graph = Graph(plan, registry or standard_registry(), files or NoFiles())
    return graph.keys[ref]


def golden() -> dict[str, str]:
    """Compute every golden vector anew."""
    draw = Sketch()
    body = draw("+", draw("*", draw.variable(), 2.0), 1.0)
    nested = draw.function(
        draw(
            "map",
            draw("range", draw.variable()),
            draw.function(draw("sequence", draw.variable(0), draw.variable(1))),
        )
    )
    loop = draw("map", draw("range", 10.0), draw.function(body))
    nodes = {
        "1.0 + 2.0": draw("+", 1.0, 2.0),
        "2.0 + 1.0": draw("+", 2.0, 1.0),
        "1 + 2": draw("+", 1, 2),
        "2 + 1": draw("+", 2, 1),
        '[true, "x", 1.0]': draw("sequence", True, "x", 1.0),
        "for x in range(10) do x * 2 + 1": loop,
        "fold + (for x in range(10) do x * 2 + 1)": draw.fold("+", loop),
        "for i in range(3) do for j in range(i) do [j, i]": draw(
            "map", draw("range", 3.0), nested
        ),
        "xs[2:]": draw.omitting("slice", loop, 2.0),
        "xs[:2]": draw.omitting("slice", loop, None, 2.0),
        "near(x)": draw("vox1.near", draw("==", 1.0, 1.0)),
    }
    graph = Graph(draw.plan(), standard_registry(), NoFiles())
    constants = [None, True, False, 0, 1, -1, 2**63 - 1, 0.0, -0.0, 1.0, 0.1, "", "é"]
    vectors = {f"constant {value!r}": constant_key(value) for value in constants}
    vectors["constant nan"] = constant_key(float("nan"))
    vectors["file"] = file_key(FILE, ".nii.gz")
    vectors["file with a member"] = file_key(FILE, ".mhd", [("a.raw", OTHER_FILE)])
    vectors["variable 0"] = param_key(0)
    vectors["function of variable 0"] = function_key(param_key(0))
    vectors["float application"] = application_key(
        "lab.blur", 3, "linux-x86_64;glibc-2.36", [file_key(FILE, ".nii"), None]
    )
    for name, node in nodes.items():
        key = graph.keys[node.ref]
        assert key is not None
        vectors[name] = key
    return {name: key.hex() for name, key in vectors.items()}


def test_keys_are_those_of_the_golden_file() -> None:
    """A difference here means that every store in the world is lost: think again."""
    assert golden() == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_golden_keys_are_all_different() -> None:
    vectors = golden()
    # Integer addition does not key the order of its arguments; all else differs.
    assert vectors["1 + 2"] == vectors["2 + 1"]
    assert len(set(vectors.values())) == len(vectors) - 1


def test_keys_do_not_depend_on_the_order_in_which_nodes_were_made() -> None:
    first, second = Sketch(), Sketch()
    left = first("+", first("*", 2.0, 3.0), first("-", 4.0, 5.0))
    second("-", 4.0, 5.0)
    second("/", 1.0, 3.0)
    right = second("+", second("*", 2.0, 3.0), second("-", 4.0, 5.0))
    assert key_of(first.plan(), left.ref) == key_of(second.plan(), right.ref)


def loaded(draw: Sketch, path: str) -> Ref:
    return draw("num_gt", draw("load", path), 0.5).ref


def test_a_path_is_not_in_the_key_but_the_content_is() -> None:
    here, there = Sketch(), Sketch()
    ref, other = loaded(here, "a/b.nii.gz"), loaded(there, "c.nii.gz")
    same = key_of(here.plan(), ref, NoFiles())
    assert same == key_of(there.plan(), other, NoFiles())
    assert same != key_of(here.plan(), ref, NoFiles(OTHER_FILE))
    assert same != key_of(here.plan(), ref, NoFiles(media=".nii"))


def test_a_path_made_of_a_place_is_not_in_the_key() -> None:
    one, two = Sketch(), Sketch()
    refs = [
        draw("load", draw("strings.concat", draw.place(place), "/t1.nii.gz")).ref
        for draw, place in ((one, "/data/a"), (two, "/home/b"))
    ]
    assert key_of(one.plan(), refs[0]) == key_of(two.plan(), refs[1])


def test_what_shows_a_place_has_no_key() -> None:
    draw = Sketch()
    text = draw("strings.concat", draw.place("/data/a"), "!")
    assert key_of(draw.plan(), text.ref) is None


def changed(change: Callable[[Primitive], Primitive]) -> Registry:
    """The standard primitives with ``default.addition`` changed."""
    standard = standard_registry()

    def table(namespace: str) -> Table:
        found = standard.table(namespace)
        if namespace != "default":
            return found
        return {**found, "addition": change(found["addition"])}

    return Registry({name: (lambda n=name: table(n)) for name in NAMESPACES})  # type: ignore[misc]


def test_a_raised_version_changes_the_keys_of_all_that_depends_on_it() -> None:
    draw = Sketch()
    total = draw("*", draw("+", 1.0, 2.0), 3.0)
    other = draw("*", 1.0, 3.0)
    raised = changed(lambda old: replace(old, version=old.version + 1))
    plan = draw.plan()
    assert key_of(plan, total.ref) != key_of(plan, total.ref, registry=raised)
    assert key_of(plan, other.ref) == key_of(plan, other.ref, registry=raised)


FIELDS = st.tuples(
    st.text(max_size=5),
    st.integers(0, 9),
    st.text(max_size=5),
    st.lists(st.none() | st.sampled_from([FILE, OTHER_FILE]), max_size=3),
)


@given(FIELDS, FIELDS)
def test_every_field_of_an_application_is_in_its_key(
    one: tuple[str, int, str, list[NodeKey | None]],
    two: tuple[str, int, str, list[NodeKey | None]],
) -> None:
    assert (application_key(*one) == application_key(*two)) == (one == two)


SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text()


@given(SCALARS | st.floats(allow_nan=False), SCALARS | st.floats(allow_nan=False))
def test_constants_share_a_key_only_if_they_are_the_same(
    one: bool | int | float | str | None, two: bool | int | float | str | None
) -> None:
    same = type(one) is type(two) and repr(one) == repr(two)
    assert (constant_key(one) == constant_key(two)) == same


@given(st.integers(-50, 50))
def test_an_element_of_a_loop_has_the_key_of_the_written_out_expression(
    item: int,
) -> None:
    draw = Sketch()
    function = draw.function(draw("+", draw("*", draw.variable(), 0.5), 1.0))
    written = draw("+", draw("*", item, 0.5), 1.0)
    graph = Graph(draw.plan(), standard_registry(), NoFiles())
    element = graph.instantiate(function.ref, graph.const(item))
    assert graph.keys[element] == graph.keys[written.ref]
    other = graph.instantiate(function.ref, graph.const(float(item)))
    assert graph.keys[other] != graph.keys[element]


@pytest.mark.parametrize("name", ["a", "an_entirely_different_name"])
def test_names_and_places_in_the_text_are_not_in_the_key(name: str) -> None:
    builder = PlanBuilder()
    site = len(name)
    ref = builder.app("default.addition", [builder.const(1.0)] * 2, site)
    plain = PlanBuilder()
    other = plain.app("default.addition", [plain.const(1.0)] * 2)
    assert key_of(builder.plan([]), ref) == key_of(plain.plan([]), other)
