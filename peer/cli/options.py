"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from peer.config import Config
    from scheduler import RunOptions
    from store import SqliteStore

Command = TypeVar("Command", bound=Callable[..., Any])

PROGRAM = click.Path(exists=True, dir_okay=False, readable=True)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object."
)
store_option = click.option(
    "--store",
    metavar="PATH",
    help="Folder of the store; by default the user's own.",
)
parameter_option = click.option(
    "-p",
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="Value of the program's variable $NAME: a number, true, false or a string; "
    '"quotes" make a string of anything.  May be repeated.',
)
dialect_option = click.option(
    "--dialect",
    type=click.Choice(["imgql", "vox1"]),
    default="imgql",
    help="vox1 groups operators as VoxLogicA 1 does.",
)


def parse_parameters(texts: tuple[str, ...]) -> dict[str, float | bool | str]:
    """Return the values of ``-p NAME=VALUE`` options.

    Raises:
        click.UsageError: one of them is none, or a name is given twice.
    """
    from peer.errors import ConfigError
    from peer.quantities import parse_parameter

    values: dict[str, float | bool | str] = {}
    for text in texts:
        try:
            name, value = parse_parameter(text)
        except ConfigError as error:
            raise click.UsageError(f"-p {text}: {error}") from error
        if name in values:
            raise click.UsageError(f"-p {name} is given twice")
        values[name] = value
    return values


def configured(**flags: object) -> Config:
    """Return the settings in force, with those of the command line on top."""
    from peer.config import load_config

    return load_config(flags).config


def open_configured(config: Config) -> SqliteStore:
    """Open the store that the settings name."""
    from peer.stores import open_store, store_path

    return open_store(store_path(config), config.store_cap)


def run_options(config: Config, use_cache: bool = True) -> RunOptions:
    """Return the choices of a run that the settings make."""
    from scheduler import RunOptions
    from scheduler.options import available_cores

    return RunOptions(
        jobs=config.jobs or available_cores(),
        store_policy=config.store_policy,
        execution_engine=config.execution_engine,
        on_failure=config.on_failure,
        use_cache=use_cache,
        timeout_s=config.timeout,
        memory_bytes=config.memory,
    )


def open_existing(config: Config) -> SqliteStore:
    """Open the store that the settings name, if there is one.

    Raises:
        NoMatchError: there is no store; looking at one must not make one.
    """
    from peer.errors import NoMatchError
    from peer.stores import store_path

    path = store_path(config)
    if not path.exists():
        raise NoMatchError(f"there is no store at {path}; 'voxpeer run' makes it")
    return open_configured(config)
