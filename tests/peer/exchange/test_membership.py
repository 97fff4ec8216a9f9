"""Who is let in, and how those who are not are kept from disturbing."""

from __future__ import annotations

import socket
import ssl
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

import grpc
import pytest

from peer.exchange import (
    Credentials,
    Link,
    PeerClient,
    RefusedError,
    UnreachableError,
)
from peer.identity import dns_name
from peer.wire import limits
from peer.wire.v1 import peer_pb2
from store import NodeKey

from .conftest import SERVICE, Peer, wait_until
from .realms import Realm
from .shelf import MIB
from .test_link import hello


def link_as(peer: Peer, mine: Credentials) -> Link:
    """Dial a peer, trusting its realm whatever our own is."""
    trusting = Credentials(
        mine.node_id, mine.key_pem, mine.chain_pem, peer.credentials.root_pem
    )
    return PeerClient(lambda: trusting).to(peer.credentials.node_id, peer.address)


def test_a_member_of_another_realm_is_not_let_in(peer: Peer) -> None:
    link = link_as(peer, Realm().member())
    with pytest.raises(UnreachableError):
        link.hello(hello())
    link.close()
    assert not peer.shelf.callers


def test_who_has_no_certificate_is_not_let_in(peer: Peer) -> None:
    shown = grpc.ssl_channel_credentials(peer.credentials.root_pem)
    name = dns_name(peer.credentials.node_id)
    options = [("grpc.ssl_target_name_override", name)]
    with grpc.secure_channel(peer.address, shown, options) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes]
        call = channel.unary_unary(f"{SERVICE}/Hello")
        with pytest.raises(grpc.RpcError):
            call(hello().SerializeToString(), timeout=5)
    assert not peer.shelf.callers


def test_an_expired_certificate_is_not_let_in(peer: Peer, realm: Realm) -> None:
    link = link_as(peer, realm.member(age=timedelta(days=31)))
    with pytest.raises((UnreachableError, RefusedError)):
        link.hello(hello())
    link.close()
    assert not peer.shelf.callers


def test_a_machine_whose_clock_is_a_day_behind_is_let_in(
    peer: Peer, realm: Realm
) -> None:
    link = link_as(peer, realm.member(age=timedelta(days=-1)))
    assert link.hello(hello())
    link.close()


def test_a_peer_of_another_realm_is_not_talked_to(peer: Peer) -> None:
    stranger = Realm().member()
    link = PeerClient(lambda: stranger).to(peer.credentials.node_id, peer.address)
    with pytest.raises(UnreachableError, match="not this member"):
        link.hello(hello())
    link.close()


def test_who_is_revoked_is_refused_at_the_next_call(
    peer: Peer, realm: Realm, dial: Callable[..., Link]
) -> None:
    mine = realm.member()
    link = dial(peer, mine)
    link.hello(hello())
    peer.shelf.revoked.add(mine.node_id)
    with pytest.raises(RefusedError) as refused:
        link.hello(hello())
    assert refused.value.status == "UNAUTHENTICATED"
    assert peer.counters["refused_unauthenticated"] == 1
    assert dial(peer).hello(hello()), "others are members still"


def test_who_is_revoked_in_mid_stream_gets_at_most_the_chunk_that_was_read(
    peer: Peer, realm: Realm, dial: Callable[..., Link]
) -> None:
    mine = realm.member()
    read: list[int] = []

    def before(index: int) -> None:
        read.append(index)
        if index == 3:
            peer.shelf.revoked.add(mine.node_id)

    digest = peer.shelf.put(bytes(64 * MIB), before)
    stream = dial(peer, mine).fetch(peer_pb2.FetchRequest(key=bytes(32), digest=digest))
    assert next(stream) == b""
    chunks: list[bytes] = []
    with pytest.raises(RefusedError, match="not a member"):
        chunks.extend(stream)
    stream.close()
    assert read == [0, 1, 2, 3]
    assert len(chunks) <= 4


@pytest.mark.slow
def test_half_open_connections_do_not_disturb(
    peer: Peer, dial: Callable[..., Link]
) -> None:
    host, _, port = peer.address.rpartition(":")
    key = [NodeKey(bytes(32))]
    link = dial(peer)
    link.locate(key)
    with ExitStack() as ends:
        for _ in range(200):
            ends.enter_context(socket.create_connection((host, int(port))))
        times = []
        for _ in range(100):
            started = time.perf_counter()
            link.locate(key)
            times.append(time.perf_counter() - started)
        assert dial(peer).locate(key) == [None], "another one can still connect"
        assert statistics.quantiles(times, n=100)[-1] < 0.5


@pytest.mark.slow
def test_connections_that_never_shake_hands_are_closed(peer: Peer) -> None:
    host, _, port = peer.address.rpartition(":")
    with socket.create_connection((host, int(port)), limits.HANDSHAKE_S + 5) as silent:
        assert silent.recv(1) == b""


@pytest.mark.slow
def test_connections_are_limited(peer: Peer, dial: Callable[..., Link]) -> None:
    host, _, port = peer.address.rpartition(":")
    link = dial(peer)
    link.hello(hello())
    with ExitStack() as ends:
        flood = [
            ends.enter_context(socket.create_connection((host, int(port)), 5))
            for _ in range(limits.CONNECTIONS + 20)
        ]

        def refused() -> bool:
            return sum(map(is_closed, flood)) >= 10

        wait_until(refused, 5)
        assert link.hello(hello()), "who is connected already stays so"


def is_closed(connection: socket.socket) -> bool:
    """Say whether the other end has closed a connection, without waiting."""
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
