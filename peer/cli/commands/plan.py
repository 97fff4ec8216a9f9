"""``voxpeer plan``: what a run would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from peer.cli.options import (
    PROGRAM,
    configured,
    dialect_option,
    open_configured,
    parameter_option,
    parse_parameters,
    store_option,
)
from peer.cli.output import note

if TYPE_CHECKING:
    from peer.programs import Dialect


@click.command()
@click.argument("program", type=PROGRAM)
@parameter_option
@store_option
@dialect_option
@click.option(
    "--allow-outside",
    is_flag=True,
    help="Let the program save outside the current directory.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "dot", "json"]),
    default="text",
    help="Text, a drawing for Graphviz, or one JSON object.",
)
def command(
    program: str,
    parameters: tuple[str, ...],
    store: str | None,
    dialect: Dialect,
    allow_outside: bool,
    form: str,
) -> int:
    """Show what running PROGRAM would do.

    Each node says whether its result is held or has to be computed, and how long
    that is expected to take.  Nothing is run.
    """
    from peer.cli.explanations import show_explanation
    from peer.programs import load_program
    from scheduler import RunOptions

    values = parse_parameters(parameters)
    with open_configured(configured(store=store)) as opened:
        loaded = load_program(program, opened, parameters=values, dialect=dialect)
        for warning in loaded.warnings:
            note(warning.render())
        return show_explanation(loaded, opened, RunOptions(), form, allow_outside)
