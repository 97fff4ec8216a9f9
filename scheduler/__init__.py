"""From a plan to results: keys, the demand walk, executors, runs.

The names are imported at their first use: whoever only makes a plan
(``scheduler.plan``) loads neither the engine nor the store.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import (
        AmbiguousKeyError,
        InterruptedRunError,
        PlanError,
        SchedulerError,
        UnavailableError,
    )
    from .explain import PlanExplanation, PlannedNode, explain_plan
    from .history import goal_keys
    from .neighbours import Alone, Arrived, Located, Neighbours, OnArrived, OnLocated
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
    from .why import (
        Difference,
        ExplainedNode,
        PreviousRun,
        ResultExplanation,
        explain_result,
    )

_MODULES = {
    "errors": (
        "AmbiguousKeyError",
        "InterruptedRunError",
        "PlanError",
        "SchedulerError",
        "UnavailableError",
    ),
    "explain": ("PlanExplanation", "PlannedNode", "explain_plan"),
    "history": ("goal_keys",),
    "neighbours": (
        "Alone",
        "Arrived",
        "Located",
        "Neighbours",
        "OnArrived",
        "OnLocated",
    ),
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
    "why": (
        "Difference",
        "ExplainedNode",
        "PreviousRun",
        "ResultExplanation",
        "explain_result",
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "MIGRATIONS",
    "Alone",
    "AmbiguousKeyError",
    "Arrived",
    "Difference",
    "ExplainedNode",
    "Failure",
    "GoalOutcome",
    "GoalRow",
    "InterruptedRunError",
    "Located",
    "Neighbours",
    "OnArrived",
    "OnGoal",
    "OnLocated",
    "PlanError",
    "PlanExplanation",
    "PlannedNode",
    "PreviousRun",
    "Progress",
    "ResultExplanation",
    "RunOptions",
    "RunReport",
    "SchedulerError",
    "UnavailableError",
    "cached_plan",
    "explain_plan",
    "explain_result",
    "goal_keys",
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
