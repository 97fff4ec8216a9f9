"""From a plan to results: keys, the demand walk, executors, runs.

The names are imported at their first use: whoever only makes a plan
(``scheduler.plan``) loads neither the engine nor the store.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .audits import (
        Audit,
        EndedAudit,
        audit_history,
        end_audit,
        has_open_audits,
        is_computable,
        note_audits,
        open_audits,
        request_audit,
    )
    from .errors import (
        AmbiguousKeyError,
        InterruptedRunError,
        PlanError,
        SchedulerError,
        UnavailableError,
    )
    from .explain import PlanExplanation, PlannedNode, explain_plan
    from .history import goal_keys
    from .neighbours import (
        Alone,
        Arrived,
        Claim,
        ClaimAnswer,
        Free,
        Granted,
        Held,
        Located,
        Neighbours,
        OnArrived,
        OnClaimed,
        OnLocated,
    )
    from .options import (
        Failure,
        GoalOutcome,
        OnGoal,
        Progress,
        RunOptions,
        RunReport,
    )
    from .plans import cached_plan, keep_plan
    from .rebuilding import ImpossibleError, Rebuilt, rebuild
    from .runs import MIGRATIONS, GoalRow, list_goals, run_plan
    from .saved import SavedFile, saved_from
    from .why import (
        Difference,
        ExplainedNode,
        PreviousRun,
        ResultExplanation,
        explain_result,
    )

_MODULES = {
    "audits": (
        "Audit",
        "EndedAudit",
        "audit_history",
        "end_audit",
        "has_open_audits",
        "is_computable",
        "note_audits",
        "open_audits",
        "request_audit",
    ),
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
        "Claim",
        "ClaimAnswer",
        "Free",
        "Granted",
        "Held",
        "Located",
        "Neighbours",
        "OnArrived",
        "OnClaimed",
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
    "rebuilding": ("ImpossibleError", "Rebuilt", "rebuild"),
    "runs": ("MIGRATIONS", "GoalRow", "list_goals", "run_plan"),
    "saved": ("SavedFile", "saved_from"),
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
    "Audit",
    "Claim",
    "ClaimAnswer",
    "Difference",
    "EndedAudit",
    "ExplainedNode",
    "Failure",
    "Free",
    "GoalOutcome",
    "GoalRow",
    "Granted",
    "Held",
    "ImpossibleError",
    "InterruptedRunError",
    "Located",
    "Neighbours",
    "OnArrived",
    "OnClaimed",
    "OnGoal",
    "OnLocated",
    "PlanError",
    "PlanExplanation",
    "PlannedNode",
    "PreviousRun",
    "Progress",
    "Rebuilt",
    "ResultExplanation",
    "RunOptions",
    "RunReport",
    "SavedFile",
    "SchedulerError",
    "UnavailableError",
    "audit_history",
    "cached_plan",
    "end_audit",
    "explain_plan",
    "explain_result",
    "goal_keys",
    "has_open_audits",
    "is_computable",
    "keep_plan",
    "list_goals",
    "note_audits",
    "open_audits",
    "rebuild",
    "request_audit",
    "run_plan",
    "saved_from",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
