"""What a run would do, as text, JSON or a drawing for Graphviz."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from peer.outputs import check_outputs
from peer.places import place_text
from peer.quantities import format_duration, format_size
from scheduler import PlanError, RunOptions, explain_plan

from .exit_codes import ExitCode
from .output import note, write_json, write_line

if TYPE_CHECKING:
    from peer.programs import Program
    from scheduler import PlanExplanation, PlannedNode
    from scheduler.plan import Plan
    from store import SqliteStore

SHOWN_NODES = 200
"""Longer plans are cut in text; JSON and dot hold everything."""


def show_explanation(
    program: Program,
    store: SqliteStore,
    options: RunOptions,
    form: str,
    allow_outside: bool,
) -> int:
    """Show what running ``program`` would do, and return the exit code.

    Args:
        program: a loaded program.
        store: where results may be held.
        options: choices of the run.
        form: ``"text"``, ``"json"`` or ``"dot"``.
        allow_outside: whether the program may save outside the current directory.
    """
    from primitives.catalog import standard_registry

    directory = Path.cwd()
    registry = standard_registry()
    try:
        check_outputs(program.plan, registry, directory, allow_outside)
        explanation = explain_plan(
            program.plan,
            store=store,
            registry=registry,
            directory=directory,
            options=options,
        )
        if explanation.problems:
            raise PlanError(list(explanation.problems))
    except PlanError as error:
        from .reports import show_plan_error

        show_plan_error(program.plan, error)
        return ExitCode.PROGRAM
    if form == "json":
        write_json(_as_json(program.plan, explanation))
    elif form == "dot":
        for line in _as_dot(explanation):
            write_line(line)
    else:
        _show_text(program.plan, explanation)
    return ExitCode.DONE


def _show_text(plan: Plan, explanation: PlanExplanation) -> None:
    for goal in plan.goals:
        write_line(f"{goal.kind} {goal.label}")
    shown = [node for node in explanation.nodes if node.status != "constant"]
    for node in shown[:SHOWN_NODES]:
        write_line(
            f"  {_state(node):<24} {node.label:<28} {_place(plan, node)}".rstrip()
        )
    if len(shown) > SHOWN_NODES:
        write_line(f"  … and {len(shown) - SHOWN_NODES} more nodes")
    note(
        f"{explanation.to_compute} to compute, {explanation.held} held, "
        f"about {format_duration(explanation.estimate_s)} of work"
    )


def _state(node: PlannedNode) -> str:
    if node.status == "held":
        return f"held, {format_size(node.held_bytes)}"
    if node.status == "compute":
        return f"compute, {format_duration(node.estimate_s)}"
    return "known when it runs"


def _place(plan: Plan, node: PlannedNode) -> str:
    return place_text(plan, node.site)


def _as_json(plan: Plan, explanation: PlanExplanation) -> dict[str, object]:
    return {
        "goals": [
            {"kind": goal.kind, "label": goal.label, "node": goal.node}
            for goal in plan.goals
        ],
        "nodes": [
            {
                "node": node.ref,
                "label": node.label,
                "place": _place(plan, node),
                "key": node.key.hex() if node.key else None,
                "status": node.status,
                "held_bytes": node.held_bytes,
                "estimate_s": node.estimate_s,
                "arguments": list(node.args),
                "is_goal": node.is_goal,
            }
            for node in explanation.nodes
        ],
        "to_compute": explanation.to_compute,
        "held": explanation.held,
        "estimate_s": explanation.estimate_s,
    }


_COLOURS = {
    "held": "palegreen",
    "compute": "lightsalmon",
    "constant": "white",
    "unknown": "lightgrey",
}


def _as_dot(explanation: PlanExplanation) -> Iterator[str]:
    yield "digraph plan {"
    yield "  rankdir=BT; node [shape=box, style=filled];"
    for node in explanation.nodes:
        colour = _COLOURS[node.status]
        shape = ", peripheries=2" if node.is_goal else ""
        yield (
            f'  n{node.ref} [label="{_quoted(node.label)}", fillcolor={colour}{shape}];'
        )
        for argument in node.args:
            yield f"  n{argument} -> n{node.ref};"
    yield "}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
