"""What commands hear from the daemon."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peer.local import (
    DaemonPlace,
    DaemonRefusedError,
    LocalError,
    NoDaemonError,
    client,
)
from peer.local.messages import (
    AnyRequest,
    Done,
    Forget,
    GetStatus,
    Greet,
    Greeting,
    Nudge,
    Refused,
    Status,
)
from peer.local.place import noted_socket
from peer.local.server import Reply
from store import NodeKey
from tests.peer.local.conftest import Serve


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data


ANSWERS = (
    st.binary(max_size=100)
    | st.binary(max_size=100).map(_framed)
    | st.sampled_from([Greeting(id=0), Done(id=1), Refused(id=1, reason="no")]).map(
        lambda it: _framed(msgspec.msgpack.encode(it))
    )
)
"""What a daemon may say: nothing sensible, or something at the wrong time."""


def _answer(request: AnyRequest, reply: Reply) -> None:
    if isinstance(request, GetStatus):
        reply(
            Status(
                id=request.id, name="a", node_id="b", realm_id="", version="1",
                pid=1, up_s=0.0,
            )
        )  # fmt: skip
    elif isinstance(request, Forget | Nudge):
        reply(Done(id=request.id, text="done"))
    else:
        reply(Refused(id=request.id, reason="it is not so"))


def test_status_is_what_the_daemon_says(serve: Serve, store_path: Path) -> None:
    serve(_answer)
    assert client.status(store_path).name == "a"


def test_a_refusal_is_an_error_with_its_reason(serve: Serve, store_path: Path) -> None:
    serve(_answer)
    with pytest.raises(DaemonRefusedError, match="it is not so"):
        client.revoke(store_path, "x" * 16)


def test_without_a_daemon_the_error_says_how_to_start_one(store_path: Path) -> None:
    with pytest.raises(NoDaemonError, match="voxpeer join"):
        client.status(store_path)
    assert not client.nudge(store_path)
    assert not client.stop(store_path)


def test_many_keys_are_forgotten_in_several_messages(
    serve: Serve, store_path: Path
) -> None:
    asked: list[int] = []

    def count(request: AnyRequest, reply: Reply) -> None:
        assert isinstance(request, Forget)
        asked.append(len(request.keys) // 32)
        reply(Done(id=request.id, text="done"))

    serve(count)
    keys = [NodeKey(bytes(32))] * 150_000
    assert client.forget(store_path, keys) == "done"
    assert sum(asked) == 150_000


def test_a_caller_of_another_version_is_told_so(serve: Serve, store_path: Path) -> None:
    serve(_answer)
    path = noted_socket(store_path)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        data = msgspec.msgpack.encode(Greet(id=3, version=99))
        connection.sendall(len(data).to_bytes(4, "little") + data)
        answer = connection.recv(1000)[4:]
    refused = msgspec.msgpack.decode(answer, type=Refused)
    assert "another version" in refused.reason


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=30,
    deadline=None,
)
@given(junk=st.binary(max_size=200), is_framed=st.booleans())
def test_junk_ends_its_own_connection_and_nothing_else(
    serve: Serve, store_path: Path, junk: bytes, is_framed: bool
) -> None:
    if is_framed:
        junk = len(junk).to_bytes(4, "little") + junk
    if noted_socket(store_path) is None:
        serve(_answer)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(noted_socket(store_path)))
        connection.sendall(junk)
    assert client.status(store_path).name == "a"


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=60,
    deadline=None,
)
@given(greeting=ANSWERS, answer=ANSWERS)
def test_a_daemon_that_answers_junk_is_an_error_for_people(
    store_path: Path, greeting: bytes, answer: bytes
) -> None:
    place = DaemonPlace(store_path, "an id")
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(place.socket_path))
            listener.listen()
            place.announce()
            speaking = threading.Thread(
                target=_speak, args=(listener, greeting, answer)
            )
            speaking.start()
            with suppress(LocalError):
                client.status(store_path)
            speaking.join()
    finally:
        place.leave()


def _speak(listener: socket.socket, *answers: bytes) -> None:
    connection, _ = listener.accept()
    with connection, suppress(OSError):
        connection.settimeout(0.05)
        for answer in answers:
            with suppress(TimeoutError):
                connection.recv(10_000)
            connection.sendall(answer)


def test_a_message_that_claims_to_be_huge_is_refused(
    serve: Serve, store_path: Path
) -> None:
    serve(_answer)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(noted_socket(store_path)))
        connection.sendall(b"\xff\xff\xff\xff")
        assert connection.recv(1) == b""
