"""Where jobs run."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Protocol

from store import Store

from .jobs import Job, Message, perform


class Executor(Protocol):
    """Runs jobs somewhere and tells what comes of them.

    Every submitted job is answered by exactly one ``Computed``, ``Failed`` or
    ``Lost``; a ``Computed`` job that was to be kept is followed by one ``Kept``.
    """

    @property
    def capacity(self) -> int:
        """Cores that jobs may use together."""

    def submit(self, job: Job) -> None:
        """Start ``job`` as soon as a worker is free; never blocks."""

    def cancel(self, job: Job) -> None:
        """Ask a job to stop; it is answered all the same."""

    def stop(self) -> None:
        """Wait until all submitted jobs are answered and let the workers go."""


class ThreadExecutor:
    """Runs jobs in threads of this process; kernels release the interpreter lock."""

    def __init__(
        self, capacity: int, store: Store, tell: Callable[[Message], None]
    ) -> None:
        self.capacity = capacity
        self._store = store
        self._tell = tell
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[Thread] = []

    def submit(self, job: Job) -> None:
        """Start ``job`` as soon as a worker is free; never blocks."""
        if len(self._threads) < self.capacity:
            thread = Thread(
                target=self._work, name=f"worker-{len(self._threads)}", daemon=True
            )
            self._threads.append(thread)
            thread.start()
        self._queue.put(job)

    def cancel(self, job: Job) -> None:
        """Ask a job to stop; it is answered all the same."""
        job.context.cancel()

    def stop(self) -> None:
        """Wait until all submitted jobs are answered and let the workers go."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            perform(job, self._store, self._tell)
