"""Whole processes: how long they take, how much memory, and what they print.

This module and the process that imports it stay small on purpose: the peak memory
that Linux reports for a child cannot be less than its parent's.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
BRAIN = PROJECT / "demo" / "brain"
PYTHON = sys.executable
VOXPEER = str(Path(PYTHON).with_name("voxpeer"))
_KIB_PER_UNIT = 1 if sys.platform == "linux" else 1 / 1024


@dataclass(frozen=True)
class Measured:
    """One finished process."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    stdout: str


def run(command: Sequence[str | Path], folder: Path) -> Measured:
    """Run a process in ``folder`` to its end.

    Raises:
        RuntimeError: it failed; the text is what it wrote to standard error.
    """
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            stdout=out,
            stderr=err,
            env=environment,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise RuntimeError(f"{command}: {err.read().decode()[-2000:]}")
        return Measured(
            wall_s,
            usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss * _KIB_PER_UNIT / 1024,
            out.read().decode(),
        )


def median(runs: Sequence[Measured]) -> Measured:
    """Return the medians of several runs; their output is that of the first."""
    return Measured(
        statistics.median(each.wall_s for each in runs),
        statistics.median(each.cpu_s for each in runs),
        statistics.median(each.peak_mib for each in runs),
        runs[0].stdout,
    )


def bytes_in(folder: Path) -> int:
    """Return the bytes of all files below ``folder``."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table; floats are rounded to three digits."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(map(_cell, row)) + " |", flush=True)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)
