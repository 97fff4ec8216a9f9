"""Asking at several addresses at once."""

from __future__ import annotations

import threading
import time

import pytest

from peer.exchange import UnreachableError
from peer.exchange.eyeballs import answers


def test_a_dead_address_is_not_waited_for() -> None:
    over = threading.Event()

    def ask(address: str) -> str:
        if address == "dead":
            over.wait(20)
        return f"hello from {address}"

    started = time.monotonic()
    address, answer = next(answers(["dead", "alive"], ask))
    over.set()
    assert (address, answer.result()) == ("alive", "hello from alive")
    assert time.monotonic() - started < 5


def test_after_a_failure_the_next_address_is_asked_at_once() -> None:
    def ask(address: str) -> str:
        if address != "c":
            raise UnreachableError(address, "nobody there")
        return address

    found = list(answers(["a", "b", "c"], ask))
    assert [address for address, _ in found] == ["a", "b", "c"]
    for address, answer in found[:2]:
        with pytest.raises(UnreachableError, match=f"{address}: nobody"):
            answer.result()
    assert found[2][1].result() == "c"


def test_nobody_is_asked_any_more_once_somebody_answered() -> None:
    asked: list[str] = []
    next(answers(["a", "b"], asked.append))
    assert asked == ["a"]


def test_an_unforeseen_error_reaches_who_asked() -> None:
    def ask(address: str) -> str:
        raise IndexError(address)

    [(_, answer)] = answers(["a"], ask)
    with pytest.raises(IndexError):
        answer.result()


def test_without_addresses_there_are_no_answers() -> None:
    assert list(answers([], str)) == []
