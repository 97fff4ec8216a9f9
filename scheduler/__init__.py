"""From a plan to results: keys, the demand walk, executors, runs.

The names are imported at their first use: whoever only makes a plan
(``scheduler.plan``) loads neither the engine nor the store.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import (
        InterruptedRunError,
        PlanError,
        SchedulerError,
        UnavailableError,
    )
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
    from .runs import MIGRATIONS, GoalRow, list_goals, run_plan

_MODULES = {
    "errors": (
        "InterruptedRunError",
        "PlanError",
        "SchedulerError",
        "UnavailableError",
    ),
    "explain": ("PlanExplanation", "PlannedNode", "explain_plan"),
    "options": (
        "Failure",
        "GoalOutcome",
        "OnGoal",
        "Progress",
        "RunOptions",
        "RunReport",
    ),
    "plans": ("cached_plan", "keep_plan"),
    "runs": ("MIGRATIONS", "GoalRow", "list_goals", "run_plan"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

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


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
