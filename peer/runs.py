"""Running a program from start to end: for the command line and for Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from primitives.catalog import standard_registry
from scheduler import OnGoal, Progress, RunOptions, RunReport, run_plan

from .auditing import clean
from .neighbours import neighbours_of
from .outputs import check_outputs
from .programs import Dialect, Parameter, Program, load_program
from .stores import open_store

if TYPE_CHECKING:
    from store import SqliteStore

    from .config import NetworkUse


def run(
    program: str | os.PathLike[str],
    *,
    parameters: Mapping[str, Parameter] | None = None,
    store: SqliteStore | str | os.PathLike[str] | None = None,
    options: RunOptions | None = None,
    dialect: Dialect = "imgql",
    allow_outside: bool = False,
    network: NetworkUse = "auto",
    on_goal: OnGoal | None = None,
) -> RunReport:
    """Run a program and return what came of its goals.

    Args:
        program: path of the program.
        parameters: values of its ``$NAME`` variables, as ``-p`` gives them.
        store: an open store, or the folder of one; the user's own by default.
        options: choices of the run.
        dialect: ``"vox1"`` for VoxLogicA 1's grouping of operators.
        allow_outside: whether the program may save outside the current directory.
        network: whether results are asked of other machines: ``"auto"`` if a daemon
            of the store runs, ``"off"`` never, ``"required"`` or nothing is run.
        on_goal: called with each outcome, in program order, as soon as it is known.

    Raises:
        ProgramError: the program is wrong.
        PlanError: it cannot be run: an input is missing, say.
        OutputError: a file to save cannot be written.
        StoreError: the store is unusable.
        NoDaemonError: the network is required, and no daemon of the store runs.
        InterruptedRunError: the run was stopped; what was finished is kept.
    """
    if store is None or isinstance(store, str | os.PathLike):
        with open_store(store) as opened:
            return run(
                program,
                parameters=parameters,
                store=opened,
                options=options,
                dialect=dialect,
                allow_outside=allow_outside,
                network=network,
                on_goal=on_goal,
            )
    loaded = load_program(program, store, parameters=parameters, dialect=dialect)
    return run_program(
        loaded,
        store,
        options=options,
        allow_outside=allow_outside,
        network=network,
        on_goal=on_goal,
    )


def run_program(
    program: Program,
    store: SqliteStore,
    *,
    options: RunOptions | None = None,
    allow_outside: bool = False,
    network: NetworkUse = "auto",
    on_goal: OnGoal | None = None,
    progress: Progress | None = None,
) -> RunReport:
    """Run a loaded program in the current directory; raises as :func:`run`."""
    directory = Path.cwd()
    registry = standard_registry()
    check_outputs(program.plan, registry, directory, allow_outside)
    clean(store)
    neighbours = neighbours_of(store, network)
    try:
        return run_plan(
            program.plan,
            store=store,
            registry=registry,
            options=options or RunOptions(),
            directory=directory,
            progress=progress,
            on_goal=on_goal,
            program=program.path,
            neighbours=neighbours,
            text=program.text,
        )
    finally:
        neighbours.close()
