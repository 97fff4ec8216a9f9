"""Entries of the reference as Markdown, and as text for a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from .entries import CODE, Entry

WIDTH = 79
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


def markdown(entry: Entry) -> str:
    """Return the section of a page on one entry."""
    return "\n".join(_markdown(entry))


def terminal(entry: Entry) -> str:
    """Return an entry as text for a terminal."""
    return "\n".join(_terminal(entry))


def index_row(entry: Entry) -> str:
    """Return the row of a table that leads to an entry."""
    name = f"`{_in_table(entry.name)}`"
    if _is_word(entry.name):
        name = f"[{name}](#{_anchor(entry.name)})"
    return f"| {name} | {_in_table(entry.summary)} |"


def _in_table(text: str) -> str:
    return text.replace("|", "\\|")


def _anchor(name: str) -> str:
    """Return what GitHub and others call the place of a heading."""
    return name.replace(".", "").lower()


def _markdown(entry: Entry) -> Iterator[str]:
    yield f"## {_title(entry.name)}"
    yield ""
    yield f"`{entry.usage}`"
    yield ""
    yield entry.summary
    for note in entry.notes:
        yield ""
        yield note
    meanings = [
        f"- `{name}`{_in_brackets(form)}: {meaning}"
        for name, form, meaning in entry.parameters
    ]
    if entry.result:
        meanings.append(f"- result: {entry.result}")
    if entry.units:
        meanings.append(f"- units: {entry.units}")
    if meanings:
        yield ""
        yield from meanings
    for program, prints, marks in entry.examples:
        yield ""
        yield f"```{f'imgql {marks}'.strip()}\n{program}```"
        if prints:
            yield ""
            yield f"```text\n{prints}```"
    yield ""
    yield from _markdown_facts(entry)


def _title(name: str) -> str:
    """Return a heading that GitHub and other readers show as it is."""
    return name if _is_word(name) else f"`{name}`"


def _is_word(name: str) -> bool:
    return name.replace("_", "").replace(".", "").isalnum()


def _in_brackets(form: str) -> str:
    return f" ({form})" if form else ""


def _markdown_facts(entry: Entry) -> Iterator[str]:
    facts = dict(entry.facts)
    source = facts.pop(CODE, "")
    for word, text in facts.items():
        # Two blanks at the end of a line keep the next one on a line of its own.
        yield f"{word}: {_quoted(word, text)}  "
    if entry.link:
        yield f"More: [{entry.link[0]}]({entry.link[1]})  "
    if source:
        yield ""
        yield f"```imgql part\n{source}\n```"
    yield ""


def _quoted(word: str, text: str) -> str:
    if word == "Also called":
        return ", ".join(f"`{name}`" for name in text.split(", "))
    return f"`{text}`" if word == "Needs" else text


def _terminal(entry: Entry) -> Iterator[str]:
    yield from _wrapped(entry.usage, "", "    ")
    for paragraph in (entry.summary, *entry.notes):
        yield from _wrapped(paragraph, "  ", "  ")
    if entry.parameters:
        yield "Parameters"
        for name, form, meaning in entry.parameters:
            yield from _wrapped(
                f"{name}{_in_brackets(form)}: {meaning}", "  ", "      "
            )
    for word, text in (("Result", entry.result), ("Units", entry.units)):
        if text:
            yield from _fact(word, text)
    for program, prints, _ in entry.examples:
        yield "Example"
        yield from _indented(program)
        if prints:
            yield "  prints"
            yield from _indented(prints)
    for word, text in (
        *entry.facts,
        *((("More", entry.link[1]),) if entry.link else ()),
    ):
        yield from _fact(word, text)


def _fact(word: str, text: str) -> Iterable[str]:
    if word == CODE:
        return [word, *_indented(text)]
    return _wrapped(text, f"{word:<13}", " " * 13)


def _wrapped(text: str, first: str, others: str) -> list[str]:
    plain = _LINK.sub(r"\1", text).replace("`", "")
    return textwrap.wrap(
        plain,
        WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _indented(text: str) -> list[str]:
    return textwrap.indent(text.rstrip("\n"), "    ").splitlines()
