"""Asking at several addresses without waiting for dead ones ("happy eyeballs")."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

APART_S = 0.25
"""How long an address has the field to itself (RFC 8305, section 5)."""


def answers(
    addresses: Sequence[str], ask: Callable[[str], T]
) -> Iterator[tuple[str, Future[T]]]:
    """Ask at each address in order, and yield what comes back, the first first.

    The next address is asked when the one before has failed, or has not answered for
    a quarter of a second; none is asked any more once the caller is content.

    Args:
        addresses: the likeliest first.
        ask: called in a thread of its own; has to end by itself.

    Yields:
        an address and its answer, which raises what ``ask`` raised.
    """
    done: SimpleQueue[tuple[str, Future[T]]] = SimpleQueue()
    waiting, running = list(addresses), 0
    while waiting or running:
        if waiting:
            address = waiting.pop(0)
            Thread(target=_ask, args=(address, ask, done), daemon=True).start()
            running += 1
        try:
            answer = done.get(timeout=APART_S if waiting else None)
        except Empty:
            continue
        running -= 1
        yield answer


def _ask(
    address: str, ask: Callable[[str], T], done: SimpleQueue[tuple[str, Future[T]]]
) -> None:
    answer: Future[T] = Future()
    try:
        answer.set_result(ask(address))
    except Exception as error:  # who asked cannot do without an answer
        answer.set_exception(error)
    done.put((address, answer))
