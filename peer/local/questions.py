"""Questions that a connection to the daemon still owes an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from scheduler.neighbours import Arrived, Located, OnArrived, OnLocated
from store import NodeKey


class Search:
    """One ``locate``: as many messages as its keys need, one answer."""

    def __init__(self, messages: int, answer: OnLocated) -> None:
        self._left = messages
        self._found: dict[NodeKey, Located] = {}
        self._answer = answer
        self._lock = threading.Lock()

    def end_part(self, found: dict[NodeKey, Located]) -> None:
        """Take the answer to one of the messages."""
        with self._lock:
            self._found |= found
            self._left -= 1
            is_last = not self._left
        if is_last:
            self._answer(self._found)

    def give_up(self) -> None:
        """One of the messages will not be answered."""
        self.end_part({})


class Delivery:
    """One message of a ``fetch``: an answer for each of its keys."""

    def __init__(self, keys: Sequence[NodeKey], answer: OnArrived) -> None:
        self._open = set(keys)
        self._answer = answer
        self._lock = threading.Lock()

    def end(self, arrived: Arrived) -> bool:
        """Answer for one key; return whether none is open any more."""
        with self._lock:
            is_open = arrived.key in self._open
            self._open.discard(arrived.key)
            is_last = not self._open
        if is_open:
            self._answer(arrived)
        return is_last

    def give_up(self) -> None:
        """Nothing more will come."""
        with self._lock:
            keys, self._open = self._open, set()
        for key in keys:
            self._answer(Arrived(key, "", 0.0))


Question: TypeAlias = Search | Delivery


class OpenQuestions:
    """The questions asked over one connection, by number."""

    def __init__(self, numbers: Iterator[int]) -> None:
        """Begin with none.

        Args:
            numbers: of the messages of the connection.
        """
        self._numbers = numbers
        self._open: dict[int, Question] | None = {}
        self._lock = threading.Lock()

    def add(self, question: Question) -> int | None:
        """Return a number for ``question``, or None once the connection is over."""
        with self._lock:
            if self._open is None:
                return None
            number = next(self._numbers)
            self._open[number] = question
            return number

    def get(self, number: int) -> Question | None:
        """Return an open question."""
        with self._lock:
            return None if self._open is None else self._open.get(number)

    def remove(self, number: int) -> Question | None:
        """Return a question, which is open no more."""
        with self._lock:
            return None if self._open is None else self._open.pop(number, None)

    def give_up(self) -> None:
        """The connection is over: answer everything with "nobody"."""
        with self._lock:
            questions, self._open = self._open or {}, None
        for question in questions.values():
            question.give_up()
