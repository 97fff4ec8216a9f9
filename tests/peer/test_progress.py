"""What a run shows while it runs."""

from __future__ import annotations

import os
import pty
import subprocess
import time

import pytest

from peer.cli.progress import one_line, summary
from scheduler import Progress, RunReport

from .conftest import Bench, ImageMaker


def test_the_last_line_counts_where_results_came_from() -> None:
    progress = Progress(executed=12, from_store=3)
    assert summary(RunReport("0", (), progress, 1.234)) == (
        "executed 12, from store 3, failed 0, 1.23 s"
    )
    progress.from_peers = 2
    assert "from peers 2" in summary(RunReport("0", (), progress, 1.234))


def test_a_line_of_progress_says_what_runs_and_for_how_long() -> None:
    progress = Progress(nodes=10, done=4, executed=3, from_store=1, memory_bytes=10**6)
    progress.running = {5: ("vox1.near", time.monotonic() - 2)}
    progress.remaining_s = 30.0
    line = one_line(progress)
    assert "4/10 done" in line
    assert "executed 3, from store 1" in line
    assert "running vox1.near 2.0 s" in line
    assert "about 30.0 s left" in line
    assert "values 1.0 MB" in line


def test_a_line_of_progress_says_what_is_asked_for_and_fetched() -> None:
    line = one_line(Progress(nodes=10, asking=6, fetching=2, waiting_for_others=1))
    assert "asking neighbours for 6; fetching 2; waiting for 1 of other runs" in line
    alone = one_line(Progress(nodes=10))
    assert "asking" not in alone
    assert "fetching" not in alone


def test_of_many_running_nodes_the_longest_are_named() -> None:
    now = time.monotonic()
    running = {n: (f"vox1.op{n}", now - n) for n in range(9)}
    line = one_line(Progress(running=running))
    assert "vox1.op8 8.0 s" in line
    assert "vox1.op1" not in line
    assert "5 more" in line


def on_terminal(bench: Bench, *words: str) -> tuple[str, str]:
    """Run a command with standard error on a terminal; return both outputs."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        bench.command(*words),
        cwd=bench.folder,
        env={**bench.environment, "TERM": "xterm", "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:
        pass  # the terminal's other end was closed
    os.close(ours)
    assert process.stdout is not None
    output = process.stdout.read().decode()
    process.stdout.close()
    process.wait()
    return output, shown.decode()


def slow_program(bench: Bench, image: ImageMaker) -> str:
    """Return a program that takes about a second."""
    image(size=96)
    goals = "\n".join(
        f'print "m{n}" max(simpleitk.SmoothingRecursiveGaussian(i, {n}.5))'
        for n in range(1, 40)
    )
    return bench.program(f'load i = "image.nii.gz"\n{goals}')


@pytest.mark.slow
def test_a_terminal_shows_a_live_view(bench: Bench, image: ImageMaker) -> None:
    output, shown = on_terminal(bench, "run", slow_program(bench, image))
    assert output.count("\n") == 39
    assert "simpleitk.SmoothingRecursiveGaussian" in shown
    assert "\x1b[" in shown
    assert "executed" in shown.splitlines()[-1]


@pytest.mark.slow
def test_a_terminal_without_colours_gets_none(bench: Bench, image: ImageMaker) -> None:
    bench.environment["NO_COLOR"] = "1"
    _, shown = on_terminal(bench, "run", slow_program(bench, image))
    assert "simpleitk.SmoothingRecursiveGaussian" in shown
    assert "\x1b[3" not in shown


@pytest.mark.slow
def test_without_progress_only_the_last_line_is_shown(
    bench: Bench, image: ImageMaker
) -> None:
    path = slow_program(bench, image)
    _, shown = on_terminal(bench, "run", path, "--no-progress")
    assert len(shown.splitlines()) == 1


@pytest.mark.slow
def test_a_short_run_shows_the_last_line_only(bench: Bench) -> None:
    _, shown = on_terminal(bench, "run", bench.program('print "x" 1'))
    assert len(shown.splitlines()) == 1
    assert "executed" in shown
