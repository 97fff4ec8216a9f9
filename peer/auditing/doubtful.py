"""Saved files and results that rest on the word of somebody who was found wrong.

Every run asks for them, so nothing heavy is imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.saved import SavedFile, saved_relying

if TYPE_CHECKING:
    from store import SqliteStore


HAS_RESULTS = """SELECT EXISTS (SELECT 1 FROM quarantined q JOIN reliances r
  ON r.member = q.member AND r.sequence >= q.from_sequence)"""


def has_doubtful_results(store: SqliteStore) -> bool:
    """Return whether results are held that ought to have been removed.

    A run that has read one before somebody was found wrong keeps what it makes of it;
    who found out may have ended since.
    """
    with store.database.read() as connection:
        return bool(connection.execute(HAS_RESULTS).fetchone()[0])


def doubtful_files(store: SqliteStore) -> list[SavedFile]:
    """Return the saved files that may be wrong, as far as they are still there."""
    with store.database.read() as connection:
        rows = connection.execute("SELECT member, from_sequence FROM quarantined")
        first = dict(rows.fetchall())
    if not first:
        return []
    return [
        saved
        for saved in saved_relying(store)
        if any(
            relied.sequence >= first.get(relied.member, relied.sequence + 1)
            for relied in saved.relies_on
        )
        and saved.path.exists()
    ]
