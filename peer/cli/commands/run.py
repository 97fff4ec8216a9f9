"""``voxpeer run``: run a program and show what came of its goals."""

from __future__ import annotations

import signal
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from peer.cli.exit_codes import ExitCode
from peer.cli.options import (
    PROGRAM,
    configured,
    dialect_option,
    json_option,
    open_configured,
    parameter_option,
    parse_parameters,
    run_options,
    store_option,
)
from peer.cli.output import note, write_line

if TYPE_CHECKING:
    from peer.cli.progress import ProgressView
    from peer.config import NetworkUse
    from peer.programs import Dialect, Program
    from scheduler import GoalOutcome, InterruptedRunError, RunOptions, RunReport
    from store import SqliteStore


@click.command()
@click.argument("program", type=PROGRAM)
@parameter_option
@click.option("--jobs", type=int, metavar="N", help="Cores to use; by default all.")
@store_option
@click.option(
    "--store-policy",
    type=click.Choice(["worth", "all", "goals", "none"]),
    help="Which results are kept: those worth keeping (the default), all, those of "
    "goals, or none.",
)
@click.option(
    "--execution-engine",
    type=click.Choice(["dynamic", "sequential"]),
    help="Run what is ready in parallel (the default), or one node at a time in the "
    "order of the program.",
)
@click.option(
    "--storage-backend",
    type=click.Choice(["sqlite"]),
    help="How the store keeps its bytes.",
)
@dialect_option
@click.option("--no-cache", is_flag=True, help="Compute even what is held.")
@click.option(
    "--on-failure",
    type=click.Choice(["continue", "stop"]),
    help="What a failed node does to independent ones; by default they go on.",
)
@click.option("--timeout", metavar="T", help="Stop after this time: 90s, 5m.")
@click.option(
    "--allow-outside",
    is_flag=True,
    help="Let the program save outside the current directory.",
)
@click.option(
    "--network",
    type=click.Choice(["auto", "off", "required"]),
    help="Ask the daemon of the store for what others have: if one runs (the "
    "default), never, or else run nothing.",
)
@click.option(
    "--progress/--no-progress", default=None, help="Whether to show progress."
)
@json_option
@click.option(
    "--dry-run", is_flag=True, help="Show what would run and what is held; run nothing."
)
def command(
    program: str,
    parameters: tuple[str, ...],
    jobs: int | None,
    store: str | None,
    store_policy: str | None,
    execution_engine: str | None,
    storage_backend: str | None,
    dialect: Dialect,
    no_cache: bool,
    on_failure: str | None,
    timeout: str | None,
    allow_outside: bool,
    network: str | None,
    progress: bool | None,
    as_json: bool,
    dry_run: bool,
) -> int:
    """Run PROGRAM and print its goals as label=value lines.

    Results that are held in the store are not computed again, nor, once this machine
    has joined others, what can be fetched from them sooner than computed.  Running
    the same command again after an interruption goes on where it stopped.
    """
    from peer.displaced import displaced_inputs
    from peer.process import keep_freed_memory, leave_threads_to_scheduler
    from peer.programs import load_program

    values = parse_parameters(parameters)
    config = configured(
        jobs=jobs,
        store=store,
        store_policy=store_policy,
        execution_engine=execution_engine,
        storage_backend=storage_backend,
        on_failure=on_failure,
        timeout=timeout,
        network=network,
        progress=progress,
    )
    signal.signal(signal.SIGTERM, _interrupt)
    leave_threads_to_scheduler()
    keep_freed_memory()
    with open_configured(config) as opened:
        loaded = load_program(program, opened, parameters=values, dialect=dialect)
        for warning in (*loaded.warnings, *displaced_inputs(loaded.plan, Path.cwd())):
            note(warning.render())
        options = run_options(config, not no_cache)
        if dry_run:
            from peer.cli.explanations import show_explanation

            return show_explanation(
                loaded, opened, options, "json" if as_json else "text", allow_outside
            )
        run = _Run(loaded, opened, options, allow_outside, config.network, as_json)
        return run.run(config.progress)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Treat a request to end (SIGTERM) like Ctrl-C."""
    raise KeyboardInterrupt


class _Run:
    """One run and what it shows."""

    def __init__(
        self,
        program: Program,
        store: SqliteStore,
        options: RunOptions,
        allow_outside: bool,
        network: NetworkUse,
        as_json: bool,
    ) -> None:
        from peer.cli.reports import Corrections

        self._program = program
        self._store = store
        self._options = options
        self._allow_outside = allow_outside
        self._network = network
        self._as_json = as_json
        self._view: ProgressView | None = None
        self._corrections = Corrections(store)

    def run(self, shows_progress: bool) -> int:
        """Run the program, show everything, and return the exit code."""
        from peer.cli.progress import ProgressView
        from peer.cli.reports import show_plan_error
        from peer.runs import run_program
        from scheduler import InterruptedRunError, PlanError, Progress

        progress = Progress()
        self._view = ProgressView(progress) if shows_progress else None
        try:
            with self._view or nullcontext():
                report = run_program(
                    self._program,
                    self._store,
                    options=self._options,
                    allow_outside=self._allow_outside,
                    network=self._network,
                    on_goal=None if self._as_json else self._show_goal,
                    progress=progress,
                )
        except PlanError as error:
            show_plan_error(self._program.plan, error)
            return ExitCode.PROGRAM
        except InterruptedRunError as error:
            self._show_interruption(error)
            return ExitCode.INTERRUPTED
        return self._finish(report)

    def _show_goal(self, outcome: GoalOutcome) -> None:
        if outcome.kind != "print" or outcome.failure is not None:
            return
        from peer.cli.reports import result_line

        line = result_line(outcome)
        if self._view is None:
            write_line(line)
        else:
            with self._view.out_of_the_way():
                write_line(line)

    def _finish(self, report: RunReport) -> int:
        from peer.cli.progress import summary
        from peer.cli.reports import (
            exit_code,
            report_json,
            show_failures,
            show_saved,
        )

        if self._as_json:
            from peer.cli.output import write_json

            write_json(report_json(report))
        show_saved(report)
        self._corrections.show(report)
        show_failures(self._program.plan, report)
        if report.store_problem:
            note(f"error: results could not be kept: {report.store_problem}")
        note(summary(report))
        return exit_code(report)

    def _show_interruption(self, error: InterruptedRunError) -> None:
        from peer.cli.progress import summary
        from peer.cli.reports import report_json, show_saved

        if self._as_json:
            from peer.cli.output import write_json

            write_json(report_json(error.report))
        show_saved(error.report)
        note(summary(error.report))
        note(
            f"{error}; what was finished is kept in the store, "
            "and the same command goes on from there"
        )
