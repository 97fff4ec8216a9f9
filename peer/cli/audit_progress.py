"""A session of audits while it goes on."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from .audit_views import outcome_line, repaired_text
from .output import note, write_line

if TYPE_CHECKING:
    from pathlib import Path

    from peer.auditing import Repair
    from scheduler.auditing import Outcome
    from scheduler.audits import Audit
    from scheduler.options import Progress
    from store import SqliteStore

LINE_EVERY_S = 10.0
"""How often it is said how far it is, where no lines of results say it."""


class AuditView:
    """Shows a session: outcomes as lines of results, progress beside them."""

    def __init__(
        self,
        store: SqliteStore,
        *,
        shows_outcomes: bool,
        shows_progress: bool,
        is_in_background: bool,
    ) -> None:
        self._store = store
        self._is_in_background = is_in_background
        self._shows_outcomes = shows_outcomes
        self._shows_progress = shows_progress
        self._progress = ExitStack()

        self._ended = 0
        self._said_at = time.monotonic()

    def begin(self, audit: Audit, progress: Progress) -> None:
        """Show that an audit begins, and the counters that it writes."""
        if not self._shows_outcomes:
            self._say_how_far()
        self._watch(progress)

    def end(self, audit: Audit, outcome: Outcome) -> None:
        """Show what came of it."""
        self.close()
        self._ended += 1
        if self._shows_outcomes:
            write_line(outcome_line(self._store, audit, outcome))

    def repairing(self, path: Path, progress: Progress) -> None:
        """Show that a saved file is looked after, and the counters that it writes."""
        self._watch(progress)

    def repaired(self, repair: Repair) -> None:
        """Show what became of a saved file."""
        self.close()
        if self._shows_outcomes:
            write_line(f"{repair.path}: {repaired_text(repair)}")
        if self._is_in_background and repair.end == "replaced":
            from .narration import say

            say(f"warning: {repair.path}: {repaired_text(repair)}")

    def _watch(self, progress: Progress) -> None:
        self.close()
        if self._shows_progress:
            from .progress import ProgressView

            self._progress.enter_context(ProgressView(progress))

    def _say_how_far(self) -> None:
        """Say now and then how far it is, where no lines of results say it."""
        from scheduler.audits import audit_counts

        now = time.monotonic()
        if self._shows_progress and now >= self._said_at + LINE_EVERY_S:
            self._said_at = now
            left = audit_counts(self._store).open
            note(f"audits: {self._ended} done, {left} left to do")

    def close(self) -> None:
        """Show no more progress."""
        self._progress.close()
