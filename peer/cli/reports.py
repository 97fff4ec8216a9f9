"""What a run leaves to say: failures with their places, saved files, JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer.places import diagnose

from .output import note

if TYPE_CHECKING:
    from scheduler import Failure, GoalOutcome, PlanError, RunReport
    from scheduler.plan import Plan

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
