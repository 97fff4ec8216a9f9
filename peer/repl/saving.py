"""A session as a program: its entries one after the other, but for what failed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from language import ProgramError, Session
from language.cutting import Piece
from language.imports import candidates
from language.session import shortened
from language.source import Source
from peer.errors import OutputError
from peer.programs import compile_program
from scheduler.plan import App, Const, Fn, Param, Place, Plan, PlanBuilder

from .pages import PAGE, page_of
from .workspace import Entry, Workspace


def save(workspace: Workspace, target: Path) -> list[str]:
    """Write the session as a program; return what is to be said about it.

    Args:
        workspace: the session.
        target: the file; what the session has written itself may be replaced, if
            nobody has changed it since, and nothing else.

    Raises:
        OutputError: the file is there already, or cannot be written.
    """
    place = target.absolute()
    text = program_of(workspace, target)
    try:
        if place.exists():
            _require_own(workspace.saved.get(place), target)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"'{target}' cannot be written: {error.strerror}") from error
    workspace.saved[place] = text.encode()
    return list(_deviations(workspace, target))


def _require_own(written: bytes | None, target: Path) -> None:
    """Raise OutputError unless a file is as this session has written it."""
    if written is None:
        state = "is there already"
    elif target.read_bytes() != written:
        state = "has been changed since it was saved"
    else:
        return
    raise OutputError(f"'{target}' {state}; save to another file, or remove it first")


def program_of(workspace: Workspace, target: Path) -> str:
    """Return the program that the session is.

    A definition stands as it was typed.  An expression becomes a ``print``.  Goals
    that failed or were interrupted are left out, and of several files saved to one
    path only the last is.

    Args:
        workspace: the session.
        target: where the program will be; imports of loaded files are found from
            there.
    """
    parts = [_header(workspace)]
    saves = _last_saves(workspace)
    for entry in workspace.entries:
        if entry.file is not None:
            parts.append(f"// from {entry.file.name}")
        text = "\n".join(_pieces(entry, workspace.session, target, saves))
        if text:
            parts.append(text)
    return "\n".join(parts) + "\n"


def _deviations(workspace: Workspace, target: Path) -> Iterator[str]:
    """Say where the saved program is not what the session was.

    What belongs to a whole program, such as a ``load`` and the library it brings,
    holds from its first line on, in a session from its entry on.
    """
    terms = workspace.terms
    try:
        saved = compile_program(
            target, parameters=terms.parameters, dialect=terms.dialect
        )
    except ProgramError as error:
        yield f"warning: read from its beginning, the program is wrong:\n{error}"
        return
    builder = PlanBuilder()
    plans = [_shown(entry) for entry in workspace.entries]
    computed = {ref for plan in plans for ref in _goals_in(builder, plan).values()}
    for goal, ref in _goals_in(builder, saved.plan).items():
        if ref not in computed:
            label = saved.plan.goals[goal].label
            yield (
                f"warning: read from its beginning, '{label}' is something else than"
                " in this session; look at imports and loads that came after entries"
            )


def _shown(entry: Entry) -> Plan:
    plan = entry.compiled.plan
    return page_of(plan, 0, PAGE - 1) if entry.is_sequence else plan


def _goals_in(builder: PlanBuilder, plan: Plan) -> dict[int, int]:
    """Return the nodes of a plan's goals in a builder that holds several plans."""
    refs: list[int] = []
    for node in plan.nodes:
        match node:
            case App():
                args = [None if arg is None else refs[arg] for arg in node.args]
                refs.append(builder.app(node.primitive, args))
            case Const():
                refs.append(builder.const(node.value))
            case Place():
                refs.append(builder.place(node.text))
            case Param():
                refs.append(builder.param(node.index))
            case Fn():
                refs.append(builder.function(refs[node.body]))
    return {at: refs[goal.node] for at, goal in enumerate(plan.goals)}


def _header(workspace: Workspace) -> str:
    given = "".join(
        f" -p {name}={value}" for name, value in workspace.terms.parameters.items()
    )
    vox1 = " --dialect vox1" if workspace.terms.dialect == "vox1" else ""
    given = f" with:{given}{vox1}" if given or vox1 else ""
    return f"// A session of voxpeer repl; run it in {Path.cwd()}{given}"


def _pieces(
    entry: Entry, session: Session, target: Path, saves: dict[str, tuple[int, int]]
) -> Iterator[str]:
    source = Source(entry.name, entry.text)
    if entry.is_expression:
        if not entry.left_out:
            yield _as_print(entry)
        return
    for piece in session.pieces(entry.text):
        line, column, _ = source.place(piece.start, piece.start)
        if piece.kind in ("print", "save") and (line, column) in entry.left_out:
            continue
        if piece.kind == "save" and saves[piece.label] != (id(entry), piece.start):
            continue
        yield _with_import(piece, entry.file, target)


def _as_print(entry: Entry) -> str:
    """Return the command that prints what was shown of an expression."""
    text = entry.text.strip()
    # Of a long sequence only the page that was shown: the rest may never be needed.
    shown = f"({text})[0:{PAGE}]" if entry.is_sequence else text
    return f'print "{shortened(entry.text)}" {shown}'


def _last_saves(workspace: Workspace) -> dict[str, tuple[int, int]]:
    """Map each path that is saved to to the entry and place that did so last."""
    return {
        piece.label: (id(entry), piece.start)
        for entry in workspace.entries
        if not entry.is_expression
        for piece in workspace.session.pieces(entry.text)
        if piece.kind == "save"
    }


def _with_import(piece: Piece, file: Path | None, target: Path) -> str:
    """Return a command so that what it imports is found from the new place."""
    if piece.kind != "import" or file is None:
        return piece.text
    here = Path.cwd()
    for path in candidates(piece.label, str(file.absolute().parent), here):
        if path.is_file():
            found = os.path.relpath(path, target.absolute().parent)
            start = piece.label_start + 1
            end = start + len(piece.label)
            return piece.text[:start] + found + piece.text[end:]
    return piece.text
