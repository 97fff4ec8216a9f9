"""A run and the daemon of its store."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from peer.local import DaemonNeighbours, DaemonPlace
from peer.local.messages import (
    AnyRequest,
    Arrival,
    Fetch,
    Locate,
    Offer,
    Offers,
    Publish,
    Refused,
)
from peer.local.server import Reply
from scheduler.neighbours import Arrived, Located
from store import NodeKey
from tests.peer.local.conftest import Serve

A, B = NodeKey(b"a" * 32), NodeKey(b"b" * 32)


def keys_of(data: bytes) -> list[NodeKey]:
    return [NodeKey(data[at : at + 32]) for at in range(0, len(data), 32)]


def has_everything(request: AnyRequest, reply: Reply) -> None:
    """A daemon whose neighbours have what begins with "a"."""
    if isinstance(request, Locate):
        offers = tuple(
            Offer(key, 10, 0.5, 2.0)
            for key in keys_of(request.keys)
            if key.startswith(b"a")
        )
        reply(Offers(id=request.id, offers=offers))
    elif isinstance(request, Fetch):
        for key in keys_of(request.keys):
            source = "there" if key.startswith(b"a") else ""
            reply(Arrival(id=request.id, key=key, source=source, seconds=0.1))


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Answers:
    """Collects answers and says when there are enough."""

    def __init__(self) -> None:
        self.all: list[object] = []
        self._changed = threading.Condition()

    def __call__(self, answer: object) -> None:
        with self._changed:
            self.all.append(answer)
            self._changed.notify_all()

    def wait(self, count: int) -> list[object]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.all) >= count, 10)
        return self.all


def ask(neighbours: DaemonNeighbours, keys: list[NodeKey]) -> object:
    answers = Answers()
    neighbours.locate(keys, answers)
    return answers.wait(1)[0]


def test_without_a_daemon_a_run_is_alone(store_path: Path) -> None:
    neighbours = DaemonNeighbours(store_path)
    assert neighbours.is_alone
    assert ask(neighbours, [A]) == {}
    arrived = Answers()
    neighbours.fetch([A, B], arrived)
    assert {each.source for each in arrived.all if isinstance(each, Arrived)} == {""}
    neighbours.publish([A])
    neighbours.close()


def test_offers_and_arrivals_come_back(serve: Serve, store_path: Path) -> None:
    serve(has_everything).set_neighbours(1)
    neighbours = DaemonNeighbours(store_path)
    assert not neighbours.is_alone
    assert ask(neighbours, [A, B]) == {A: Located(A, 10, 0.5, 2.0)}
    arrived = Answers()
    neighbours.fetch([A, B, A], arrived)
    sources = {
        each.key: each.source for each in arrived.wait(2) if isinstance(each, Arrived)
    }
    assert sources == {A: "there", B: ""}
    neighbours.close()


def test_a_question_of_many_keys_has_one_answer(serve: Serve, store_path: Path) -> None:
    serve(has_everything).set_neighbours(1)
    neighbours = DaemonNeighbours(store_path)
    keys = [NodeKey(b"a" + number.to_bytes(31, "big")) for number in range(70_000)]
    found = ask(neighbours, keys)
    assert isinstance(found, dict)
    assert set(found) == set(keys)
    neighbours.close()


def test_a_run_hears_when_the_daemon_gets_company(
    serve: Serve, store_path: Path
) -> None:
    server = serve(has_everything)
    neighbours = DaemonNeighbours(store_path)
    assert neighbours.is_alone
    server.set_neighbours(2)
    eventually(lambda: not neighbours.is_alone)
    server.set_neighbours(0)
    eventually(lambda: neighbours.is_alone)
    neighbours.close()


def test_when_the_socket_drops_every_open_question_is_answered(
    serve: Serve, store_path: Path
) -> None:
    asked = Answers()
    server = serve(lambda request, _reply: asked(request))
    server.set_neighbours(1)
    neighbours = DaemonNeighbours(store_path)
    located, arrived = Answers(), Answers()
    neighbours.locate([A], located)
    neighbours.fetch([A, B], arrived)
    asked.wait(2)
    server.stop()
    assert located.wait(1) == [{}]
    assert len(arrived.wait(2)) == 2
    assert neighbours.is_alone
    neighbours.close()


def test_closing_answers_what_is_open_and_later_questions(
    serve: Serve, store_path: Path
) -> None:
    serve(lambda _request, _reply: None).set_neighbours(1)
    neighbours = DaemonNeighbours(store_path)
    located = Answers()
    neighbours.locate([A], located)
    neighbours.close()
    assert located.wait(1) == [{}]
    assert ask(neighbours, [A]) == {}
    assert neighbours.is_alone


def test_a_refusal_is_an_answer(serve: Serve, store_path: Path) -> None:
    def refuse(request: AnyRequest, reply: Reply) -> None:
        reply(Refused(id=request.id, reason="no"))

    serve(refuse).set_neighbours(1)
    neighbours = DaemonNeighbours(store_path)
    assert ask(neighbours, [A]) == {}
    neighbours.close()


def test_published_keys_reach_the_daemon(serve: Serve, store_path: Path) -> None:
    heard = Answers()
    serve(lambda request, _reply: heard(request))
    neighbours = DaemonNeighbours(store_path)
    neighbours.publish([A, B])
    (message,) = heard.wait(1)
    assert isinstance(message, Publish)
    assert keys_of(message.keys) == [A, B]
    neighbours.close()


def test_a_daemon_that_does_not_greet_costs_a_moment_once(store_path: Path) -> None:
    place = DaemonPlace(store_path, "id")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place.socket_path))
        listener.listen()  # and nobody accepts
        place.announce()
        neighbours = DaemonNeighbours(store_path)
        started = time.monotonic()
        for _ in range(100):
            assert neighbours.is_alone
        assert time.monotonic() - started < 1.0
        neighbours.close()
    place.leave()


def test_a_run_loads_nothing_of_the_network() -> None:
    code = (
        "import sys, peer.local.neighbours\n"
        "heavy = {'grpc', 'google.protobuf', 'zeroconf', 'cryptography', 'msgspec'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
