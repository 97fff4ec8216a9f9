"""A run's claims, and a daemon that the test plays."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from peer.local import DaemonNeighbours, LocalServer
from peer.local import claims as local_claims
from peer.local.messages import (
    Alive,
    AnyAnswer,
    AnyRequest,
    Arrival,
    Begin,
    Claim,
    Claimed,
    Publish,
    Refused,
    Release,
)
from peer.local.server import Reply
from scheduler import neighbours as port
from scheduler.neighbours import Arrived, Free, Granted, Held
from store import NodeKey
from tests.peer.local.conftest import Serve

A, B, C, D = (NodeKey(letter * 32) for letter in (b"a", b"b", b"c", b"d"))
WAIT_S = 10.0


class Heard:
    """Collects what comes, from any thread."""

    def __init__(self) -> None:
        self.all: list[object] = []
        self._changed = threading.Condition()

    def __call__(self, what: object) -> None:
        with self._changed:
            self.all.append(what)
            self._changed.notify_all()

    def wait(self, holds: Callable[[list[object]], object]) -> list[object]:
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self.all), WAIT_S), self.all
        return self.all


class Desk:
    """A daemon's end: keeps what was asked, and answers when the test says so."""

    def __init__(self, serve: Serve, neighbours: int = 1) -> None:
        self.heard = Heard()
        self._claims: dict[bytes, tuple[int, Reply]] = {}
        self.server: LocalServer = serve(self._take)
        if neighbours:
            self.server.set_neighbours(neighbours, ["a" * 16, "b" * 16])

    def _take(self, request: AnyRequest, reply: Reply) -> None:
        if isinstance(request, Claim):
            for item in request.items:
                self._claims[item.key] = request.id, reply
        self.heard(request)

    def say(self, key: NodeKey, make: Callable[[int], AnyAnswer]) -> None:
        """Answer the claim of a node."""
        self.heard.wait(lambda _: key in self._claims)
        number, reply = self._claims[key]
        reply(make(number))

    def of(self, kind: type) -> list[object]:
        return [each for each in self.heard.all if isinstance(each, kind)]


@pytest.fixture
def desk(serve: Serve) -> Desk:
    return Desk(serve)


def claim(neighbours: DaemonNeighbours, *keys: NodeKey) -> Heard:
    answers = Heard()
    neighbours.claim([port.Claim(key, 1.5, 10, False, True) for key in keys], answers)
    return answers


def granted(key: NodeKey) -> Callable[[int], Claimed]:
    return lambda number: Claimed(id=number, key=key, state="granted")


def held(key: NodeKey, left_s: float = 2.0) -> Callable[[int], Claimed]:
    return lambda number: Claimed(
        id=number, key=key, state="held", holder="anna", left_s=left_s
    )


def test_claims_reach_the_daemon_in_one_message(desk: Desk, store_path: Path) -> None:
    neighbours = DaemonNeighbours(store_path)
    claim(neighbours, A, B)
    desk.heard.wait(len)
    (message,) = desk.of(Claim)
    assert isinstance(message, Claim)
    assert [item.key for item in message.items] == [A, B]
    item = message.items[0]
    assert (item.estimate_s, item.size_bytes) == (1.5, 10)
    assert (item.reveals_input, item.is_goal) == (False, True)
    neighbours.close()


def test_every_answer_comes_back_in_order(desk: Desk, store_path: Path) -> None:
    neighbours = DaemonNeighbours(store_path)
    answers = claim(neighbours, A, B)
    desk.say(A, held(A))
    desk.say(A, held(A, 1.0))
    desk.say(B, lambda number: Claimed(id=number, key=B, state="free"))
    desk.say(
        A,
        lambda number: Arrival(
            id=number, key=A, source="anna", seconds=0.5, size_bytes=7, wants_audit=True
        ),
    )
    assert answers.wait(lambda all_: len(all_) == 4) == [
        Held(A, "anna", 2.0),
        Held(A, "anna", 1.0),
        Free(B),
        Arrived(A, "anna", 0.5, 7, True),
    ]
    neighbours.close()


def test_what_is_said_after_the_end_of_a_claim_is_dropped(
    desk: Desk, store_path: Path
) -> None:
    neighbours = DaemonNeighbours(store_path)
    answers = claim(neighbours, A, B)
    desk.heard.wait(len)
    neighbours.release([A])
    desk.say(A, granted(A))
    again = claim(neighbours, A)
    desk.heard.wait(lambda all_: sum(isinstance(it, Claim) for it in all_) == 2)
    desk.say(A, held(A))
    desk.say(B, granted(B))
    again.wait(len)
    assert again.all == [Held(A, "anna", 2.0)]
    answers.wait(len)
    assert answers.all == [Granted(B)]
    neighbours.close()


def test_publishing_and_releasing_are_told(desk: Desk, store_path: Path) -> None:
    neighbours = DaemonNeighbours(store_path)
    claim(neighbours, A, B)
    neighbours.begin([A])
    neighbours.publish([A])
    neighbours.release([B], has_failed=True)
    desk.heard.wait(lambda all_: len(all_) >= 4)
    kinds = [type(each) for each in desk.heard.all if not isinstance(each, Alive)]
    assert kinds == [Claim, Begin, Publish, Release]
    (release,) = desk.of(Release)
    assert isinstance(release, Release)
    assert release.has_failed
    assert release.keys == B
    neighbours.close()


def test_when_the_socket_breaks_what_was_not_granted_is_free(
    desk: Desk, store_path: Path
) -> None:
    neighbours = DaemonNeighbours(store_path)
    answers = claim(neighbours, A, B)
    desk.say(A, granted(A))
    desk.say(B, held(B))
    answers.wait(lambda all_: len(all_) == 2)
    desk.server.stop()
    answers.wait(lambda all_: len(all_) == 3)
    assert answers.all[2] == Free(B)
    assert claim(neighbours, A).all == [Free(A)]
    neighbours.close()


def test_a_daemon_that_follows_learns_what_was_granted_once_it_has_company(
    desk: Desk, serve: Serve, store_path: Path
) -> None:
    neighbours = DaemonNeighbours(store_path)
    answers = claim(neighbours, A, B, C)
    for key in (A, B, C):
        desk.say(key, granted(key))
    answers.wait(lambda all_: len(all_) == 3)
    desk.server.stop()
    neighbours.publish([B])
    following = Desk(serve, neighbours=0)
    later = claim(neighbours, D)  # it is not asked for by itself
    following.server.set_neighbours(1, ["a" * 16, "b" * 16])
    following.say(A, held(A))
    following.say(C, granted(C))
    answers.wait(lambda all_: len(all_) == 5)
    assert set(answers.all[3:]) == {Held(A, "anna", 2.0), Granted(C)}
    messages = [each for each in following.heard.all if isinstance(each, Claim)]
    again = [item for each in messages for item in each.items]
    assert {item.key for item in again} - {D} == {A, C}
    assert all(item.estimate_s == 1.5 for item in again)
    neighbours.release([A, C, D])
    assert len(later.all) <= 1
    neighbours.close()


def test_closing_frees_what_is_open_and_all_that_is_claimed_later(
    desk: Desk, store_path: Path
) -> None:
    neighbours = DaemonNeighbours(store_path)
    answers = claim(neighbours, A)
    neighbours.close()
    assert answers.wait(len) == [Free(A)]
    assert claim(neighbours, B).all == [Free(B)]
    neighbours.begin([A])
    neighbours.release([A])


def test_a_refused_claim_is_free(serve: Serve, store_path: Path) -> None:
    def refuse(request: AnyRequest, reply: Reply) -> None:
        if isinstance(request, Claim):
            reply(Refused(id=request.id, reason="no"))

    serve(refuse).set_neighbours(1)
    neighbours = DaemonNeighbours(store_path)
    answers = claim(neighbours, A, B)
    answers.wait(lambda all_: len(all_) == 2)
    assert set(answers.all) == {Free(A), Free(B)}
    neighbours.close()


def test_a_run_without_a_daemon_is_free_and_comes_first(store_path: Path) -> None:
    neighbours = DaemonNeighbours(store_path)
    assert claim(neighbours, A, B).all == [Free(A), Free(B)]
    assert neighbours.ranks([A, B]) == [0, 0]


def test_a_run_says_that_it_lives_only_while_it_has_claims(
    desk: Desk, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_claims, "BEAT_S", 0.01)
    neighbours = DaemonNeighbours(store_path)
    assert not neighbours.is_alone
    for _ in range(2):
        claim(neighbours, A)
        before = len(desk.of(Alive))
        desk.heard.wait(lambda _, n=before: len(desk.of(Alive)) >= n + 3)  # type: ignore[misc]
        neighbours.publish([A])
        deadline = time.monotonic() + WAIT_S
        while "heartbeat" in [thread.name for thread in threading.enumerate()]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    neighbours.close()


def test_the_server_tells_connections_apart_and_says_when_one_ends(
    store_path: Path,
) -> None:
    from peer.local import DaemonPlace

    ended = Heard()
    asked = Heard()
    place = DaemonPlace(store_path, "id")
    server = LocalServer(
        place,
        "id",
        lambda _request, reply: asked(reply.connection),
        on_end=ended,
        node_id="n" * 16,
    )
    server.start()
    server.set_neighbours(1)
    first, second = DaemonNeighbours(store_path), DaemonNeighbours(store_path)
    claim(first, A)
    claim(second, A)
    one, two = asked.wait(lambda all_: len(all_) == 2)
    assert one != two
    first.close()
    assert ended.wait(len) == [one]
    second.close()
    assert ended.wait(lambda all_: len(all_) == 2) == [one, two]
    server.stop()
    place.leave()


def test_ranks_are_those_of_the_protocol(desk: Desk, store_path: Path) -> None:
    from peer.claims.ranking import position

    neighbours = DaemonNeighbours(store_path)
    me = "n" * 16
    members = ["a" * 16, "b" * 16, me]
    desk.server.set_neighbours(2, members)
    keys = [NodeKey(bytes([number]) * 32) for number in range(50)]
    expected = [position(key, me, members) for key in keys]
    deadline = time.monotonic() + WAIT_S
    while neighbours.ranks(keys) != expected:  # the new greeting is on its way
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert {0, 1, 2} == set(expected)
    neighbours.close()
