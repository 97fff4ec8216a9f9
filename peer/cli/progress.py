"""What a run is doing, shown on standard error while it does it.

On a terminal a small live view; elsewhere a line every ten seconds.  Nothing is shown,
and rich is not imported, before a run has taken :data:`QUIET_S`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from peer.quantities import format_duration, format_size

from .output import note
from .reasons import told

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

    from scheduler import Progress, RunReport

QUIET_S = 0.3
"""A run that ends earlier shows nothing."""

REFRESH_S = 0.125
LINE_EVERY_S = 10.0
SHOWN_NODES = 4
LEAST_BAR, LONGEST_BAR = 8, 30


def summary(report: RunReport) -> str:
    """Return the last line of a run."""
    done = report.progress
    sources = [f"executed {done.executed}", f"from store {done.from_store}"]
    if done.from_peers:
        if done.executed:
            sources[0] += f" ({told(done.executed_because)})"
        sources.append(f"from peers {done.from_peers}")
    sources.append(f"failed {done.failed}")
    return ", ".join([*sources, format_duration(report.seconds)])


class ProgressView:
    """Shows a run's counters while it runs; use as a context manager."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stop = Event()
        self._lock = Lock()
        self._live: Live | None = None
        show = self._show_live if sys.stderr.isatty() else self._show_lines
        self._thread = Thread(target=show, name="progress", daemon=True)

    def __enter__(self) -> ProgressView:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the view away."""
        self._stop.set()
        self._thread.join()

    @contextmanager
    def out_of_the_way(self) -> Iterator[None]:
        """Keep the terminal clear for lines of results; the view comes back after."""
        with self._lock:
            self._hide()
            yield

    def _show_live(self) -> None:
        if self._stop.wait(QUIET_S):
            return
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True)
        while not self._stop.wait(REFRESH_S):
            with self._lock:
                if self._live is None:
                    self._live = Live(
                        console=console, auto_refresh=False, transient=True
                    )
                    self._live.start()
                text = _rich_text(self._progress, console.width)
                self._live.update(text, refresh=True)
        with self._lock:
            self._hide()

    def _hide(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _show_lines(self) -> None:
        while not self._stop.wait(LINE_EVERY_S):
            note(one_line(self._progress))


def one_line(progress: Progress) -> str:
    """Return the state of a run in one line."""
    parts = [f"{progress.done}/{progress.nodes} done", _hits(progress)]
    running = _running(progress)
    if running:
        parts.append("running " + ", ".join(running))
    parts += _elsewhere(progress)
    return "; ".join([*parts, _times(progress)])


def _elsewhere(progress: Progress) -> list[str]:
    """Return what others are doing for the run."""
    counts = [
        ("asking neighbours for", progress.asking, ""),
        ("fetching", progress.fetching, ""),
        ("waiting for", progress.waiting_for_others, " of other runs"),
        ("leaving", progress.held_elsewhere, " to others"),
    ]
    return [f"{verb} {count}{rest}" for verb, count, rest in counts if count]


def _hits(progress: Progress) -> str:
    hits = [
        ("memory", progress.from_memory),
        ("store", progress.from_store),
        ("peers", progress.from_peers),
    ]
    texts = [f"executed {progress.executed}"]
    texts += [f"from {name} {count}" for name, count in hits if count]
    if progress.failed:
        texts.append(f"failed {progress.failed}")
    return ", ".join(texts)


def _running(progress: Progress) -> list[str]:
    # The scheduler's thread changes the dictionary meanwhile; a copy is atomic.
    nodes = list(progress.running.copy().values())
    now = time.monotonic()
    nodes.sort(key=lambda node: node[1])
    shown = [f"{name} {now - start:.1f} s" for name, start in nodes[:SHOWN_NODES]]
    if len(nodes) > SHOWN_NODES:
        shown.append(f"{len(nodes) - SHOWN_NODES} more")
    return shown


def _times(progress: Progress) -> str:
    parts = [format_duration(time.monotonic() - progress.started)]
    if progress.remaining_s >= 1:
        parts.append(f"about {format_duration(progress.remaining_s)} left")
    if progress.memory_bytes:
        parts.append(f"values {format_size(progress.memory_bytes)}")
    return ", ".join(parts)


def _rich_text(progress: Progress, width: int) -> Text:
    from rich.text import Text

    counts = f" {progress.done}/{progress.nodes}  "
    hits, times = _hits(progress), f"  {_times(progress)}"
    # The bar gives way to the words.
    free = width - len(counts) - len(hits) - len(times) - 1
    bar = max(LEAST_BAR, min(LONGEST_BAR, free))
    filled = min(bar, bar * progress.done // max(progress.nodes, 1))
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append("━" * filled, style="green")
    text.append("━" * (bar - filled), style="dim")
    text.append(counts, style="bold")
    text.append(hits)
    text.append(times, style="dim")
    for line in _running(progress):
        text.append(f"\n  {line}", style="cyan")
    for line in _elsewhere(progress):
        text.append(f"\n  {line}")
    return text
