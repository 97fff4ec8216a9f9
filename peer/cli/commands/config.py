"""``voxpeer config``: the settings in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from peer.cli.options import json_option
from peer.cli.output import write_json, write_line, write_table

if TYPE_CHECKING:
    from peer.config import Config


@click.group()
def command() -> None:
    """Settings of voxpeer."""


@command.command()
@click.option("--origin", is_flag=True, help="Say where each value came from.")
@json_option
def show(origin: bool, as_json: bool) -> None:
    """Show the settings in force.

    They come from the defaults, the user's file, the nearest voxpeer.toml upwards
    from here, the environment (VOXPEER_…) and the command line, later ones winning.
    """
    from peer.config import KEYS, load_config

    loaded = load_config()
    values = {key: _value(loaded.config, key) for key in KEYS}
    if as_json:
        write_json(
            {
                key: {"value": value, "origin": loaded.origins[key]}
                for key, value in values.items()
            }
        )
    elif origin:
        rows = [(key, _text(values[key]), loaded.origins[key]) for key in KEYS]
        write_table(("setting", "value", "origin"), rows)
    else:
        for key, value in values.items():
            write_line(f"{key}={_text(value)}")


def _value(config: Config, key: str) -> object:
    """Return the value in force, also where the default is worked out."""
    from peer.stores import store_path
    from scheduler.options import available_cores

    if key == "store":
        return str(store_path(config))
    if key == "jobs":
        return config.jobs or available_cores()
    if key == "name" and config.name is None:
        from peer.cli.daemons import host_name

        return host_name()
    if key == "interfaces" and not config.interfaces:
        return "auto"
    found: object = getattr(config, key)
    return found


def _text(value: object) -> str:
    if value is None:
        return "automatic"
    if isinstance(value, tuple):
        return ",".join(value) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
