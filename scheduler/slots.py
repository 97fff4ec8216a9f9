"""When the cores of a run are expected to be free."""

from __future__ import annotations

from collections.abc import Callable

from .jobs import Job


class Slots:
    """The jobs of one run that are under way, and when they are expected to end."""

    def __init__(self, capacity: int, job_s: Callable[[Job], float]) -> None:
        """Begin without jobs.

        Args:
            capacity: cores of the run.
            job_s: how long a job is expected to take.
        """
        self.capacity = capacity
        self._job_s = job_s
        self._jobs: dict[int, tuple[float, int]] = {}
        """When each will end, and its cores."""

    def begin(self, job: Job, now: float) -> None:
        """Take note that a job runs."""
        self._jobs[id(job)] = (now + self._job_s(job), job.threads)

    def end(self, job: Job) -> None:
        """Take note that a job has ended; one that was not noted is no error."""
        self._jobs.pop(id(job), None)

    def soon(self, free: int, until: float) -> int:
        """Return how many cores are free, or are expected to be at a time."""
        ending = sum(cores for end, cores in self._jobs.values() if end <= until)
        return min(self.capacity, max(0, free) + ending)

    def next_end(self, after: float) -> float | None:
        """Return when the first job will end that ends after a time, if any does."""
        ends = (end for end, _ in self._jobs.values() if end > after)
        return min(ends, default=None)
