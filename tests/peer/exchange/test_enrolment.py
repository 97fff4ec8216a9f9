"""Joining a realm over real connections."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from peer.exchange import (
    Counters,
    EnrolServer,
    ExchangeError,
    UnreachableError,
    enrol,
)
from peer.exchange.credentials import dial
from peer.identity import (
    EnrolmentRefused,
    Identity,
    Standing,
    Token,
    found_realm,
    invite,
    open_identity,
)
from peer.stores import open_store
from peer.wire.v1 import enrol_pb2
from store import SqliteStore

from .conftest import wait_until


class Sponsor:
    """A realm's first member, with its enrolment server."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.identity: Identity = found_realm(store, "founder")
        self.counters = Counters()
        standing = Standing(store, self.identity)
        self.server = EnrolServer(
            store, self.identity, standing, ["127.0.0.1:0"], self.counters
        )

    def invite(self, uses: int = 1) -> tuple[Token, str]:
        """Return a token, and where to use it."""
        token = invite(self.store, self.identity, uses=uses)
        [address] = self.server.refresh()
        return token, address


@pytest.fixture
def new_store(tmp_path: Path) -> Iterator[Callable[[], SqliteStore]]:
    """Return a function that makes stores."""
    with ExitStack() as ends:
        names = iter("abcdefgh")
        yield lambda: ends.enter_context(open_store(tmp_path / next(names)))


@pytest.fixture
def sponsor(new_store: Callable[[], SqliteStore]) -> Iterator[Sponsor]:
    """Return a sponsor that listens while it has to."""
    made = Sponsor(new_store())
    yield made
    made.server.close()


def test_a_token_makes_a_member(
    sponsor: Sponsor, new_store: Callable[[], SqliteStore]
) -> None:
    store = new_store()
    token, address = sponsor.invite()
    joined = enrol(token, "second", store, [address])
    assert joined.realm_id == sponsor.identity.realm_id
    assert joined.node_id != sponsor.identity.node_id
    again = open_identity(store)
    assert again is not None
    assert again.name == "second"
    assert sponsor.counters["enrolled"] == 1


def test_the_server_listens_only_while_a_token_lives(
    sponsor: Sponsor, new_store: Callable[[], SqliteStore]
) -> None:
    assert sponsor.server.refresh() == []
    token, address = sponsor.invite()
    host, _, port = address.rpartition(":")
    assert sponsor.server.refresh() == [address]
    enrol(token, "second", new_store(), [address])
    assert sponsor.server.refresh() == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 5)
    assert sponsor.invite()[1] == address, "the port stays the same"


def test_a_token_is_used_once(
    sponsor: Sponsor, new_store: Callable[[], SqliteStore]
) -> None:
    token, address = sponsor.invite()
    sponsor.invite()
    enrol(token, "second", new_store(), [address])
    with pytest.raises(EnrolmentRefused, match="it was used") as refused:
        enrol(token, "third", new_store(), [address])
    assert refused.value.reason == "denied"
    assert sponsor.counters["refused_enrolments_denied"] == 1


def test_a_wrong_secret_is_refused(
    sponsor: Sponsor, new_store: Callable[[], SqliteStore]
) -> None:
    token, address = sponsor.invite()
    store = new_store()
    with pytest.raises(EnrolmentRefused):
        enrol(replace(token, secret=bytes(16)), "second", store, [address])
    assert open_identity(store) is None
    assert enrol(token, "second", store, [address]), "the right one still works"


def test_a_sponsor_of_another_realm_is_told_nothing(
    sponsor: Sponsor, new_store: Callable[[], SqliteStore]
) -> None:
    other = Sponsor(new_store())
    _, address = other.invite()
    token, _ = sponsor.invite()
    with pytest.raises(EnrolmentRefused, match="another realm") as refused:
        enrol(token, "second", new_store(), [address])
    other.server.close()
    assert refused.value.reason == "impostor"
    assert other.counters.snapshot() == {"enrol_connections": 1}


def test_the_next_address_is_tried(
    sponsor: Sponsor, new_store: Callable[[], SqliteStore]
) -> None:
    token, address = sponsor.invite()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
    assert enrol(token, "second", new_store(), [nobody, address])


def test_an_address_that_swallows_everything_does_not_delay_the_others(
    sponsor: Sponsor, new_store: Callable[[], SqliteStore]
) -> None:
    token, address = sponsor.invite()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects, says nothing
        dead = f"127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        assert enrol(token, "second", new_store(), [dead, address])
        assert time.monotonic() - started < 4, "less than one time-out"


def test_nobody_there_is_unreachable(
    sponsor: Sponsor, new_store: Callable[[], SqliteStore]
) -> None:
    token, address = sponsor.invite()
    sponsor.server.close()
    with pytest.raises(UnreachableError, match="nobody enrols there"):
        enrol(token, "second", new_store(), [address])
    with pytest.raises(UnreachableError, match="names no address"):
        enrol(token, "second", new_store())


def test_a_server_that_speaks_no_tls_is_an_error_for_people(
    sponsor: Sponsor, new_store: Callable[[], SqliteStore]
) -> None:
    token, _ = sponsor.invite()
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def answer() -> None:
            connection, _ = plain.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer).start()
        address = f"127.0.0.1:{plain.getsockname()[1]}"
        with pytest.raises(ExchangeError, match="no connection"):
            enrol(token, "second", new_store(), [address])


def test_more_than_ten_attempts_a_minute_are_too_many(
    sponsor: Sponsor, new_store: Callable[[], SqliteStore]
) -> None:
    token, address = sponsor.invite()
    trusted = grpc.ssl_channel_credentials(sponsor.identity.root_pem)
    statuses = []
    with dial(address, "sponsor.voxpeer", trusted) as channel:
        begin: grpc.UnaryUnaryMultiCallable[bytes, bytes]
        begin = channel.unary_unary("/voxpeer.v1.Enrol/Begin")
        for _ in range(11):
            try:
                begin(enrol_pb2.EnrolBegin(token_id=bytes(5)).SerializeToString())
                statuses.append(grpc.StatusCode.OK)
            except grpc.RpcError as error:
                statuses.append(error.code())
    assert statuses == [grpc.StatusCode.OK] * 10 + [grpc.StatusCode.RESOURCE_EXHAUSTED]
    with pytest.raises(EnrolmentRefused, match="try again in a minute"):
        enrol(token, "second", new_store(), [address])


@pytest.mark.parametrize("method", ["Begin", "Finish"])
@pytest.mark.parametrize(
    ("data", "counter"),
    [
        (b"", "bad_requests"),
        (b"\xff" * 40, "bad_requests"),
        (bytes(70_000), "abandoned_calls"),
    ],
)
def test_bytes_that_are_no_request_are_refused(
    sponsor: Sponsor, method: str, data: bytes, counter: str
) -> None:
    _, address = sponsor.invite()
    trusted = grpc.ssl_channel_credentials(sponsor.identity.root_pem)
    with dial(address, "sponsor.voxpeer", trusted) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes]
        call = channel.unary_unary(f"/voxpeer.v1.Enrol/{method}")
        with pytest.raises(grpc.RpcError) as refused:
            call(data, timeout=10)
    assert refused.value.code() in (
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    )
    wait_until(lambda: sponsor.counters[counter] == 1)
