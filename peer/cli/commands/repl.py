"""``voxpeer repl``: programs entered line by line."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from peer.cli.exit_codes import ExitCode
from peer.cli.options import (
    PROGRAM,
    configured,
    dialect_option,
    open_configured,
    parameter_option,
    parse_parameters,
    run_options,
    store_option,
)
from peer.cli.output import note

if TYPE_CHECKING:
    from peer.cli.dialogue import Dialogue
    from peer.programs import Dialect


@click.command()
@click.argument("program", type=PROGRAM, required=False)
@parameter_option
@click.option("--jobs", type=int, metavar="N", help="Cores to use; by default all.")
@store_option
@dialect_option
@click.option(
    "--allow-outside",
    is_flag=True,
    help="Let entries save outside the current directory.",
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
@click.option(
    "--history/--no-history",
    default=None,
    help="Whether to remember what is typed for later sessions.",
)
@click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where to leave pictures of images; by default a folder that is removed at "
    "the end of a session at a terminal, and none otherwise.",
)
def command(
    program: str | None,
    parameters: tuple[str, ...],
    jobs: int | None,
    store: str | None,
    dialect: Dialect,
    allow_outside: bool,
    network: str | None,
    progress: bool | None,
    history: bool | None,
    pictures: Path | None,
) -> int:
    """Enter programs line by line, and see values at once.

    An entry is a command of the language, which extends the program so far, or an
    expression, whose value is shown; :help lists further commands.  Results are kept
    in the store, and taken from it, as in run.  PROGRAM is read first.  Without a
    terminal, lines are read from standard input, and the exit code is that of the
    first entry that failed.
    """
    from peer.process import keep_freed_memory, leave_threads_to_scheduler

    values = parse_parameters(parameters)
    config = configured(
        jobs=jobs, store=store, network=network, progress=progress, history=history
    )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    leave_threads_to_scheduler()
    keep_freed_memory()
    from peer.cli.dialogue import Dialogue
    from peer.cli.session_commands import obey
    from peer.repl.pictures import Pictures
    from peer.repl.workspace import Terms, Workspace

    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    terms = Terms(run_options(config), values, dialect, allow_outside, config.network)
    with open_configured(config) as opened, Pictures(pictures) as drawn:
        workspace = Workspace(opened, terms)
        has_pictures = is_terminal or pictures is not None
        dialogue = Dialogue(workspace, drawn if has_pictures else None, config.progress)
        if program is not None:
            obey(dialogue, f":load {program}")
        if is_terminal:
            _talk(dialogue, config.history)
            return ExitCode.DONE
        _listen(dialogue)
        return dialogue.failed


def _end(_signal: int, _frame: FrameType | None) -> None:
    """End the session at a request to end, or when its terminal has gone."""
    raise SystemExit(int(ExitCode.INTERRUPTED))


def _talk(dialogue: Dialogue, keeps_history: bool) -> None:
    """Take entries from a terminal until the session ends."""
    from peer.cli.session_commands import COMMANDS
    from peer.installation import voxpeer_version
    from peer.repl.echo import silent_typing
    from peer.repl.history import History, default_history_file
    from peer.repl.prompt import Prompt

    history = History(default_history_file() if keeps_history else None)
    if history.problem:
        note(f"warning: {history.problem}")
    followed_by = {word: command.followed_by for word, command in COMMANDS.items()}
    prompt = Prompt(dialogue.workspace, history, followed_by)
    note(
        f"voxpeer {voxpeer_version()}; :help lists commands, Tab completes, Ctrl-D ends"
    )
    while True:
        try:
            text = prompt.read()
            with silent_typing():
                _take(dialogue, text)
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def _listen(dialogue: Dialogue) -> None:
    """Take the lines of standard input as entries until it ends."""
    from peer.repl.entries import Entries

    entries = Entries(dialogue.workspace.session)
    try:
        for line in _lines():
            for text in entries.add(line):
                _take(dialogue, text)
            if dialogue.is_interrupted:
                return
        for text in entries.end():
            _take(dialogue, text)
    except EOFError:
        pass


def _lines() -> Iterator[str]:
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", "replace").rstrip("\r\n").removeprefix("\ufeff")


def _take(dialogue: Dialogue, text: str) -> None:
    from peer.cli.session_commands import obey
    from peer.repl.entries import COMMAND_MARK

    if text.lstrip().startswith(COMMAND_MARK):
        obey(dialogue, text)
    elif text.strip():
        dialogue.enter(text)
