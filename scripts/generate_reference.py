#!/usr/bin/env python3
"""Write the reference pages of everything that programs can call.

``docs/reference/primitives/`` gets a page for each namespace and each bundled library,
and an index.  What they say comes from the registry, from ``primitives/reference/`` and
from the comments in ``language/library/``; it is the same that ``voxpeer primitives
NAME`` shows.  In the pages that show wrong programs, what follows a block
``imgql wrong`` is what voxpeer says of it.

    scripts/generate_reference.py            write the pages
    scripts/generate_reference.py --check    fail if they are not current
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
FOLDER = DOCS / "reference" / "primitives"
PAGES_OF_ERRORS = (DOCS / "reference" / "errors.md", DOCS / "how-to" / "errors.md")
SMALL = DOCS / "examples" / "small"
INDEX = "README.md"
MADE = "<!-- Made by scripts/generate_reference.py; edit what it reads instead. -->"

sys.path.insert(0, str(ROOT))

from language import ProgramError, compile_text  # noqa: E402
from language.definitions import Library, libraries  # noqa: E402
from peer.cli.entries import (  # noqa: E402
    Entry,
    entry_of_definition,
    entry_of_primitive,
)
from peer.cli.pages import index_row, markdown  # noqa: E402
from primitives.catalog import standard_registry  # noqa: E402
from primitives.reference import namespace_texts  # noqa: E402

REGISTRY = standard_registry()

_WRONG = re.compile(
    r"^(```imgql wrong(?: -p (\w+=\w+))?)\n(.*?)^```\n(?:\n```text\n.*?^```\n)?",
    re.MULTILINE | re.DOTALL,
)


def pages() -> dict[str, str]:
    """Return the text of every page by the name of its file."""
    found = {f"{name}.md": _namespace_page(name) for name in REGISTRY.namespaces}
    for library in libraries():
        found[f"import-{library.name}.md"] = _library_page(library)
    found[INDEX] = _index()
    return found


def entries_of(namespace: str) -> list[Entry]:
    """Return the entries of a namespace, those with written texts in their order."""
    own = {
        primitive.short_name: primitive
        for primitive in REGISTRY.table(namespace).values()
        if primitive.namespace == namespace
    }
    written = [name for name in namespace_texts(namespace).sections if name in own]
    others = sorted(set(own) - set(written))
    return [entry_of_primitive(REGISTRY, own[name]) for name in (*written, *others)]


def _namespace_page(namespace: str) -> str:
    introduction = namespace_texts(namespace).introduction
    return _page(f"Namespace `{namespace}`", introduction, entries_of(namespace))


def _library_page(library: Library) -> str:
    lines = [f'# What `import "{library.name}"` brings', "", MADE, ""]
    lines += [" ".join(part.split()) for part in library.introduction.split("\n\n")]
    heading = None
    for title, definition in library.definitions:
        if title != heading:
            lines += _table_head(title)
            heading = title
        lines.append(index_row(entry_of_definition(definition)))
    lines.append("")
    for _, definition in library.definitions:
        lines.append(markdown(entry_of_definition(definition)))
    return "\n".join(lines).rstrip() + "\n"


def _page(title: str, introduction: str, entries: list[Entry]) -> str:
    lines = [f"# {title}", "", MADE, "", introduction, *_table_head("")]
    lines += [index_row(entry) for entry in entries]
    lines += ["", *map(markdown, entries)]
    return "\n".join(lines).rstrip() + "\n"


def _table_head(title: str) -> list[str]:
    return [
        "",
        *([f"**{title}**", ""] if title else []),
        "| Name | Meaning |",
        "|---|---|",
    ]


def _index() -> str:
    return "\n".join(_index_lines()) + "\n"


def _index_lines() -> Iterator[str]:
    yield "# What programs can call"
    yield ""
    yield MADE
    yield ""
    yield "`voxpeer primitives NAME` shows the same in a terminal, and"
    yield "`voxpeer primitives --search WORDS` finds what has some words in its text."
    yield "The examples run in [the folder of the small images](../../examples/small)."
    yield ""
    yield "| Page | Content |"
    yield "|---|---|"
    for namespace in REGISTRY.namespaces:
        introduction = namespace_texts(namespace).introduction.partition("\n")[0]
        yield f"| [`{namespace}`]({namespace}.md) | {introduction} |"
    for library in libraries():
        introduction = " ".join(library.introduction.partition("\n\n")[0].split())
        page = f"import-{library.name}.md"
        yield f'| [`import "{library.name}"`]({page}) | {introduction} |'


def with_messages(page: str) -> str:
    """Return a page that shows wrong programs with what voxpeer says of each."""
    return _WRONG.sub(_with_message, page)


def _with_message(match: re.Match[str]) -> str:
    head, given, program = match[1], match[2], match[3]
    name, _, value = (given or "").partition("=")
    try:
        found = compile_text(
            program,
            name="program.imgql",
            registry=REGISTRY,
            directory=SMALL,
            parameters={name: float(value)} if given else {},
        ).warnings
    except ProgramError as error:
        found = error.diagnostics
    said = "\n".join(one.render() for one in found)
    return f"{head}\n{program}```\n\n```text\n{said}\n```\n"


def main() -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    is_check = parser.parse_args().check
    wanted = {FOLDER / name: text for name, text in pages().items()}
    for page in PAGES_OF_ERRORS:
        wanted[page] = with_messages(page.read_text("utf-8"))
    held = {
        page: page.read_text("utf-8")
        for page in (*FOLDER.glob("*.md"), *PAGES_OF_ERRORS)
    }
    stale = sorted(
        page for page in {*wanted, *held} if wanted.get(page) != held.get(page)
    )
    if is_check and stale:
        names = ", ".join(str(page.relative_to(ROOT)) for page in stale)
        script = Path(__file__).name
        print(f"not current: {names}; run scripts/{script}", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    for page in [] if is_check else stale:
        if page in wanted:
            page.write_text(wanted[page], encoding="utf-8")
        else:
            page.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
