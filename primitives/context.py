"""What a kernel may ask of whoever runs it: how many threads, and whether to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock


class CancelledError(Exception):
    """The kernel was asked to stop; its value is not wanted any more."""


class Context:
    """Handed to every kernel as its first argument.

    Attributes:
        threads: number of threads that the kernel may use, at least 1.
        directory: what relative paths are relative to.
    """

    def __init__(self, threads: int = 1, directory: Path | None = None) -> None:
        self.threads = threads
        self.directory = directory or Path()
        self._cancelled = Event()
        self._lock = Lock()
        self._abort: Callable[[], None] | None = None

    def cancel(self) -> None:
        """Ask the kernel to stop; called from another thread."""
        with self._lock:
            self._cancelled.set()
            if self._abort is not None:
                self._abort()

    def check(self) -> None:
        """Stop here if asked to.

        Raises:
            CancelledError: the kernel was asked to stop.
        """
        if self._cancelled.is_set():
            raise CancelledError

    @contextmanager
    def aborting(self, abort: Callable[[], None]) -> Iterator[None]:
        """Within the block, have :meth:`cancel` call ``abort`` as well.

        Raises:
            CancelledError: the kernel was asked to stop before or during the block.
        """
        with self._lock:
            self.check()
            self._abort = abort
        try:
            yield
        finally:
            with self._lock:
                self._abort = None
        self.check()
