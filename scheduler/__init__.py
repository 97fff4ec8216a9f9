"""From a plan to results: keys, the demand walk, executors, runs."""

from __future__ import annotations

from store import Migrations

from .errors import InterruptedRunError, PlanError, SchedulerError, UnavailableError
from .explain import PlanExplanation, PlannedNode, explain_plan
from .options import (
    Failure,
    GoalOutcome,
    OnGoal,
    Progress,
    RunOptions,
    RunReport,
)
from .plans import cached_plan, keep_plan
from .runs import GoalRow, list_goals, run_plan

MIGRATIONS = Migrations(room="scheduler", package="scheduler.schema")
"""The tables of this room, for ``store.open_store``."""

__all__ = [
    "MIGRATIONS",
    "Failure",
    "GoalOutcome",
    "GoalRow",
    "InterruptedRunError",
    "OnGoal",
    "PlanError",
    "PlanExplanation",
    "PlannedNode",
    "Progress",
    "RunOptions",
    "RunReport",
    "SchedulerError",
    "UnavailableError",
    "cached_plan",
    "explain_plan",
    "keep_plan",
    "list_goals",
    "run_plan",
]
