"""The definitions of the bundled libraries, with the comments that document them.

The comment right above a definition says what it is.  In it, a line ``- b, c: text``
tells what parameters are, and lines that are indented further are an example, whose
last comment is what it prints::

    // The connected parts of the first region that meet the second.
    // - b, c: a region
    //   print "voxels" volume(touch(head >. 150, lesion)) // voxels=71.0
    let touch(b, c) = through(near(c), b)

The comment that begins the file introduces it, and tells what the parameters of all
definitions are that do not say it themselves.  A comment between blank lines is a
heading.  Examples go on from :data:`BEFORE`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from .imports import BUNDLED, bundled

BEFORE = """\
import "{library}"
head = intensity(load("head.nii.gz"))
lesion = maxvol(head > 150)
expert = load("expert.nii.gz")
"""
"""What stands before each example, as far as it is used."""

_DEFINITION = re.compile(r"^let\s+(\S+?)\(([^)]*)\)\s*=", re.MULTILINE)
_PARAMETERS = re.compile(r"- ([\w, ]+): (.*)")
_IS_FUNCTION = re.compile(r"\w+")
_IS_WORD_OPERATOR = re.compile(r"[A-Z]\w*")


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or operator of a bundled library.

    Attributes:
        name: what programs call it.
        library: what they import for it.
        formals: names of its parameters.
        text: what it is.
        parameters: meaning, by name.
        example: a program; empty if there is none.
        prints: what the example prints.
        source: the definition itself.
    """

    name: str
    library: str
    formals: tuple[str, ...]
    text: str
    parameters: dict[str, str]
    example: str
    prints: str
    source: str

    @property
    def usage(self) -> str:
        """How it is written in a program."""
        if _IS_FUNCTION.fullmatch(self.name) and not self._is_prefix():
            return f"{self.name}({', '.join(self.formals)})"
        if len(self.formals) == 1:
            return f"{self.name} {self.formals[0]}"
        first, second, *more = self.formals
        further = f"[{', '.join(more)}]" if more else ""
        return f"{first} {self.name}{further} {second}"

    def _is_prefix(self) -> bool:
        return len(self.formals) == 1 and bool(_IS_WORD_OPERATOR.fullmatch(self.name))


@dataclass(frozen=True, slots=True)
class Library:
    """A bundled library.

    Attributes:
        name: what programs import.
        introduction: what it is.
        definitions: in the order of the file, under their headings.
    """

    name: str
    introduction: str
    definitions: tuple[tuple[str, Definition], ...]


def libraries() -> tuple[Library, ...]:
    """Return all bundled libraries."""
    return tuple(map(library, dict.fromkeys(BUNDLED.values())))


@cache
def library(name: str) -> Library:
    """Return a bundled library."""
    blocks = bundled(name).text.strip().split("\n\n")
    introduction, common = _comment(blocks[0].splitlines())[:2]
    found: list[tuple[str, Definition]] = []
    heading = ""
    for block in blocks[1:]:
        lines = block.splitlines()
        if all(line.startswith("//") for line in lines):
            heading = " ".join(line[2:].strip() for line in lines)
            continue
        found += [(heading, one) for one in _definitions(lines, name, common)]
    return Library(name, introduction, tuple(found))


def _definitions(
    lines: list[str], name: str, common: dict[str, str]
) -> Iterator[Definition]:
    """Yield the definitions of some lines, each with the comment above it."""
    starts = [at for at, line in enumerate(lines) if line.startswith("let ")]
    comment = lines[: starts[0]] if starts else []
    for start, after in zip(starts, [*starts[1:], len(lines)], strict=True):
        end = start + 1
        while end < after and not lines[end].startswith("//"):
            end += 1
        source = "\n".join(lines[start:end])
        match = _DEFINITION.match(source)
        if match is not None:
            yield _definition(match, comment, source, name, common)
        comment = lines[end:after]


def _definition(
    match: re.Match[str],
    comment: list[str],
    source: str,
    name: str,
    common: dict[str, str],
) -> Definition:
    text, parameters, example, prints = _comment(comment)
    if example:
        example = _completed(example, name)
    formals = tuple(formal.strip() for formal in match[2].split(","))
    meanings = {**common, **parameters}
    return Definition(
        match[1],
        name,
        formals,
        text,
        {formal: meanings.get(formal, "") for formal in formals},
        example,
        prints,
        source,
    )


def _comment(lines: list[str]) -> tuple[str, dict[str, str], str, str]:
    """Return text, parameters, example and what it prints."""
    text: list[str] = []
    parameters: dict[str, str] = {}
    example: list[str] = []
    prints: list[str] = []
    for line in lines:
        content = line.removeprefix("//").removeprefix(" ")
        match = _PARAMETERS.match(content)
        if match is not None:
            names = [name.strip() for name in match[1].split(",")]
            parameters.update(dict.fromkeys(names, match[2]))
        elif content.startswith("  "):
            code, _, printed = content.strip().rpartition(" // ")
            example.append((code or printed) + "\n")
            if code:
                prints.append(printed + "\n")
        else:
            text.append(content)
    paragraphs = "\n".join(text).strip()
    return paragraphs, parameters, "".join(example), "".join(prints)


def _completed(example: str, library: str) -> str:
    """Put before an example what it uses."""
    lines = BEFORE.format(library=library).splitlines(keepends=True)
    if library != "vox1":
        lines.insert(0, 'import "vox1"\n')
    for line in reversed(lines):
        name = line.partition(" = ")[0]
        if line.startswith("import") or re.search(rf"\b{name}\b", example):
            example = line + example
    return example
