"""Commands that end within a limit of time, whatever happens."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SHOWN = 6000
"""Characters of output, at its end, that a failure shows."""


@dataclass(frozen=True)
class Output:
    """What a command left."""

    exit_code: int
    stdout: str
    stderr: str


class CommandError(AssertionError):
    """A command failed or took too long; the message holds what it said."""


def execute(
    command: Sequence[str | os.PathLike[str]],
    *,
    limit_s: float,
    check: bool = True,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Output:
    """Run a command to its end.

    Args:
        command: program and arguments.
        limit_s: seconds after which it is killed.
        check: whether an exit code other than 0 is an error.
        environment: variables besides those of this process.
        folder: where it runs.

    Raises:
        CommandError: it failed, or did not end in time.
    """
    shown = " ".join(os.fspath(word) for word in command)
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
            env={**os.environ, **(environment or {})},
            cwd=folder,
        )
    except subprocess.TimeoutExpired as late:
        said = _text(late.stdout) + _text(late.stderr)
        raise CommandError(
            f"not done after {limit_s:.0f} s: {shown}\n{said[-SHOWN:]}"
        ) from None
    output = Output(done.returncode, done.stdout, done.stderr)
    if check and done.returncode:
        raise failure(shown, output)
    return output


def failure(shown: str, output: Output) -> CommandError:
    """Return the error for a command that ended with an exit code."""
    said = (output.stdout[-SHOWN:] + output.stderr[-SHOWN:]).strip()
    return CommandError(f"exit code {output.exit_code}: {shown}\n{said}")


def _text(output: bytes | str | None) -> str:
    if isinstance(output, bytes):
        return output.decode(errors="replace")
    return output or ""
