"""What a command's exit code says; the one place where errors become numbers."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command; new ones may be added, none changes."""

    DONE = 0
    """The command did what was asked."""
    BUG = 1
    """An error in voxpeer itself."""
    USAGE = 2
    """The command line or a setting is wrong."""
    PROGRAM = 3
    """The program is wrong; nothing was run."""
    UNUSABLE = 4
    """An output or the store is unusable, or a command other than ``run`` failed."""
    NO_MATCH = 5
    """What an argument names is not there."""
    DAMAGE = 6
    """``store check`` found damaged artifacts."""
    NETWORK_ABSENT = 7
    """The network was required, and no daemon answers."""
    GOAL_FAILED = 8
    """At least one goal failed while running."""
    WRONG_RESULT = 9
    """``audit`` found a result of somebody else to be wrong."""
    INTERRUPTED = 130
    """The command was stopped before its end."""


def exit_code_of(error: BaseException) -> ExitCode:
    """Return the exit code of an error that a command did not handle."""
    for kind, code in _table():
        if isinstance(error, kind):
            return code
    return ExitCode.BUG


def _table() -> tuple[tuple[type[BaseException], ExitCode], ...]:
    """List error classes, the special before the general."""
    import click

    from language.errors import LanguageError
    from peer import errors as peer
    from peer.local import errors as local
    from primitives import errors as primitives
    from scheduler import errors as scheduler
    from store import errors as store

    return (
        (KeyboardInterrupt, ExitCode.INTERRUPTED),
        (click.Abort, ExitCode.INTERRUPTED),
        (scheduler.InterruptedRunError, ExitCode.INTERRUPTED),
        (click.UsageError, ExitCode.USAGE),
        (click.ClickException, ExitCode.UNUSABLE),
        (peer.ConfigError, ExitCode.USAGE),
        (LanguageError, ExitCode.PROGRAM),
        (scheduler.PlanError, ExitCode.PROGRAM),
        (peer.NoMatchError, ExitCode.NO_MATCH),
        (scheduler.AmbiguousKeyError, ExitCode.NO_MATCH),
        (primitives.UnknownPrimitiveError, ExitCode.NO_MATCH),
        (local.NoDaemonError, ExitCode.NETWORK_ABSENT),
        (peer.PeerError, ExitCode.UNUSABLE),
        (store.StoreError, ExitCode.UNUSABLE),
        (scheduler.SchedulerError, ExitCode.UNUSABLE),
        (primitives.PrimitivesError, ExitCode.UNUSABLE),
    )
