"""A text for a methods section, from what is known of results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .document import Document, ResultForm, Step

SHOWN_OPERATIONS = 40
MACHINE = "this machine"


def methods_text(document: Document) -> str:
    """Return in sentences how the results were computed."""
    paragraphs = ["\n".join(_about(result)) for result in document.results]
    with_ = document.exported_with
    paragraphs.append(
        f"Exported {document.exported} with voxpeer {with_.voxpeer}; provenance.json "
        "has every step, digest and version."
    )
    return "\n\n".join(paragraphs) + "\n"


def _about(result: ResultForm) -> Iterator[str]:
    what = f"'{result.label}'" if result.label else f"Result {result.key[:12]}"
    yield f"{what} ({result.file}) is a {result.kind}, artifact {result.artifact}."
    if result.program is not None:
        yield from _program(result)
    if result.inputs:
        count = len(result.inputs)
        yield f"It was computed from {count} input {_plural('file', count)}:"
        for each in result.inputs:
            digest = each.sha256 and f"SHA-256 {each.sha256}"
            digest = digest or f"content {each.content or each.key}"
            slices = f", DICOM series of {each.slices} files" if each.slices else ""
            yield f"  {each.name or 'a file'}{slices}, {digest}."
    yield from _operations(result.steps)
    yield from _computers(result)
    if not result.is_complete:
        yield "Not every step is known any more."


def _program(result: ResultForm) -> Iterator[str]:
    assert result.program is not None
    sources = result.program.sources
    digest = f" (SHA-256 {sources[0].sha256})" if sources else ""
    run = result.run
    version = f" by voxpeer {run.voxpeer}" if run is not None and run.voxpeer else ""
    when = f" on {run.started[:10]}" if run is not None else ""
    name = result.program.name
    yield f"It is a result of the program {name}{digest}, run{version}{when}."
    imported = [f"{each.name} (SHA-256 {each.sha256})" for each in sources[1:]]
    if imported:
        yield f"The program imports {', '.join(imported)}."
    given = result.program.parameters
    if given:
        shown = ", ".join(f"{name} = {value}" for name, value in sorted(given.items()))
        yield f"Its parameters were {shown}."


def _operations(steps: list[Step]) -> Iterator[str]:
    counts = Counter(
        f"{it.operation} (version {it.version})" for it in steps if it.version
    )
    if not counts:
        return
    shown = [
        f"{name} x {count}" if count > 1 else name
        for name, count in sorted(counts.items())[:SHOWN_OPERATIONS]
    ]
    more = len(counts) - len(shown)
    rest = f" and {more} more" if more else ""
    yield f"The operations are {', '.join(shown)}{rest}."


def _computers(result: ResultForm) -> Iterator[str]:
    if result.libraries:
        shown = ", ".join(f"{name} {it}" for name, it in result.libraries.items())
        yield f"The bits of some results depend on the versions of libraries: {shown}."
    by = Counter(step.computed_by for step in result.steps if step.computed_by)
    others = [
        f"{count} by {name}" for name, count in sorted(by.items()) if name != MACHINE
    ]
    if others:
        own = by[MACHINE]
        everyone = ", ".join([f"{own} by {MACHINE}", *others])
        yield f"Of the steps recorded, {everyone}."
    audited = Counter(step.audit.verdict for step in result.steps if step.audit)
    if audited:
        shown = ", ".join(
            f"{count} {verdict}" for verdict, count in sorted(audited.items())
        )
        yield f"Steps of others that were computed here too: {shown}."


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
