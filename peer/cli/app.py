"""The command tree and its last line of defence.

A command's module is imported when the command is used, so that a run that is
answered from the store pays for nothing else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

import click

COMMANDS = (
    "run",
    "repl",
    "check",
    "plan",
    "why",
    "join",
    "invite",
    "leave",
    "status",
    "peers",
    "audit",
    "forget",
    "results",
    "store",
    "primitives",
    "config",
    "doctor",
    "version",
)
"""Names of the commands; each is ``command`` in a module of its name."""


class LazyGroup(click.Group):
    """A group whose commands are imported at their first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"peer.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is answered with the nearest."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from peer.quantities import suggestion

            ctx.fail(f"there is no command '{name}'{suggestion(name, COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Compute over medical images; keep and reuse what was computed.

    Results go to standard output, progress and messages to standard error.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no traceback reaches the user.

    Args:
        arguments: the words after the program's name; those of this process by
            default.
    """
    try:
        found = cli.main(
            args=None if arguments is None else list(arguments),
            prog_name="voxpeer",
            standalone_mode=False,
        )
        return int(found) if isinstance(found, int) else 0
    except SystemExit as stop:
        # click ends this way when standard output is a closed pipe.
        return stop.code if isinstance(stop.code, int) else 1
    except BaseException as error:
        return report_error(error)


def report_error(error: BaseException) -> int:
    """Say what went wrong, for people, and return the exit code that it means."""
    from .exit_codes import ExitCode, exit_code_of

    try:
        code = exit_code_of(error)
    except ImportError:
        code = ExitCode.BUG  # an installation with missing parts
    if os.environ.get("VOXPEER_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    if isinstance(error, click.ClickException):
        error.show()
    elif code is ExitCode.INTERRUPTED:
        _say(str(error) or "interrupted")
    elif code is ExitCode.BUG:
        kind = type(error).__name__
        _say(
            f"internal error: {kind}: {error}\n"
            "This is a fault of voxpeer; please report it with the command you typed. "
            "VOXPEER_DEBUG=1 shows where it happened."
        )
    elif code is ExitCode.PROGRAM:
        _say(str(error))
    else:
        _say(f"error: {error}")
    return int(code)


def _say(text: str) -> None:
    with suppress(OSError):  # nobody may be listening
        print(text, file=sys.stderr, flush=True)
