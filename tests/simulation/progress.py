"""How far a run is with the tasks of its program."""

from __future__ import annotations

from enum import Enum, auto

from .programs import Program, Task
from .shelf import Kept, Shelf


class State(Enum):
    """How far a run is with a task."""

    UNNEEDED = auto()
    BLOCKED = auto()
    """Its arguments are not there."""
    READY = auto()
    CLAIMED = auto()
    STARTABLE = auto()
    """It waits for a slot and for nothing else."""
    RUNNING = auto()
    DONE = auto()
    FAILED = auto()


class Progress:
    """The states of all tasks, and the values that are there.

    Attributes:
        states: by number of the task.
        values: of tasks that are done.
        settled: how many tasks have come to an end, in a way or another.
    """

    def __init__(
        self, program: Program, goals: tuple[int, ...] | None, shelf: Shelf
    ) -> None:
        """Begin with nothing demanded.

        Args:
            program: whose tasks.
            goals: those that are wanted; None for all goals of the program.
            shelf: results that are there already.
        """
        self.goals = program.goals if goals is None else goals
        self.states = [State.UNNEEDED] * len(program.tasks)
        self.values: dict[int, Kept] = {}
        self.settled = 0
        self._tasks = program.tasks
        self._shelf = shelf
        self._unsettled: set[int] = set()

    @property
    def is_over(self) -> bool:
        """Whether all goals are there, or have failed."""
        return not self._unsettled

    def needed(self) -> list[Task]:
        """Look from the goals down for what is not there; return that."""
        found: set[int] = set()
        below = list(self.goals)
        while below:
            number = below.pop()
            if number in found or number in self.values:
                continue
            task = self._tasks[number]
            kept = self._shelf.kept.get(task.key)
            if kept is not None:
                self.values[number] = kept
                self.states[number] = State.DONE
                continue
            found.add(number)
            below.extend(task.arguments)
        return [self._tasks[number] for number in sorted(found)]

    def executable(self) -> list[Task]:
        """Return, of what is needed, what does not come after a failure."""
        needed = self.needed()
        there = set(self.values)
        tasks: list[Task] = []
        for task in needed:
            if all(argument in there for argument in task.arguments):
                tasks.append(task)
                if not task.fails:
                    there.add(task.number)
        return tasks

    def demand(self) -> None:
        """Begin with what is ready among what is needed."""
        needed = self.needed()
        self._unsettled = {number for number in self.goals if number not in self.values}
        for task in needed:
            self.states[task.number] = State.BLOCKED
        for task in needed:
            self._unblock(task)

    def ready(self) -> list[Task]:
        """Return what can be claimed, or computed."""
        if State.READY not in self.states:
            return []
        states = self.states
        return [task for task in self._tasks if states[task.number] is State.READY]

    def settle(self, task: Task, kept: Kept) -> None:
        """Take note that a task is done."""
        self.values[task.number] = kept
        self._end(task, State.DONE)

    def fail(self, task: Task) -> None:
        """Take note that a task has no value."""
        self._end(task, State.FAILED)

    def _end(self, task: Task, state: State) -> None:
        self.states[task.number] = state
        self._unsettled.discard(task.number)
        self.settled += 1
        for above in self._tasks[task.number + 1 :]:
            if task.number in above.arguments:
                self._unblock(above)

    def _unblock(self, task: Task) -> None:
        if self.states[task.number] is not State.BLOCKED:
            return
        states = [self.states[argument] for argument in task.arguments]
        if State.FAILED in states:
            self.fail(task)
        elif all(state is State.DONE for state in states):
            self.states[task.number] = State.READY
