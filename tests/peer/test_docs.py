"""Every command has help and is documented."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from peer.cli.exit_codes import ExitCode
from peer.cli.reference import commands, updated
from peer.config import KEYS

DOCS = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize(
    ("name", "command"), list(commands()), ids=[name for name, _ in commands()]
)
def test_every_command_and_option_has_help(name: str, command: click.Command) -> None:
    assert command.help
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help, f"{name} {param.opts}"


def test_the_reference_of_commands_is_current() -> None:
    page = (DOCS / "command-line.md").read_text(encoding="utf-8")
    assert page == updated(page), (
        "run: python -m peer.cli.reference docs/reference/command-line.md"
    )


def test_every_exit_code_is_documented() -> None:
    page = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    for code in ExitCode:
        assert f"\n| {int(code)} |" in page


def test_every_setting_is_documented() -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    for key in KEYS:
        assert f"\n| `{key}` |" in page
