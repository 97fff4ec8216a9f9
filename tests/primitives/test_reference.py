"""Every primitive has a reference text, and every text a primitive."""

from __future__ import annotations

import subprocess
import sys

import pytest

from primitives import Primitive, standard_registry
from primitives.reference import ReferenceTextError, namespace_texts
from primitives.reference.pages import parse

REGISTRY = standard_registry()
WRITTEN = {
    primitive.name: primitive
    for namespace in REGISTRY.namespaces
    for primitive in REGISTRY.table(namespace).values()
    if primitive.namespace == namespace
}
MEASURES = {"number", "int", "double", "image"}


@pytest.mark.parametrize("primitive", WRITTEN.values(), ids=WRITTEN)
def test_a_primitive_has_a_text_on_each_parameter_its_result_and_an_example(
    primitive: Primitive,
) -> None:
    text = primitive.reference
    formals = [formal.name for formal in primitive.parameters]
    assert list(text.parameters) == formals, "parameters, in the order of the signature"
    assert text.result, "what comes out"
    assert text.examples, "an example"
    if MEASURES & set(primitive.signature.rpartition("->")[2].strip().split("|")):
        assert text.units, "numbers and images have units, or are said to have none"


@pytest.mark.parametrize("primitive", WRITTEN.values(), ids=WRITTEN)
def test_an_example_calls_what_it_is_an_example_of(primitive: Primitive) -> None:
    table = REGISTRY.table(primitive.namespace)
    names = [short for short, other in table.items() if other is primitive]
    written = {"sequence": "[", "index": "[", "slice": "["}.get(primitive.form, "")
    for example in primitive.reference.examples:
        words = [*names, written] if written else names
        assert any(word in example.program for word in words)


@pytest.mark.parametrize("namespace", REGISTRY.namespaces)
def test_a_namespace_is_introduced_and_no_text_is_orphaned(namespace: str) -> None:
    texts = namespace_texts(namespace)
    own = {
        primitive.short_name
        for primitive in REGISTRY.table(namespace).values()
        if primitive.namespace == namespace
    }
    assert texts.introduction
    assert set(texts.sections) <= own


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# n\n\nFor tests.\n\n## a\n\n## a\n", "two sections are called 'a'"),
        ("# n\n\n## a\n\n- `x`: one\n- `x`: two\n", "'x' is described twice"),
        ("# n\n\n## a\n\n- parameter x: one\n", "cannot be read: - parameter x"),
        ("# n\n\n## a\n\n```text\nx=1\n```\n", "a block of 'text' has no program"),
    ],
)
def test_a_text_that_is_not_of_the_form_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ReferenceTextError, match=r"^n\.md: ") as caught:
        parse(text, "n.md")
    assert message in str(caught.value)


def test_a_text_gives_lines_notes_and_examples() -> None:
    text = (
        "# n\n\nFor tests.\n\n## a\n\n- `x`: one thing,\n  at length\n- result: it\n"
        "- units: mm\n\nA note.\n\n```imgql needs=torch\nprint 1\n```\n\n"
        "```text\n1\n```\n"
    )
    texts = parse(text, "n.md")
    section = texts.sections["a"]
    assert texts.introduction == "For tests."
    assert section.parameters == {"x": "one thing, at length"}
    assert (section.result, section.units, section.notes) == ("it", "mm", "A note.")
    (example,) = section.examples
    assert (example.program, example.prints) == ("print 1\n", "1\n")
    assert example.marks == "needs=torch"


def test_a_table_is_read_without_its_texts() -> None:
    program = (
        "import sys; from primitives import standard_registry; "
        "list(standard_registry().names()); "
        "print('primitives.reference' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
