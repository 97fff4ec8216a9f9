"""Checks, before anything runs, that a program's files can be written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from primitives.errors import OutputFileError
from primitives.formats.suffixes import check_output_suffix
from primitives.registry import KINDS, Registry
from primitives.values import kind_of
from scheduler import PlanError
from scheduler.plan import App, Const, Goal, Place, Plan

from .errors import OutputError
from .places import place_text


def check_outputs(
    plan: Plan, registry: Registry, directory: Path, allow_outside: bool = False
) -> None:
    """Check the paths that ``plan`` saves to.

    Args:
        plan: what is to be run.
        registry: the primitives that the plan names.
        directory: what relative paths are relative to.
        allow_outside: whether files outside ``directory`` may be written.

    Raises:
        PlanError: a path leads out of ``directory``, or its suffix is not that of a
            format for what is saved.
        OutputError: there is a folder at a path, or its folder cannot be written.
    """
    saves = [goal for goal in plan.goals if goal.kind == "save"]
    problems = [] if allow_outside else list(_leaving(saves, directory))
    problems += _unsavable(saves, plan, registry)
    if problems:
        raise PlanError(problems)
    unwritable = [
        f"{place_text(plan, goal.site)}: {text}"
        for goal in saves
        if (text := _unwritable(goal, directory))
    ]
    if unwritable:
        raise OutputError("\n".join(unwritable))


def _leaving(saves: Sequence[Goal], directory: Path) -> Iterator[tuple[str, int]]:
    # By the names alone: a link that the user made below the directory may be used.
    root = Path(os.path.normpath(directory))
    for goal in saves:
        path = Path(os.path.normpath(root / goal.label))
        if path == root or not path.is_relative_to(root):
            yield (
                f"'{goal.label}' lies outside the current directory; save to a path "
                "below it, or allow this with --allow-outside",
                goal.site,
            )


def _unsavable(
    saves: Sequence[Goal], plan: Plan, registry: Registry
) -> Iterator[tuple[str, int]]:
    for goal in saves:
        kinds = _possible_kinds(plan, goal, registry)
        messages = [text for kind in kinds if (text := _refusal(goal.label, kind))]
        # What may turn out to be of several kinds is left to the run.
        if len(messages) == len(kinds):
            yield messages[0], goal.site


def _possible_kinds(plan: Plan, goal: Goal, registry: Registry) -> list[str]:
    node = plan.nodes[goal.node]
    if isinstance(node, Const):
        return [kind_of(node.value)]
    if isinstance(node, Place):
        return ["string"]
    if isinstance(node, App):
        kinds = registry.get(node.primitive).result_kinds
        return sorted(kinds) if len(kinds) < len(KINDS) else ["any"]
    return ["any"]


def _refusal(path: str, kind: str) -> str:
    try:
        check_output_suffix(path, kind)
    except OutputFileError as error:
        return str(error)
    return ""


def _unwritable(goal: Goal, directory: Path) -> str:
    try:
        return _obstacle(goal, directory / goal.label)
    except (OSError, ValueError) as error:  # a name that no file can have
        reason = getattr(error, "strerror", None) or error
        return f"{goal.label[:60]} cannot be written: {reason}"


def _obstacle(goal: Goal, path: Path) -> str:
    if path.is_dir():
        return f"{goal.label} is a folder; save to the path of a file"
    for parent in path.parents:
        if parent.is_dir():
            if os.access(parent, os.W_OK | os.X_OK):
                return ""
            return f"{goal.label}: the folder {parent} cannot be written to"
        if parent.exists():
            return f"{goal.label}: {parent} is a file, not a folder"
    return ""
