"""Kernels beside the library calls that do the same, in one process.

A case is one kernel on one input with its candidates.  All of them run in turn with
one thread, and the least time of each counts: what else the machine does only ever adds
to it.  Ratios are of CPU time, which it disturbs least.
"""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from peer.process import keep_freed_memory, leave_threads_to_scheduler

from .measure import table

Array = npt.NDArray[Any]
Call = Callable[[int], Array]
"""Computes with a number of threads."""

TABLES = ("spatial", "pointwise")
"""Modules beside this one whose ``cases()`` gives the cases of one table."""

REPEATS_PER_ROUND = 3
THREADS = (1, 2, 4, 8)
HEAD = (
    "kernel",
    "input",
    "by",
    "ms",
    "CPU ms",
    "ours / it",
    "peak MiB",
    "GIL held",
    "1 to 8 threads",
    "same result",
)
_OURS = "voxpeer"


@dataclass(frozen=True)
class Case:
    """One kernel on one input, and who else can do it.

    Attributes:
        kernel: name of the primitive.
        data: what it is computed from.
        ours: our kernel.
        candidates: the same by others, by name.
        tolerance: greatest difference that counts as equal; 0 means bit for bit.
    """

    kernel: str
    data: str
    ours: Call
    candidates: dict[str, Call]
    tolerance: float = 0.0


@dataclass(frozen=True)
class _Figures:
    """What one candidate took, for one thread."""

    wall_ms: float
    cpu_ms: float
    peak_mib: float
    held: float
    is_deterministic: bool
    agrees: str


def side_by_side(rounds: int) -> None:
    """Each kernel against the best library calls: time, memory, GIL, agreement."""
    leave_threads_to_scheduler()
    keep_freed_memory()
    for name in TABLES:
        module = importlib.import_module(f"{__package__}.{name}")
        rows = (
            row
            for case in module.cases()
            for row in _rows(case, rounds * REPEATS_PER_ROUND)
        )
        table(f"Kernels: {module.TITLE}", HEAD, rows)


def _rows(case: Case, repeats: int) -> Iterator[list[object]]:
    calls = {_OURS: case.ours, **case.candidates}
    expected = case.ours(1)
    figures = _measured(calls, expected, case.tolerance, repeats)
    ours = figures[_OURS].cpu_ms
    for name, each in figures.items():
        yield [
            case.kernel,
            case.data,
            name,
            each.wall_ms,
            each.cpu_ms,
            "" if name == _OURS else ours / each.cpu_ms,
            round(each.peak_mib),
            f"{each.held:.0%}",
            "equal" if each.is_deterministic else "DIFFER",
            each.agrees,
        ]


def _measured(
    calls: dict[str, Call], expected: Array, tolerance: float, repeats: int
) -> dict[str, _Figures]:
    times = _least_times(calls, repeats)
    return {
        name: _Figures(
            *times[name],
            peak_mib=_peak_mib(call),
            held=min(_held(call) for _ in range(2)),
            is_deterministic=len({_bytes(call(count)) for count in THREADS}) == 1,
            agrees=_agreement(call(1), expected, tolerance),
        )
        for name, call in calls.items()
    }


def _least_times(
    calls: dict[str, Call], repeats: int
) -> dict[str, tuple[float, float]]:
    """Return the least wall and CPU ms of each call with one thread."""
    wall: dict[str, list[float]] = {name: [] for name in calls}
    cpu: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            began, began_cpu = time.perf_counter(), time.process_time()
            call(1)
            cpu[name].append(time.process_time() - began_cpu)
            wall[name].append(time.perf_counter() - began)
    return {name: (1e3 * min(wall[name]), 1e3 * min(cpu[name])) for name in calls}


def _bytes(array: Array) -> bytes:
    return array.tobytes()


def _agreement(found: Array, expected: Array, tolerance: float) -> str:
    if found.shape != expected.shape:
        return "OTHER SHAPE"
    if (found == expected).all():
        return "bit for bit"
    difference = float(np.abs(found.astype(float) - expected.astype(float)).max())
    count = np.count_nonzero(found != expected)
    word = "within" if difference <= tolerance else "NO: differs by"
    return f"{word} {difference:.2g} in {count} voxels"


def _held(call: Call) -> float:
    """Return the longest time that another thread waited, as part of the call."""
    gaps: list[float] = []
    ready, done = threading.Event(), threading.Event()

    def tick() -> None:
        last = time.perf_counter()
        while not done.is_set():
            ready.set()
            time.sleep(0.0002)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    ticking = threading.Thread(target=tick)
    ticking.start()
    ready.wait()
    began = time.perf_counter()
    call(1)
    took = time.perf_counter() - began
    done.set()
    ticking.join()
    return min(1.0, max(gaps) / took)


def _peak_mib(call: Call) -> float:
    """Return the most memory that a call takes, its result included; 0 if unknown."""
    status = Path("/proc/self/status")
    if os.name != "posix" or not status.exists():
        return 0.0
    call(1)
    _give_back()
    # Sets the peak to what is resident now; proc(5).
    Path("/proc/self/clear_refs").write_text("5")
    before = _status_mib(status, "VmRSS")
    result = call(1)
    peak = _status_mib(status, "VmHWM")
    del result
    return peak - before


def _status_mib(status: Path, field: str) -> float:
    for line in status.read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise ValueError(field)


def _give_back() -> None:
    """Return freed memory to the system, so that it counts when it is used again."""
    import ctypes

    ctypes.CDLL(None).malloc_trim(0)
