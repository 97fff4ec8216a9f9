"""``voxpeer check``: what is wrong with a program, without running it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from peer.cli.exit_codes import ExitCode
from peer.cli.options import (
    dialect_option,
    json_option,
    parameter_option,
    parse_parameters,
)
from peer.cli.output import note, write_json

if TYPE_CHECKING:
    from language import Diagnostic
    from peer.programs import Dialect


STANDARD_INPUT = "-"


@click.command()
@click.argument(
    "file",
    type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True),
)
@click.option(
    "--name",
    metavar="PATH",
    help="With - for FILE: what messages call the text; what it imports is looked for "
    "beside that path.",
)
@parameter_option
@dialect_option
@json_option
def command(
    file: str,
    name: str | None,
    parameters: tuple[str, ...],
    dialect: Dialect,
    as_json: bool,
) -> int:
    """Report every mistake in the program FILE, with its place.

    Warnings alone do not fail the check.  - stands for standard input, so that an
    editor can check a text that is not saved.
    """
    values = parse_parameters(parameters)
    if file == STANDARD_INPUT:
        diagnostics, is_wrong = _of_input(name or "<stdin>", values, dialect)
    elif name is not None:
        raise click.UsageError("--name goes with - for FILE")
    else:
        diagnostics, is_wrong = _of_file(file, values, dialect)
    if as_json:
        write_json({"diagnostics": [found.as_dict() for found in diagnostics]})
    else:
        for found in diagnostics:
            note(found.render())
        note(_verdict(diagnostics))
    return ExitCode.PROGRAM if is_wrong else ExitCode.DONE


def _of_file(
    file: str, parameters: dict[str, float | bool | str], dialect: Dialect
) -> tuple[tuple[Diagnostic, ...], bool]:
    from language import ProgramError
    from peer.programs import compile_program

    try:
        program = compile_program(file, parameters=parameters, dialect=dialect)
    except ProgramError as error:
        return error.diagnostics, True
    return program.warnings, False


def _of_input(
    name: str, parameters: dict[str, float | bool | str], dialect: Dialect
) -> tuple[tuple[Diagnostic, ...], bool]:
    from pathlib import Path

    from language import ProgramError, compile_text
    from primitives.catalog import standard_registry

    try:
        compiled = compile_text(
            _input(name),
            name=name,
            parameters=parameters,
            registry=standard_registry(),
            dialect=dialect,
            directory=Path(name).absolute().parent,
        )
    except ProgramError as error:
        return error.diagnostics, True
    return compiled.warnings, False


def _input(name: str) -> str:
    """Return the text on standard input.

    Raises:
        ProgramError: it is no text.
    """
    from language import Diagnostic, ProgramError, Severity

    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        message = f"'{name}' is not UTF-8 text; save it as UTF-8"
        found = Diagnostic(Severity.ERROR, "unreadable-program", message)
        raise ProgramError([found]) from None


def _verdict(diagnostics: tuple[Diagnostic, ...]) -> str:
    severities = [found.severity.value for found in diagnostics]
    if not severities:
        return "no mistakes found"
    return ", ".join(
        f"{severities.count(word)} {word}{'s' if severities.count(word) > 1 else ''}"
        for word in ("error", "warning")
        if word in severities
    )
