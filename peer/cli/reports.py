"""What a run leaves to say: failures with their places, saved files, JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from peer.places import asked_for, diagnose

from .exit_codes import ExitCode
from .output import format_time, note

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scheduler import Failure, GoalOutcome, PlanError, RunReport
    from scheduler.plan import Plan
    from store import Digest, SqliteStore

SHOWN_LABELS = 3


def report_json(report: RunReport) -> dict[str, object]:
    """Return the JSON object that ``run --json`` prints."""
    progress = report.progress
    return {
        "run_id": report.run_id,
        "goals": [_goal_json(goal) for goal in report.goals],
        "saved": [str(goal.saved) for goal in report.goals if goal.saved is not None],
        "stats": {
            "nodes": progress.nodes,
            "executed": progress.executed,
            "executed_because": dict(sorted(progress.executed_because.items())),
            "from_memory": progress.from_memory,
            "from_store": progress.from_store,
            "from_peers": progress.from_peers,
            "waited_s": round(progress.waited_s, 6),
            "failed": progress.failed,
            "seconds": round(report.seconds, 6),
        },
    }


def _goal_json(goal: GoalOutcome) -> dict[str, object]:
    from primitives.text import json_value

    return {
        "label": goal.label,
        "kind": goal.kind,
        "value": json_value(goal.value),
        "key": goal.key.hex() if goal.key else None,
        "digest": goal.digest.hex() if goal.digest else None,
        "error": goal.failure.message if goal.failure else None,
    }


def show_saved(report: RunReport) -> None:
    """Say which files were written."""
    for goal in report.goals:
        if goal.saved is not None:
            state = "unchanged" if goal.is_unchanged else "saved"
            note(f"{state} {goal.label}{_range_of(goal)}")


def _range_of(goal: GoalOutcome) -> str:
    """Return what values a saved image has, for people."""
    if goal.extremes is None:
        return ""
    least, greatest = goal.extremes
    return f", values from {least:g} to {greatest:g}"


def show_corrected(report: RunReport, doubtful: Mapping[Path, Digest]) -> None:
    """Say which files were made from what turned out to be wrong, and are right now.

    Args:
        report: of the run.
        doubtful: files that were to be made right when it began, and their values.
    """
    for goal in report.goals:
        before = doubtful.get(goal.saved) if goal.saved is not None else None
        if before is not None and goal.digest != before:
            note(
                f"warning: {goal.label} rested on a result of another machine that was"
                " found to be wrong, and is right now; look again at what was made of"
                " it before"
            )


def show_corrected_before(
    report: RunReport, corrected: Mapping[Path, int]
) -> list[Path]:
    """Say which files an audit has written anew; return those that it was said of.

    Args:
        report: of the run.
        corrected: files that were wrong, and when they were written anew, in
            milliseconds since 1970.
    """
    told = []
    for goal in report.goals:
        if goal.saved is not None and goal.saved in corrected:
            told.append(goal.saved)
            note(
                f"warning: {goal.label} rested on a result of another machine that was"
                f" found to be wrong, and was written anew on"
                f" {format_time(corrected[goal.saved])}; look again at what was made"
                " of it before"
            )
    return told


class Corrections:
    """Files that rested on wrong results, and what has to be said of them.

    Args:
        store: of the run that is about to begin.
    """

    def __init__(self, store: SqliteStore) -> None:
        from peer.auditing.doubtful import doubtful_files
        from scheduler.saved import saved_corrected

        self._store = store
        self._doubtful = {it.path: it.digest for it in doubtful_files(store)}
        self._corrected = {it.path: it.corrected_ms for it in saved_corrected(store)}

    def show(self, report: RunReport) -> None:
        """Say what is right now of the files that a run saved, and what is not yet."""
        show_corrected(report, self._doubtful)
        if told := show_corrected_before(report, self._corrected):
            from scheduler.saved import forget_corrections

            forget_corrections(self._store, told)
        if self._doubtful:
            from .audit_views import warn_of_doubtful_files

            warn_of_doubtful_files(self._store)


def result_line(goal: GoalOutcome) -> str:
    """Return what is printed of a ``print`` that has a value."""
    from primitives.text import format_value

    return f"{goal.label}={format_value(goal.value, goal.digest)}"


def exit_code(report: RunReport) -> ExitCode:
    """Return the exit code of a run that came to its end."""
    failures = [goal.failure for goal in report.goals if goal.failure is not None]
    if any(failure.primitive != "save" for failure in failures):
        return ExitCode.GOAL_FAILED
    if failures or report.store_problem:
        return ExitCode.UNUSABLE  # computed, but it could not be written
    return ExitCode.DONE


def show_failures(
    plan: Plan, report: RunReport, texts: Mapping[str, str] | None = None
) -> None:
    """Show each failure once, with the goals that it cost.

    Args:
        plan: that was run.
        report: of the run.
        texts: programs that are in no file, by name.
    """
    labels: dict[Failure, list[GoalOutcome]] = {}
    for goal in report.goals:
        if goal.failure is not None:
            labels.setdefault(goal.failure, []).append(goal)
    for failure, goals in labels.items():
        site = failure.site if failure.site >= 0 else plan.goals[goals[0].index].site
        message = f"{_joined([goal.label for goal in goals])}: {failure.text}"
        found = diagnose(plan, site, message, "goal-failed", texts)
        asked = (asked_for(plan, goal.index) for goal in goals[:SHOWN_LABELS])
        told = {found.line, *(call.line for call in found.calls)}
        notes = (one for one in asked if one.line not in told)
        note(replace(found, calls=(*found.calls, *notes)).render())


def show_plan_error(
    plan: Plan, error: PlanError, texts: Mapping[str, str] | None = None
) -> None:
    """Show each reason why a plan cannot be run, with its place.

    Args:
        plan: that cannot be run.
        error: says why.
        texts: programs that are in no file, by name.
    """
    for message, site in error.problems:
        note(diagnose(plan, site, message, "cannot-run", texts).render())


def _joined(labels: list[str]) -> str:
    shown = ", ".join(labels[:SHOWN_LABELS])
    more = len(labels) - SHOWN_LABELS
    return f"{shown} and {more} more" if more > 0 else shown
