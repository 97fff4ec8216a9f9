"""Who is there, as connections are told while it changes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from peer.local.connection import connect
from peer.local.messages import AnyAnswer, GetStatus, Greeting, Refused
from peer.local.server import LocalServer

from .conftest import Serve

ROUNDS = 300


@pytest.fixture
def hasty() -> Iterator[None]:
    """Let threads take turns so often that they meet everywhere."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
def test_what_is_said_last_is_how_it_is(serve: Serve, store_path: Path) -> None:
    server = serve(lambda request, reply: reply(Refused(id=request.id, reason="")))
    frames, _ = connect(store_path, timeout_s=5.0, send_timeout_s=5.0)
    frames.set_timeout(20.0)
    try:
        for at in range(ROUNDS):
            change_at_once(server, 3 * at)
            frames.send(msgspec.msgpack.encode(GetStatus(id=7)))
            last = -1
            while True:
                data = frames.receive()
                assert data is not None
                answer: AnyAnswer = msgspec.msgpack.decode(data, type=AnyAnswer)
                if isinstance(answer, Refused):
                    break
                assert isinstance(answer, Greeting)
                last = answer.neighbours
            other, greeting = connect(store_path, timeout_s=5.0, send_timeout_s=5.0)
            other.close()
            other.free()
            assert last == greeting.neighbours
    finally:
        frames.close()
        frames.free()


def change_at_once(server: LocalServer, start: int) -> None:
    """Say different numbers of neighbours in threads of their own."""
    gate = threading.Barrier(3)

    def change(count: int) -> None:
        gate.wait()
        server.set_neighbours(count)

    threads = [threading.Thread(target=change, args=(start + at,)) for at in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
