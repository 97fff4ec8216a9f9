"""Diagnostics for what is found after a program has become a plan."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.plan import Plan

if TYPE_CHECKING:
    from language.errors import Diagnostic, Note


def diagnose(plan: Plan, site: int, message: str, code: str) -> Diagnostic:
    """Return ``message`` with the place ``plan.sites[site]`` and the calls to it.

    Args:
        plan: what the message is about.
        site: index of the place, or -1 when there is none.
        message: what is wrong, for people.
        code: stable word for programs.
    """
    from language.errors import Diagnostic, Severity

    if site < 0:
        file = plan.files[0] if plan.files else ""
        return Diagnostic(Severity.ERROR, code, message, file)
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
        _line(file, place.line),
        calls=_calls(plan, site),
    )


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


@lru_cache(maxsize=16)
def _lines(file: str) -> tuple[str, ...]:
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _line(file: str, number: int) -> str:
    lines = _lines(file)
    return lines[number - 1] if number <= len(lines) else ""
