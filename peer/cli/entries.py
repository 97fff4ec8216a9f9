"""What can be told of a name that programs use: a primitive or a library definition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from language.definitions import Definition
    from primitives.reference import Reference
    from primitives.registry import Parameter, Primitive, Registry

DETERMINISM = {
    "exact": "exact: the same bits on every machine",
    "float": "float: the same bits within one environment class, for any number of "
    "threads",
    "threads": "threads: as float, and always run with one thread",
    "volatile": "volatile: evaluated in every run, never stored",
}

CODE = "Defined as"
"""The fact whose text is a piece of a program."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the reference.

    Attributes:
        name: as it is looked for.
        usage: how it is written in a program.
        summary: one sentence.
        notes: further paragraphs.
        parameters: name, form and meaning of each.
        result: what comes out, and of which kind.
        units: of what goes in and comes out, or empty.
        examples: programs, each with what it prints and its marks.
        facts: pairs of a word and a text: other names, determinism, version, …
        link: name and address of a description elsewhere, or None.
        data: what ``--json`` adds.
    """

    name: str
    usage: str
    summary: str
    notes: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str, str], ...] = ()
    result: str = ""
    units: str = ""
    examples: tuple[tuple[str, str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    link: tuple[str, str] | None = None
    data: dict[str, object] = field(default_factory=dict)

    def words(self) -> str:
        """Return all that a search looks at, in small letters."""
        meanings = (meaning for _, _, meaning in self.parameters)
        texts = (self.name, self.summary, *self.notes, self.result, *meanings)
        return " ".join(texts).lower()

    def as_dict(self) -> dict[str, object]:
        """Return the entry as JSON-like data."""
        return {
            "name": self.name,
            "usage": self.usage,
            "summary": self.summary,
            "notes": list(self.notes),
            "units": self.units,
            "result_meaning": self.result,
            "examples": [
                {"program": program, "prints": prints}
                for program, prints, _ in self.examples
            ],
            **self.data,
        }


def entry_of_primitive(registry: Registry, primitive: Primitive) -> Entry:
    """Return the entry of a primitive."""
    text = primitive.reference
    names = names_of(registry, primitive)
    return Entry(
        primitive.name,
        _usage(primitive),
        primitive.summary,
        tuple(filter(None, (*primitive.details.split("\n\n"), *_paragraphs(text)))),
        tuple(
            (formal.name, _form(formal), text.parameters.get(formal.name, ""))
            for formal in primitive.parameters
        ),
        text.result,
        text.units,
        tuple((one.program, one.prints, one.marks) for one in text.examples),
        tuple(_facts(primitive, names)),
        text.link,
        _data(primitive, names),
    )


def entry_of_definition(definition: Definition) -> Entry:
    """Return the entry of a definition of a bundled library."""
    return Entry(
        definition.name,
        definition.usage,
        " ".join(definition.text.split()),
        (),
        tuple((name, "", meaning) for name, meaning in definition.parameters.items()),
        "",
        "",
        ((definition.example, definition.prints, ""),) if definition.example else (),
        (
            ("Needs", f'import "{definition.library}"'),
            (CODE, definition.source),
        ),
        None,
        {"library": definition.library, "definition": definition.source},
    )


def names_of(registry: Registry, primitive: Primitive) -> list[str]:
    """Return all names of a primitive in its namespace, its own first."""
    table = registry.table(primitive.namespace)
    others = sorted(short for short in table if table[short] is primitive)
    others.sort(key=lambda short: short != primitive.short_name)
    return [f"{primitive.namespace}.{short}" for short in others]


def _usage(primitive: Primitive) -> str:
    formals, _, result = primitive.signature.rpartition("->")
    arguments = f"({formals.strip()})" if formals.strip() else ""
    return f"{primitive.name}{arguments} -> {result.strip()}"


def _paragraphs(text: Reference) -> Iterator[str]:
    for paragraph in text.notes.split("\n\n"):
        yield " ".join(paragraph.split())


def _form(formal: Parameter) -> str:
    words = [formal.text.replace("|", " or ")]
    if formal.variadic:
        words.append("any number of them")
    if formal.default:
        words.append(f"{formal.default} if left out")
    elif formal.optional and not formal.variadic:
        words.append("may be left out")
    return ", ".join(words)


def _facts(primitive: Primitive, names: list[str]) -> Iterator[tuple[str, str]]:
    if len(names) > 1:
        yield "Also called", ", ".join(names[1:])
    yield "Determinism", DETERMINISM[primitive.determinism.value]
    if primitive.libraries:
        yield "Computed by", ", ".join(primitive.libraries)
    yield "Version", str(primitive.version)


def _data(primitive: Primitive, names: list[str]) -> dict[str, object]:
    text = primitive.reference
    return {
        "other_names": names[1:],
        "signature": primitive.signature,
        "details": primitive.details,
        "parameters": [
            {
                "name": formal.name,
                "type": formal.text,
                "optional": formal.optional,
                "variadic": formal.variadic,
                "default": formal.default or None,
                "meaning": text.parameters.get(formal.name, ""),
            }
            for formal in primitive.parameters
        ],
        "result": primitive.signature.rpartition("->")[2].strip(),
        "determinism": primitive.determinism.value,
        "version": primitive.version,
    }
