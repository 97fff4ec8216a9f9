"""The reference of all commands as Markdown, made from their help.

``python -m peer.cli.reference docs/reference/command-line.md`` brings the page up to
date: all that follows its marker is replaced.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from .app import cli

MARKER = "<!-- Made by python -m peer.cli.reference; edit the help texts instead. -->"


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield each command with its words, such as ``("results list", …)``."""
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            for child in command.commands.values():
                yield f"{name} {child.name}", child


def reference() -> str:
    """Return the reference of all commands."""
    return "\n".join(line for pair in commands() for line in _section(*pair))


def updated(page: str) -> str:
    """Return ``page`` with what follows the marker made afresh."""
    return page.partition(MARKER)[0] + MARKER + "\n\n" + reference()


def _section(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=f"voxpeer {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"## `voxpeer {name}`"
    yield ""
    yield f"`voxpeer {name} {usage}`"
    yield ""
    for paragraph in (command.help or "").split("\n\n"):
        yield " ".join(paragraph.split())
        yield ""
    options = [
        param
        for param in command.params
        if isinstance(param, click.Option) and not param.hidden
    ]
    if options:
        yield "| Option | Meaning |"
        yield "|---|---|"
        yield from map(_option, options)
        yield ""


def _option(option: click.Option) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    if option.metavar:
        names += f" {option.metavar}"
    elif isinstance(option.type, click.Choice):
        names += " " + "\\|".join(map(str, option.type.choices))
    return f"| `{names}` | {option.help or ''} |"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(updated(target.read_text(encoding="utf-8")), encoding="utf-8")
