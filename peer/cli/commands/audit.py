"""``voxpeer audit``: compute here what others have computed, and compare."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from peer.cli.exit_codes import ExitCode
from peer.cli.options import configured, json_option, open_existing, store_option
from peer.cli.output import note, write_json

if TYPE_CHECKING:
    from types import FrameType

    from peer.auditing import Limits, Summary
    from scheduler.passes import Stop
    from store import SqliteStore


@click.command()
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Audit whatever is held of others, not only what was drawn for it.",
)
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="Do at most so many."
)
@click.option(
    "--cpu-time",
    metavar="T",
    help="Begin no further one after so much time of a core: 90s, 5m.",
)
@click.option(
    "--background",
    is_flag=True,
    help="Take only time that nobody else wants, show no progress, and end when "
    "standard input does.",
)
@store_option
@json_option
def command(
    everything: bool,
    limit: int | None,
    cpu_time: str | None,
    background: bool,
    store: str | None,
    as_json: bool,
) -> int:
    """Compute results of others here as well, and see whether they are the same.

    A part of what is fetched is drawn for this.  The daemon starts it when there is
    nothing better to do; this command does it at once.  Nothing that came from others
    is used.  What is the same belongs to this machine from then on.  Of somebody who
    has signed a wrong result no result is believed any more: what rests on them is
    removed, and files that were saved from it are written anew.  Then the exit code
    is 9.
    """
    from peer.process import keep_freed_memory, leave_threads_to_scheduler
    from peer.quantities import parse_duration_s

    cpu_s = None if cpu_time is None else parse_duration_s(cpu_time)
    config = configured(store=store)
    leave_threads_to_scheduler()
    keep_freed_memory()
    from peer.auditing import Limits, end_with_input, take_idle_priority
    from scheduler.passes import Stop

    stop = Stop()
    with _stopping_on_signals(stop), open_existing(config) as opened:
        if background:
            take_idle_priority()
            end_with_input(stop.want)
        return _audit(
            opened,
            Limits(audits=limit, cpu_s=cpu_s),
            stop,
            everything=everything,
            as_json=as_json,
            shows_progress=config.progress,
            is_quiet=background,
        )


def _audit(
    store: SqliteStore,
    limits: Limits,
    stop: Stop,
    *,
    everything: bool,
    as_json: bool,
    shows_progress: bool,
    is_quiet: bool,
) -> int:
    from peer.auditing import audit, request_everything
    from peer.cli.audit_progress import AuditView
    from peer.cli.audit_views import show_conclusions, summary_json, summary_line
    from primitives.catalog import standard_registry
    from scheduler.audits import audit_counts

    if everything:
        request_everything(store)
    view = AuditView(
        store,
        shows_outcomes=not as_json,
        shows_progress=shows_progress and not is_quiet,
        is_in_background=is_quiet,
    )
    try:
        summary = audit(store, standard_registry(), limits, stop, view)
    finally:
        view.close()
    left = audit_counts(store).open
    if as_json:
        write_json(summary_json(summary, left))
    if not is_quiet:
        note(summary_line(summary, left))
        if not summary.is_stopped:
            show_conclusions(summary, left, is_everything=everything)
    return _exit_code(summary)


def _exit_code(summary: Summary) -> ExitCode:
    if summary.is_stopped:
        return ExitCode.INTERRUPTED
    return ExitCode.WRONG_RESULT if summary.has_found_lies else ExitCode.DONE


@contextmanager
def _stopping_on_signals(stop: Stop) -> Iterator[None]:
    """Within the block, have the first request to end stop it cleanly.

    A second one has its usual effect.
    """
    before: dict[signal.Signals, Any] = {}

    def note_signal(_number: int, _frame: FrameType | None) -> None:
        for each, handler in before.items():
            signal.signal(each, handler)
        stop.want()

    for each in (signal.SIGINT, signal.SIGTERM):
        before[each] = signal.signal(each, note_signal)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
