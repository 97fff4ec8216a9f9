"""``voxpeer version``."""

from __future__ import annotations

import click

from peer.cli.options import json_option
from peer.cli.output import write_json, write_line


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Print the version of voxpeer and of what it stands on."""
    from peer.installation import library_versions, voxpeer_version

    if as_json:
        write_json({"voxpeer": voxpeer_version(), **library_versions()})
    else:
        write_line(f"voxpeer {voxpeer_version()}")
        for name, version in library_versions().items():
            write_line(f"  {name} {version}")
