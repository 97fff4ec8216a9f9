"""The public Python interface; also the program: ``python -m voxpeer``.

Everything is imported at its first use, so that ``import voxpeer`` costs nothing::

    import voxpeer

    report = voxpeer.run("segment.imgql", parameters={"cut": 0.8}, store="./store")
    for goal in report.goals:
        print(goal.label, goal.value)
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from language import ProgramError
    from peer.local import NoDaemonError
    from peer.programs import Program, compile_program
    from peer.runs import run
    from peer.stores import open_store
    from scheduler import (
        Failure,
        GoalOutcome,
        InterruptedRunError,
        PlanError,
        Progress,
        RunOptions,
        RunReport,
    )

_HOMES = {
    "Failure": "scheduler",
    "GoalOutcome": "scheduler",
    "InterruptedRunError": "scheduler",
    "NoDaemonError": "peer.local",
    "PlanError": "scheduler",
    "Program": "peer.programs",
    "ProgramError": "language",
    "Progress": "scheduler",
    "RunOptions": "scheduler",
    "RunReport": "scheduler",
    "compile_program": "peer.programs",
    "open_store": "peer.stores",
    "run": "peer.runs",
}

__all__ = [
    "Failure",
    "GoalOutcome",
    "InterruptedRunError",
    "NoDaemonError",
    "PlanError",
    "Program",
    "ProgramError",
    "Progress",
    "RunOptions",
    "RunReport",
    "compile_program",
    "open_store",
    "run",
]


def __getattr__(name: str) -> object:
    """Import a public name at its first use."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'voxpeer' has no attribute '{name}'")
    from importlib import import_module

    found: object = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)


if __name__ == "__main__":
    from peer.cli import main

    sys.exit(main())
