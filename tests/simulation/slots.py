"""What a run computes just now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .ledger import Cause, Execution
from .machine import Machine, Stage
from .programs import SHARED_S, Task

if TYPE_CHECKING:
    from .run import Run


@dataclass(slots=True, eq=False)
class Job:
    """A task that is being computed; times are of the world."""

    task: Task
    execution: Execution
    began: float
    ends: float
    left_s: float = 0.0
    is_over: bool = False


class Slots:
    """The jobs of a run, by number of the task."""

    def __init__(
        self, run: Run, stage: Stage, machine: Machine, finish: Callable[[Job], None]
    ) -> None:
        """Begin with all slots free.

        Args:
            run: whose slots.
            stage: where its machine stands.
            machine: where it runs.
            finish: called when a job has come to its end.
        """
        self.jobs: dict[int, Job] = {}
        self._run = run
        self._stage = stage
        self._machine = machine
        self._finish = finish

    @property
    def free(self) -> int:
        """How many slots have nothing to do."""
        return self._run.plan.slots - len(self.jobs)

    def start(self, task: Task, cause: Cause) -> None:
        """Compute a task."""
        run, machine, world = self._run, self._machine, self._stage.world
        execution = self._stage.ledger.begin(
            *(world.now, machine.me, task.key, cause),
            is_needless=self._stage.is_had(task.key, machine),
        )
        job = Job(task, execution, world.now, world.now + machine.seconds(task))
        self.jobs[task.number] = job
        if machine.estimate_s(task) >= SHARED_S:
            machine.leases[task.key] = run
        world.note(run.name, "computes", task.key, cause.value)
        if not machine.nature.hoards or cause is Cause.SMALL:
            world.at(job.ends, run, self._end, job)

    def stop(self, task: Task) -> None:
        """Stop to compute a task, if it is computed."""
        job = self.jobs.pop(task.number, None)
        if job is not None:
            self._leave(job)

    def stop_all(self) -> None:
        """Stop everything."""
        for job in list(self.jobs.values()):
            self.stop(job.task)

    def granted(self, task: Task, cause: Cause) -> None:
        """Take note that what was begun without a grant has got one."""
        job = self.jobs.get(task.number)
        if job is not None and job.execution.cause is Cause.UNGRANTED:
            job.execution.cause = cause

    def orphan(self) -> None:
        """Take note that no daemon knows any more of what is computed."""
        for job in self.jobs.values():
            job.execution.cause = Cause.OFFLINE

    def ends_in(self) -> list[float]:
        """Return in how many seconds jobs will end, by the machine's estimates."""
        now, machine = self._stage.world.now, self._machine
        return [
            job.began + machine.estimate_s(job.task) - now for job in self.jobs.values()
        ]

    def freeze(self) -> None:
        """Stop, to go on later."""
        for job in self.jobs.values():
            job.left_s = max(0.0, job.ends - self._stage.world.now)

    def thaw(self) -> None:
        """Go on."""
        world = self._stage.world
        for job in self.jobs.values():
            job.ends = world.now + job.left_s
            world.at(job.ends, self._run, self._end, job)

    def _end(self, job: Job) -> None:
        if job.is_over or self._stage.world.now < job.ends - 1e-9:
            return
        job.execution.is_done = True
        del self.jobs[job.task.number]
        self._leave(job)
        self._finish(job)

    def _leave(self, job: Job) -> None:
        job.is_over = True
        job.execution.ended = self._stage.world.now
        if self._machine.leases.get(job.task.key) is self._run:
            del self._machine.leases[job.task.key]
