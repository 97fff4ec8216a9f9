"""Whatever a member says, it is answered with a status, and others notice nothing."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peer.exchange import Counters, Link, PeerServer
from peer.wire import limits
from peer.wire.v1 import peer_pb2
from store import NodeKey

from .conftest import SERVICE, Peer, wait_until
from .realms import Realm
from .shelf import Shelf
from .test_link import hello

CLAIMS = ("Claim", "RenewClaims", "ReleaseClaims")
UNARY = ("Hello", "Sync", "Locate", "Records", "Watch", "Renew", *CLAIMS)
STREAMS = ("Fetch", "Inventory")
FINE = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.UNIMPLEMENTED,
}
"""What the contract knows."""


def say(channel: grpc.Channel, method: str, data: bytes) -> grpc.StatusCode:
    """Send bytes as a request, and return how the call ended."""
    if method in STREAMS:
        stream: grpc.UnaryStreamMultiCallable[bytes, bytes]
        stream = channel.unary_stream(f"{SERVICE}/{method}")
        call = stream(data, timeout=10)
        try:
            list(call)
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK
    unary: grpc.UnaryUnaryMultiCallable[bytes, bytes]
    unary = channel.unary_unary(f"{SERVICE}/{method}")
    try:
        unary(data, timeout=10)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@pytest.mark.parametrize(
    ("method", "data"),
    [
        ("Hello", b"\xff" * 50),
        ("Hello", peer_pb2.HelloRequest(protocol=1).SerializeToString()),
        ("Sync", peer_pb2.SyncRequest(have=[b"short"]).SerializeToString()),
        ("Locate", peer_pb2.LocateRequest(keys=bytes(33)).SerializeToString()),
        ("Locate", peer_pb2.LocateRequest(keys=bytes(32 * 1025)).SerializeToString()),
        ("Records", peer_pb2.RecordsRequest(keys=bytes(32 * 257)).SerializeToString()),
        ("Fetch", peer_pb2.FetchRequest(key=bytes(32)).SerializeToString()),
        ("Watch", peer_pb2.WatchRequest(timeout_ms=30_001).SerializeToString()),
        ("Renew", b""),
        ("Renew", peer_pb2.RenewRequest(csr=bytes(5000)).SerializeToString()),
        ("Sync", bytes(limits.REQUEST_BYTES + 1)),
        ("Sync", bytes(limits.MESSAGE_BYTES - 100)),
    ],
)
def test_a_request_that_breaks_a_promise_is_refused_and_counted(
    peer: Peer, raw: Callable[..., grpc.Channel], method: str, data: bytes
) -> None:
    assert say(raw(peer), method, data) is grpc.StatusCode.INVALID_ARGUMENT
    assert peer.counters["bad_requests"] == 1


def test_a_request_that_is_too_long_for_anybody_is_refused_and_counted(
    peer: Peer, realm: Realm
) -> None:
    options = [
        ("grpc.ssl_target_name_override", f"{peer.credentials.node_id}.voxpeer"),
        ("grpc.max_send_message_length", -1),
    ]
    shown = realm.member().for_channel()
    with grpc.secure_channel(peer.address, shown, options) as channel:
        status = say(channel, "Sync", bytes(limits.MESSAGE_BYTES + 1))
    assert status is grpc.StatusCode.RESOURCE_EXHAUSTED
    wait_until(lambda: peer.counters["abandoned_calls"] == 1)


def test_chunks_beyond_the_end_are_refused(
    peer: Peer, raw: Callable[..., grpc.Channel]
) -> None:
    request = peer_pb2.FetchRequest(key=bytes(32), digest=peer.shelf.put(b"short"))
    request.chunks.add(first=0, count=2)
    status = say(raw(peer), "Fetch", request.SerializeToString())
    assert status is grpc.StatusCode.INVALID_ARGUMENT


def test_unknown_methods_are_counted(
    peer: Peer, raw: Callable[..., grpc.Channel]
) -> None:
    assert say(raw(peer), "Format", b"") is grpc.StatusCode.UNIMPLEMENTED
    assert peer.counters["unknown_methods"] == 1


@pytest.mark.slow
@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(method=st.sampled_from(UNARY + STREAMS), data=st.binary(max_size=300))
def test_any_bytes_get_a_status_of_the_contract(
    peer: Peer, raw: Callable[..., grpc.Channel], method: str, data: bytes
) -> None:
    assert say(raw(peer), method, data) in FINE


@pytest.mark.parametrize("method", ["Sync", "Fetch"])
def test_calls_that_were_refused_leave_no_streams_open(
    peer: Peer, raw: Callable[..., grpc.Channel], method: str
) -> None:
    """A connection has 32 streams; what holds one must not wait for the collector."""
    channel = raw(peer)
    gc.collect()
    gc.disable()
    try:
        for _ in range(3 * limits.STREAMS_PER_CONNECTION):
            assert say(channel, method, b"\xff") in FINE
    finally:
        gc.enable()


def test_a_service_that_fails_says_so_without_a_traceback(
    realm: Realm,
    peer: Peer,
    dial: Callable[..., Link],
    caplog: pytest.LogCaptureFixture,
) -> None:
    peer.shelf.results = None  # type: ignore[assignment]
    with pytest.raises(Exception, match="could not answer"):
        dial(peer).locate([NodeKey(bytes(32))])
    assert peer.counters["failed_calls"] == 1
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert all(record.exc_info is None for record in caplog.records)
    assert dial(peer).hello(hello())


@pytest.mark.slow
def test_who_opens_calls_and_says_nothing_is_cut_off_and_starves_nobody(
    peer: Peer, raw: Callable[..., grpc.Channel], dial: Callable[..., Link]
) -> None:
    channel = raw(peer)
    silent: grpc.StreamUnaryMultiCallable[bytes, bytes]
    silent = channel.stream_unary(f"{SERVICE}/Locate")
    calls = [silent.future(Held(), timeout=30) for _ in range(30)]
    # All but eight are told at once, and eight after five seconds.
    wait_until(lambda: peer.counters["refused_resource_exhausted"] >= 22)
    assert dial(peer).locate([NodeKey(bytes(32))]) == [None]
    wait_until(lambda: peer.counters["silent_callers"] == 8)
    wait_until(lambda: all(call.done() for call in calls))


def test_who_does_not_wait_is_not_counted_as_one_that_says_something_wrong(
    peer: Peer, raw: Callable[..., grpc.Channel]
) -> None:
    silent: grpc.StreamUnaryMultiCallable[bytes, bytes]
    silent = raw(peer).stream_unary(f"{SERVICE}/Locate")
    late = silent.future(Held(), timeout=0.3)
    wait_until(late.done)
    wait_until(lambda: peer.counters["abandoned_calls"] == 1)
    cut = silent.future(Held(), timeout=30)
    threading.Event().wait(0.1)  # or it would not come to the server at all
    cut.cancel()
    wait_until(lambda: peer.counters["abandoned_calls"] == 2)
    assert peer.counters["bad_requests"] == 0


class Held:
    """Requests that never come."""

    def __iter__(self) -> Held:
        return self

    def __next__(self) -> bytes:
        threading.Event().wait(8)
        raise StopIteration


def test_counters_of_a_fresh_server_are_empty(realm: Realm) -> None:
    counters = Counters()
    PeerServer(realm.member, Shelf(), counters).stop(0)
    assert counters.snapshot() == {}
