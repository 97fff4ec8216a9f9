"""A session of ``voxpeer repl``: entries are taken, run, and shown.

Whatever goes wrong is said, with its place, and the session goes on.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from language import ProgramError
from peer.displaced import displaced_inputs
from peer.repl.entries import split
from peer.repl.pages import PAGE
from peer.repl.signals import noted_signals
from peer.repl.values import has_picture, item_lines, lines_of
from primitives.errors import PrimitivesError
from scheduler import InterruptedRunError, PlanError, Progress

from .app import report_error
from .exit_codes import ExitCode
from .output import note, write_line
from .progress import ProgressView, summary
from .reports import (
    Corrections,
    exit_code,
    result_line,
    show_failures,
    show_plan_error,
    show_saved,
)

if TYPE_CHECKING:
    from peer.repl.pictures import Pictures
    from peer.repl.workspace import Entry, Workspace
    from primitives.values import Value
    from scheduler import GoalOutcome, RunReport

SHOWN_LINES = 40
"""Lines of a long text or record that are shown at once."""


class Dialogue:
    """What is shown of a session, and what it is about to show.

    Args:
        workspace: the program so far.
        pictures: where images are drawn; None draws none.
        shows_progress: whether a run under way is shown.

    Attributes:
        failed: exit code of the first entry that failed.
        always_timed: whether each entry's time is shown.
        is_interrupted: whether an entry was stopped by Ctrl-C.
        last: report of the last run.
    """

    def __init__(
        self, workspace: Workspace, pictures: Pictures | None, shows_progress: bool
    ) -> None:
        self.workspace = workspace
        self.failed = ExitCode.DONE
        self.always_timed = False
        self.is_interrupted = False
        self.last: RunReport | None = None
        self._pictures = pictures
        self._shows_progress = shows_progress
        self._view: ProgressView | None = None
        self._signals: set[int] = set()
        self._rest: list[str] = []
        self._displaced: set[str] = set()
        self._next_page: tuple[Entry, int] | None = None

    def enter(self, text: str) -> None:
        """Take what was typed: one entry, or several that were pasted."""
        for part in split(self.workspace.session, text):
            with self.telling():
                entry = self.workspace.take(part)
                self.run(entry)

    def run(self, entry: Entry) -> None:
        """Compute and show what an entry asks for."""
        for warning in entry.compiled.warnings:
            note(warning.render())
        if not entry.compiled.plan.goals:
            return
        self._warn_of_displaced_inputs(entry)
        self._rest, self._next_page = [], None
        corrections = Corrections(self.workspace.store)
        progress = Progress()
        try:
            with self._showing(progress):
                report = self.workspace.run(
                    entry, progress, lambda goal: self._show_goal(entry, goal)
                )
        except PlanError as error:
            show_plan_error(entry.compiled.plan, error, self.workspace.texts)
            self._failed(ExitCode.PROGRAM)
            return
        self._finish(entry, report)
        corrections.show(report)

    def more(self) -> None:
        """Show what follows what was shown last."""
        if self._rest:
            self._show_lines(self._rest)
        elif self._next_page is not None:
            entry, first = self._next_page
            progress = Progress()
            with self._showing(progress):
                report = self.workspace.run_page(entry, first, progress)
            self._show_page(entry, report, first)
        else:
            note("there is no more to show")

    def fail(self, message: str, code: ExitCode = ExitCode.USAGE) -> None:
        """Say what is wrong with an entry or a command."""
        note(f"error: {message}")
        self._failed(code)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Within the block, say what goes wrong; the session goes on."""
        try:
            yield
        except ProgramError as error:
            for found in error.diagnostics:
                note(found.render())
            self._failed(ExitCode.PROGRAM)
        except InterruptedRunError as error:
            self.last = error.report
            show_saved(error.report)
            if signal.SIGTERM in self._signals:
                note(f"{error}; what was finished is kept")
                raise SystemExit(int(ExitCode.INTERRUPTED)) from None
            note(f"{error}; what was finished is kept, and the session goes on")
            self._interrupted()
        except EOFError:
            raise
        except Exception as error:
            self._failed(ExitCode(report_error(error)))
        except KeyboardInterrupt:
            note("interrupted")
            self._interrupted()

    # ---- a run -------------------------------------------------------------

    @contextmanager
    def _showing(self, progress: Progress) -> Iterator[None]:
        self._view = ProgressView(progress) if self._shows_progress else None
        try:
            with noted_signals() as self._signals, self._view or nullcontext():
                yield
        finally:
            self._view = None

    def _warn_of_displaced_inputs(self, entry: Entry) -> None:
        """Say once in a session what is taken to lie elsewhere than its file says."""
        texts = self.workspace.texts
        for warning in displaced_inputs(entry.compiled.plan, Path.cwd(), texts):
            if warning.message not in self._displaced:
                self._displaced.add(warning.message)
                note(warning.render())

    def _show_goal(self, entry: Entry, goal: GoalOutcome) -> None:
        is_shown_later = entry.is_expression and goal.index == 0
        if goal.kind == "print" and goal.failure is None and not is_shown_later:
            with self._view.out_of_the_way() if self._view else nullcontext():
                write_line(result_line(goal))

    def _finish(self, entry: Entry, report: RunReport) -> None:
        self.last = report
        first = report.goals[0]
        if entry.is_expression and first.failure is None:
            if entry.is_sequence:
                self._show_page(entry, report, 0)
            else:
                self._show_value(entry, first.value)
        show_saved(report)
        show_failures(entry.compiled.plan, report, self.workspace.texts)
        if report.store_problem:
            note(f"error: results could not be kept: {report.store_problem}")
        self._failed(exit_code(report))
        if self.always_timed:
            note(summary(report))

    def _interrupted(self) -> None:
        self.is_interrupted = True
        self._failed(ExitCode.INTERRUPTED)

    def _failed(self, code: ExitCode) -> None:
        self.failed = self.failed or code

    # ---- values ------------------------------------------------------------

    def _show_value(self, entry: Entry, value: Value) -> None:
        if isinstance(value, tuple) and value:
            self._show_lines(item_lines(value, 0), PAGE)
            return
        self._show_lines(lines_of(value))
        if has_picture(value) and self._pictures is not None:
            try:
                path = self._pictures.draw(value, entry.name.replace(" ", "-"))
            except PrimitivesError as error:
                note(f"no picture: {error}")
            else:
                write_line(f"picture {path}")

    def _show_page(self, entry: Entry, report: RunReport, first: int) -> None:
        self.last = report
        goal = report.goals[0]
        if goal.failure is not None:
            show_failures(entry.compiled.plan, report, self.workspace.texts)
            self._failed(exit_code(report))
            return
        items = goal.value[:PAGE]
        self._show_lines(item_lines(items, first) if goal.value else ["[]"], PAGE)
        self._next_page = None
        if len(goal.value) > PAGE:
            self._next_page = entry, first + PAGE
            note("… there are more: :more")

    def _show_lines(self, lines: list[str], count: int = SHOWN_LINES) -> None:
        for line in lines[:count]:
            write_line(line)
        self._rest = lines[count:]
        if self._rest:
            note(f"… {len(self._rest)} more: :more")
