"""Having audits computed: by a process of their own, within a share of CPU time.

The daemon computes nothing.  It starts ``voxpeer audit``, which works through what is
to be audited at the lowest priority, and which ends when the daemon does, however that
ends: its standard input is a pipe that the daemon holds.  Never are there two of them,
and none is started while a run of the store computes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from peer.auditing import doubtful_files
from peer.events import event
from scheduler.audits import has_open_audits
from store import SqliteStore

from .budget import CpuBudget

SAVED_UP_S = 60.0
"""CPU-seconds that unused time leaves for later."""

BEGIN_S = 2.0
"""CPU-seconds that have to be there: to start a process takes about one."""

LOOK_EVERY_S = 5.0
RETRY_S = (60.0, 3600.0)
"""After a process that failed: the first wait, which doubles, and the longest."""

GRACE_S = 5.0

AUDITED = frozenset({0, 9})
"""Exit codes of a process that did what it was started for."""

Command = Callable[[float], Sequence[str]]
"""Returns the command that audits for so many CPU-seconds."""


def audit_command(store_path: Path) -> Command:
    """Return what audits the results of a store in the background."""
    # -P: a folder of the current directory is no package of ours.
    words = (sys.executable, "-P", "-m", "voxpeer", "audit", "--background")

    def command(cpu_s: float) -> Sequence[str]:
        return (*words, "--cpu-time", f"{cpu_s:.1f}s", "--store", str(store_path))

    return command


class Auditing:
    """Starts audits of one store when there is something to do and time for it.

    :meth:`step` and :meth:`stop` are called by one thread at a time.
    """

    def __init__(
        self,
        store: SqliteStore,
        command: Command,
        share: float,
        now: float,
    ) -> None:
        """Begin with a budget of nothing.

        Args:
            store: of the daemon.
            command: what to start; :func:`audit_command`.
            share: of the time of all cores that audits may take, 0 to 1.
            now: seconds, monotonic.
        """
        self._store = store
        self._command = command
        cores = os.cpu_count() or 1
        self._budget = CpuBudget(cores, now, share=share, most_s=SAVED_UP_S)
        self._process: subprocess.Popen[bytes] | None = None
        self._look_at = now
        self._failures = 0
        self._left: set[Path] = set()
        """Saved files that the last process could do nothing about."""

    @property
    def is_running(self) -> bool:
        """Whether a process was started and has not been seen to end."""
        return self._process is not None

    def step(self, now: float) -> None:
        """Start a process if one is due; see whether the one that runs has ended."""
        if self._process is not None:
            self._see(self._process, now)
        elif now >= self._look_at and self._budget.left_s(now) >= BEGIN_S:
            self._look_at = now + LOOK_EVERY_S
            if self._is_something_to_do() and not self._store.is_computing():
                self._start(self._budget.left_s(now))

    def stop(self) -> None:
        """End the process that runs; what it had not finished stays to be audited."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _close_input(process)

    def _is_something_to_do(self) -> bool:
        if has_open_audits(self._store):
            return True
        return any(each.path not in self._left for each in doubtful_files(self._store))

    def _start(self, cpu_s: float) -> None:
        self._process = subprocess.Popen(
            self._command(cpu_s),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # what ends the daemon's terminal is not for it
        )
        event("audits_begin", cpu_s=round(cpu_s, 1))

    def _see(self, process: subprocess.Popen[bytes], now: float) -> None:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if not pid:
            return
        spent = used.ru_utime + used.ru_stime
        process.returncode = os.waitstatus_to_exitcode(status)
        _close_input(process)
        self._process = None
        self._budget.spend(spent, now)
        event("audits_end", cpu_s=round(spent, 1), code=process.returncode)
        is_well = process.returncode in AUDITED
        if is_well:
            self._left = {each.path for each in doubtful_files(self._store)}
        self._wait(is_well, now)

    def _wait(self, is_well: bool, now: float) -> None:
        self._failures = 0 if is_well else self._failures + 1
        first, longest = RETRY_S
        wait_s = 0.0 if is_well else min(longest, first * 2 ** (self._failures - 1))
        self._look_at = now + max(LOOK_EVERY_S, wait_s)


def _close_input(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
