"""Diagnostics for what is found after a program has become a plan."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.plan import Plan

if TYPE_CHECKING:
    from language.errors import Diagnostic, Note


def diagnose(
    plan: Plan,
    site: int,
    message: str,
    code: str,
    texts: Mapping[str, str] | None = None,
) -> Diagnostic:
    """Return ``message`` with the place ``plan.sites[site]`` and the calls to it.

    Args:
        plan: what the message is about.
        site: index of the place, or -1 when there is none.
        message: what is wrong, for people.
        code: stable word for programs.
        texts: programs that are in no file, by name.
    """
    from language.errors import Diagnostic, Severity

    if site < 0:
        file = plan.files[0] if plan.files else ""
        return Diagnostic(Severity.ERROR, code, message, file)
    site, message = _outside_libraries(plan, site, message)
    place = plan.sites[site]
    file = plan.files[place.file]
    return Diagnostic(
        Severity.ERROR,
        code,
        message,
        file,
        place.line,
        place.column,
        place.end_column,
        _line(file, place.line, texts or {}),
        calls=_calls(plan, site),
    )


def asked_for(plan: Plan, goal: int) -> Note:
    """Return where a program asks for one of its goals."""
    from language.errors import Note

    asked = plan.goals[goal]
    message = f'asked for by {asked.kind} "{asked.label}"'
    if asked.site < 0:
        return Note(message, plan.files[0] if plan.files else "", 0, 0)
    place = plan.sites[asked.site]
    return Note(message, plan.files[place.file], place.line, place.column)


def _outside_libraries(plan: Plan, site: int, message: str) -> tuple[int, str]:
    """Return the call in the program of what lies in a bundled library.

    Nobody can look at a place there.
    """
    place = plan.sites[site]
    name, library = "", ""
    while _is_bundled(plan.files[place.file]) and place.caller >= 0:
        name, library = place.name, plan.files[place.file]
        site = place.caller
        place = plan.sites[site]
    return site, f"{message} (in '{name}' of {library})" if name else message


def _is_bundled(file: str) -> bool:
    return file.startswith("<") and file.endswith(".imgql>")


def place_text(plan: Plan, site: int) -> str:
    """Return ``file:line`` of a place, or nothing."""
    if site < 0:
        return ""
    place = plan.sites[site]
    return f"{plan.files[place.file]}:{place.line}"


def _calls(plan: Plan, site: int) -> tuple[Note, ...]:
    from language.errors import Note

    notes = []
    place = plan.sites[site]
    while place.caller >= 0:
        caller = plan.sites[place.caller]
        notes.append(
            Note(
                f"in the call of '{place.name}'",
                plan.files[caller.file],
                caller.line,
                caller.column,
            )
        )
        place = caller
    return tuple(notes)


def _changed_at(file: str) -> int:
    try:
        return Path(file).stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=16)
def _lines(file: str, changed_at: int) -> tuple[str, ...]:
    # A process that stays may run a file again after it was edited.
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ()
    return _split(text)


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _line(file: str, number: int, texts: Mapping[str, str]) -> str:
    lines = _split(texts[file]) if file in texts else _lines(file, _changed_at(file))
    return lines[number - 1] if number <= len(lines) else ""
