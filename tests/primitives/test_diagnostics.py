"""Namespace ``test``: work of known cost and behaviour."""

from __future__ import annotations

import threading
from hashlib import sha256

import pytest

from primitives import Context, standard_registry
from primitives.context import CancelledError
from primitives.errors import KernelError, KernelTypeError
from primitives.registry import Determinism

from .samples import call


def test_fibonacci_numbers_begin_with_0_and_1() -> None:
    found = [call("test.fibonacci", index) for index in (0, 1, 2, 3, 10.0, 92)]
    assert found == [0, 1, 1, 2, 55, 7540113804746346429]
    for wrong in (-1, 93):
        with pytest.raises(KernelError, match="from 0 to 92"):
            call("test.fibonacci", wrong)
    with pytest.raises(KernelTypeError, match="must be an integer"):
        call("test.fibonacci", 1.5)


def test_wasted_time_gives_a_number_that_its_arguments_decide() -> None:
    digest = sha256(b"5").digest()
    for _ in range(3):
        digest = sha256(digest + bytes(10)).digest()
    expected = int.from_bytes(digest[:8], "big") // 4
    assert call("test.timewaste", 10, 3, 5) == expected
    assert call("test.timewaste", 10, 3) == call("test.timewaste", 10.0, 3.0, 0.0)
    different = {
        call("test.timewaste", *arguments)
        for arguments in ((10, 3), (10, 4), (11, 3), (10, 3, 1), (10, 3, expected))
    }
    assert len(different) == 5
    assert all(0 <= number < 2**62 for number in different)
    with pytest.raises(KernelError, match="not negative"):
        call("test.timewaste", 10, -1)


def test_wasting_time_can_be_stopped() -> None:
    kernel = standard_registry().get("test.timewaste").load()
    context = Context()
    caught: list[BaseException] = []

    def run() -> None:
        try:
            kernel(context, 1 << 16, 1 << 30)
        except CancelledError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    context.cancel()
    thread.join(60)
    assert len(caught) == 1


def test_what_is_impure_is_handed_on_and_never_kept() -> None:
    assert call("test.impure", (1, "a")) == (1, "a")
    primitive = standard_registry().get("test.impure")
    assert primitive.determinism is Determinism.VOLATILE


def test_a_failure_says_what_it_was_given() -> None:
    with pytest.raises(KernelError, match="asked for a failure: too late"):
        call("test.failure", "too late")
    with pytest.raises(KernelError, match="a failure: with"):
        call("test.failure", 3)
