"""Whole processes: how long they take, how much memory, and what they print."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
BRAIN = PROJECT / "demo" / "brain"
PYTHON = sys.executable
VOXPEER = str(Path(PYTHON).with_name("voxpeer"))
_LAUNCHER = """
import os, sys, time
started = time.perf_counter()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
wall_s = time.perf_counter() - started
with open(sys.argv[1], "w") as file:
    print(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=file)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Linux reports for a child at least its parent's peak memory: keep that one small."""

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
    words = [str(part) for part in command]
    with tempfile.NamedTemporaryFile("r") as usage:
        done = subprocess.run(
            [PYTHON, "-S", "-c", _LAUNCHER, usage.name, *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr[-2000:]}")
        wall_s, cpu_s, peak = map(float, usage.read().split())
    return Measured(wall_s, cpu_s, peak * _KIB_PER_UNIT / 1024, done.stdout)


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


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table, each row as it comes; floats have three digits."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(map(_cell, row)) + " |", flush=True)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)
