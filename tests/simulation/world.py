"""Events in the order of a time that nobody waits for."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

from .transcript import Transcript

Act: TypeAlias = Callable[..., None]
_Event: TypeAlias = "tuple[float, int, Process | None, Act, tuple[Any, ...]]"


class Process:
    """What can be frozen, and be ended: a daemon or a run.

    What happens to a frozen process happens when it goes on, in the same order.
    What happens to one that has ended does not happen.
    """

    def __init__(self) -> None:
        self.is_alive = True
        self.is_frozen = False
        self._missed: list[tuple[Act, tuple[Any, ...]]] = []

    def miss(self, act: Act, args: tuple[Any, ...]) -> None:
        """Put off what happens to this process while it is frozen."""
        self._missed.append((act, args))

    def take_missed(self) -> list[tuple[Act, tuple[Any, ...]]]:
        """Return, once, what was put off."""
        missed, self._missed = self._missed, []
        return missed


class World:
    """The time, and what will happen.

    Attributes:
        now: seconds since the world began; no process sees this clock.
        random: the only source of chance.
        transcript: what has happened, for people; None if nobody reads it.
    """

    def __init__(self, random: Random, transcript: Transcript | None = None) -> None:
        self.now = 0.0
        self.random = random
        self.transcript = transcript
        self.events = 0
        self._queue: list[_Event] = []
        self._count = 0

    def at(self, when: float, process: Process | None, act: Act, *args: Any) -> None:
        """Let something happen to a process; what is due together keeps its order."""
        self._count += 1
        heapq.heappush(self._queue, (when, self._count, process, act, args))

    def after(
        self, delay: float, process: Process | None, act: Act, *args: Any
    ) -> None:
        """Let something happen to a process ``delay`` seconds from now."""
        self._count += 1
        entry = (self.now + delay, self._count, process, act, args)
        heapq.heappush(self._queue, entry)

    def play(self, until: float) -> None:
        """Let everything happen that is due before ``until``."""
        queue, pop = self._queue, heapq.heappop
        while queue and queue[0][0] <= until:
            self.now, _, process, act, args = pop(queue)
            if process is not None:
                if not process.is_alive:
                    continue
                if process.is_frozen:
                    process.miss(act, args)
                    continue
            self.events += 1
            act(*args)
        self.now = max(self.now, until)

    def note(self, who: str, what: str, *about: object) -> None:
        """Write something into the transcript."""
        if self.transcript is not None:
            self.transcript.note(self.now, who, what, about)
