"""The form in which reference texts are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^- (?:`([^`]+)`|(result|units)): (.+(?:\n  .+)*)$", re.MULTILINE)


class ReferenceTextError(Exception):
    """A reference text is not written in its form."""


@dataclass(frozen=True, slots=True)
class Example:
    """A program that can be run in the folder of the small images.

    Attributes:
        program: its text.
        prints: what it writes to standard output; empty if it only saves.
        marks: words after ``imgql``: ``needs=MODULE`` if it is only run where that
            Python module is installed, ``fails`` if it is an example of a failure,
            whose message then stands for what it prints, ``checked`` if it needs more
            than is there and is only checked.
    """

    program: str
    prints: str = ""
    marks: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a page says of one primitive beside its signature and summary.

    Attributes:
        parameters: meaning of each parameter, by name.
        result: what comes out.
        units: of what goes in and comes out, or empty.
        notes: further paragraphs.
        examples: programs that use it.
        link: name and address of a description elsewhere, or None.
    """

    parameters: Mapping[str, str] = field(default_factory=dict)
    result: str = ""
    units: str = ""
    notes: str = ""
    examples: tuple[Example, ...] = ()
    link: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class NamespaceTexts:
    """The texts of a namespace.

    Attributes:
        introduction: what the namespace is for.
        sections: references by short name, in the order of the page.
    """

    introduction: str
    sections: Mapping[str, Reference]


def parse(text: str, name: str) -> NamespaceTexts:
    """Return the texts that a file holds.

    Args:
        text: of the file.
        name: what messages call it.

    Raises:
        ReferenceTextError: something in it is not of the form.
    """
    head, *pieces = _SECTION.split(text)
    sections: dict[str, Reference] = {}
    for title, body in zip(pieces[::2], pieces[1::2], strict=True):
        if title in sections:
            raise ReferenceTextError(f"{name}: two sections are called '{title}'")
        sections[title] = _section(body, f"{name}: {title}")
    return NamespaceTexts(head.partition("\n")[2].strip(), sections)


def _section(body: str, name: str) -> Reference:
    prose, examples = _examples(body, name)
    parameters: dict[str, str] = {}
    fixed: dict[str, str] = {}
    for match in _LINE.finditer(prose):
        parameter, word, meaning = match.groups()
        target = fixed if word else parameters
        key = word or parameter
        if key in target:
            raise ReferenceTextError(f"{name}: '{key}' is described twice")
        target[key] = " ".join(meaning.split())
    notes = _LINE.sub("", prose).strip()
    if re.search(r"^- ", notes, re.MULTILINE) or "```" in notes:
        raise ReferenceTextError(f"{name}: cannot be read: {notes.splitlines()[0]}")
    return Reference(
        parameters,
        fixed.get("result", ""),
        fixed.get("units", ""),
        re.sub(r"\n{3,}", "\n\n", notes),
        tuple(examples),
    )


def _examples(body: str, name: str) -> tuple[str, list[Example]]:
    """Return the text outside of fences, and the examples in them."""
    examples: list[Example] = []
    for match in _FENCE.finditer(body):
        language, marks, content = match.groups()
        if language == "imgql":
            examples.append(Example(content, "", marks or ""))
        elif language == "text" and examples and not examples[-1].prints:
            last = examples[-1]
            examples[-1] = Example(last.program, content, last.marks)
        else:
            raise ReferenceTextError(f"{name}: a block of '{language}' has no program")
    return _FENCE.sub("", body), examples
