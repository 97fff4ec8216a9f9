"""Saved files that were wrong, and were written anew: people have to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.saved import saved_corrected

from .output import format_time, write_line

if TYPE_CHECKING:
    from scheduler.saved import SavedFile
    from store import SqliteStore

SHOWN_FILES = 20


def corrected_files(store: SqliteStore) -> list[SavedFile]:
    """Return the files that were wrong, are right now, and are still as they were left.

    What a run has said of them is not said again.
    """
    return [saved for saved in saved_corrected(store) if saved.is_untouched]


def corrected_json(store: SqliteStore) -> list[dict[str, object]]:
    """Return the corrected files as a part of ``status --json``."""
    return [
        {"path": str(saved.path), "corrected_ms": saved.corrected_ms}
        for saved in corrected_files(store)
    ]


def show_corrected_files(store: SqliteStore) -> None:
    """Show a hint that names the files that were wrong, and are right now."""
    found = corrected_files(store)
    if not found:
        return
    write_line("")
    write_line(
        "hint: these files rested on wrong results, and were written anew. Look again"
        " at what you made of them before; once their programs have run again, they"
        " are not named here any more:"
    )
    for saved in found[:SHOWN_FILES]:
        write_line(f"  {saved.path}, on {format_time(saved.corrected_ms)}")
    if len(found) > SHOWN_FILES:
        write_line(f"  and {len(found) - SHOWN_FILES} more")
