"""``voxpeer check``: what is wrong with a program, without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from peer.cli.exit_codes import ExitCode
from peer.cli.options import (
    PROGRAM,
    dialect_option,
    json_option,
    parameter_option,
    parse_parameters,
)
from peer.cli.output import note, write_json

if TYPE_CHECKING:
    from language import Diagnostic
    from peer.programs import Dialect


@click.command()
@click.argument("file", type=PROGRAM)
@parameter_option
@dialect_option
@json_option
def command(
    file: str, parameters: tuple[str, ...], dialect: Dialect, as_json: bool
) -> int:
    """Report every mistake in the program FILE, with its place.

    Warnings alone do not fail the check.
    """
    diagnostics, is_wrong = _diagnostics(file, parse_parameters(parameters), dialect)
    if as_json:
        write_json({"diagnostics": [found.as_dict() for found in diagnostics]})
    else:
        for found in diagnostics:
            note(found.render())
        note(_verdict(diagnostics))
    return ExitCode.PROGRAM if is_wrong else ExitCode.DONE


def _diagnostics(
    file: str, parameters: dict[str, float | bool | str], dialect: Dialect
) -> tuple[tuple[Diagnostic, ...], bool]:
    from language import ProgramError
    from peer.programs import compile_program

    try:
        program = compile_program(file, parameters=parameters, dialect=dialect)
    except ProgramError as error:
        return error.diagnostics, True
    return program.warnings, False


def _verdict(diagnostics: tuple[Diagnostic, ...]) -> str:
    severities = [found.severity.value for found in diagnostics]
    if not severities:
        return "no mistakes found"
    return ", ".join(
        f"{severities.count(word)} {word}{'s' if severities.count(word) > 1 else ''}"
        for word in ("error", "warning")
        if word in severities
    )
