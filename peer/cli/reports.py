"""What a run leaves to say: failures with their places, saved files, JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer.places import diagnose

from .output import format_time, note

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scheduler import Failure, GoalOutcome, PlanError, RunReport
    from scheduler.plan import Plan
    from store import Digest

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
            note(f"{state} {goal.label}")


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


def show_failures(plan: Plan, report: RunReport) -> None:
    """Show each failure once, with the goals that it cost."""
    labels: dict[Failure, list[GoalOutcome]] = {}
    for goal in report.goals:
        if goal.failure is not None:
            labels.setdefault(goal.failure, []).append(goal)
    for failure, goals in labels.items():
        site = failure.site if failure.site >= 0 else plan.goals[goals[0].index].site
        message = f"{_joined([goal.label for goal in goals])}: {failure.message}"
        note(diagnose(plan, site, message, "goal-failed").render())


def show_plan_error(plan: Plan, error: PlanError) -> None:
    """Show each reason why a plan cannot be run, with its place."""
    for message, site in error.problems:
        note(diagnose(plan, site, message, "cannot-run").render())


def _joined(labels: list[str]) -> str:
    shown = ", ".join(labels[:SHOWN_LABELS])
    more = len(labels) - SHOWN_LABELS
    return f"{shown} and {more} more" if more > 0 else shown
