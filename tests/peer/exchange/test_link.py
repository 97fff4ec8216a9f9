"""What links and servers promise each other, over real connections."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from peer.exchange import (
    BusyError,
    Counters,
    Credentials,
    ExchangeError,
    Link,
    NotHereError,
    PeerClient,
    PeerServer,
    RefusedError,
    UnreachableError,
)
from peer.wire.v1 import peer_pb2
from store import NodeKey

from .conftest import Peer
from .realms import Realm
from .shelf import MIB, Shelf

KEYS = [NodeKey(bytes([number]) * 32) for number in range(20)]


def hello(protocol: int = 1) -> peer_pb2.HelloRequest:
    """Return a greeting that keeps the contract."""
    return peer_pb2.HelloRequest(
        protocol=protocol, boot_id=bytes(16), name="me", statements_digest=bytes(32)
    )


def wait_for(gate: threading.Event) -> None:
    """Go on once the gate is open."""
    assert gate.wait(10)


def test_a_member_is_answered_and_known(peer: Peer, dial: Callable[..., Link]) -> None:
    assert dial(peer).hello(hello()).me == hello()
    assert peer.shelf.callers[0].name == "lab"


def test_what_a_service_refuses_reaches_its_caller(
    peer: Peer, dial: Callable[..., Link]
) -> None:
    link = dial(peer)
    with pytest.raises(RefusedError, match="another protocol") as refused:
        link.hello(hello(protocol=2))
    assert refused.value.status == "FAILED_PRECONDITION"
    with pytest.raises(RefusedError, match="no sponsor"):
        link.renew(b"a request")
    assert peer.counters["refused_failed_precondition"] == 1


def test_keys_are_located_in_their_order(peer: Peer, dial: Callable[..., Link]) -> None:
    peer.shelf.results = {KEYS[3]: (7, 11), KEYS[9]: (1 << 40, 5_000_000_000)}
    found = dial(peer).locate(KEYS)
    assert [each for each in found if each] == [(7, 11), (1 << 40, (1 << 32) - 1)]
    assert [at for at, each in enumerate(found) if each] == [3, 9]
    assert dial(peer).locate([]) == []


def test_records_statements_and_inventory_come(
    peer: Peer, dial: Callable[..., Link]
) -> None:
    link = dial(peer)
    peer.shelf.results = dict.fromkeys(KEYS[:3], (1, 1))
    assert {it.record.record for it in link.records(KEYS).records} == set(KEYS[:3])
    assert link.sync([bytes(32)]) == []
    parts = list(link.inventory(peer_pb2.InventoryState()))
    assert [part.added for part in parts] == [key[:8] for key in KEYS[:3]]


def test_a_watch_ends_with_news(peer: Peer, dial: Callable[..., Link]) -> None:
    link = dial(peer)
    threading.Timer(0.05, peer.shelf.news.set).start()
    reply = link.watch(peer_pb2.WatchRequest(timeout_ms=20_000))
    assert reply.statements_digest == bytes(32)


def test_a_question_beyond_the_limits_is_refused(
    peer: Peer, dial: Callable[..., Link]
) -> None:
    with pytest.raises(RefusedError, match="invalid argument"):
        dial(peer).locate(KEYS * 100)
    assert peer.counters["bad_requests"] == 1


def test_who_is_not_there_is_unreachable(
    peer: Peer, realm: Realm, dial: Callable[..., Link]
) -> None:
    link = dial(peer)
    link.hello(hello())
    peer.server.stop(0)
    with pytest.raises(UnreachableError):
        link.hello(hello())


def test_another_member_at_the_address_is_not_talked_to(
    peer: Peer, realm: Realm
) -> None:
    mine, other = realm.member(), realm.member()
    link = PeerClient(lambda: mine).to(other.node_id, peer.address)
    with pytest.raises(UnreachableError, match="not this member"):
        link.hello(hello())
    link.close()
    assert not peer.shelf.callers


def test_a_connection_comes_back_with_the_peer(
    realm: Realm, peer: Peer, dial: Callable[..., Link]
) -> None:
    link = dial(peer)
    link.hello(hello())
    peer.server.stop(0)
    with pytest.raises(UnreachableError):
        link.hello(hello())
    again = PeerServer(lambda: peer.credentials, Shelf(), Counters())
    again.start([peer.address])
    try:
        for _ in range(100):
            try:
                assert link.hello(hello())
                return
            except UnreachableError:
                threading.Event().wait(0.1)
        pytest.fail("the link did not come back")
    finally:
        again.stop(0)


def test_a_port_that_is_taken_is_an_error_for_people(realm: Realm, peer: Peer) -> None:
    server = PeerServer(realm.member, Shelf(), Counters())
    with pytest.raises(ExchangeError, match="in use"):
        server.start([peer.address])
    server.stop(0)


def test_several_addresses_share_the_port_that_was_found(realm: Realm) -> None:
    server = PeerServer(realm.member, Shelf(), Counters())
    first, second = server.start(["127.0.0.1:0", "127.0.0.2:0"])
    server.stop(0)
    assert first.rpartition(":")[2] == second.rpartition(":")[2]


def test_asking_too_often_says_when_to_come_again(
    peer: Peer, dial: Callable[..., Link]
) -> None:
    link = dial(peer)
    link.hello(hello())
    link.hello(hello())
    with pytest.raises(BusyError) as busy:
        link.hello(hello())
    assert 0 < busy.value.retry_ms <= 501
    assert dial(peer).hello(hello()).me, "others are not made to wait"


def test_what_is_not_there_is_not_found(peer: Peer, dial: Callable[..., Link]) -> None:
    request = peer_pb2.FetchRequest(key=bytes(32), digest=bytes(32))
    stream = dial(peer).fetch(request)
    with pytest.raises(NotHereError):
        next(stream)
    stream.close()


def test_chunks_come_in_the_order_in_which_they_are_asked(
    peer: Peer, dial: Callable[..., Link]
) -> None:
    data = b"".join(bytes([n]) * MIB for n in range(6))
    digest = peer.shelf.put(data)
    request = peer_pb2.FetchRequest(key=bytes(32), digest=digest)
    request.chunks.add(first=1, count=1)
    request.chunks.add(first=3, count=2)
    header, *chunks = dial(peer).fetch(request)
    assert peer_pb2.FetchHeader.FromString(header) == peer_pb2.FetchHeader()
    assert [chunk[0] for chunk in chunks] == [1, 3, 4]
    assert set(map(len, chunks)) == {MIB}


def test_a_new_certificate_is_shown_without_losing_what_runs(
    realm: Realm, peer: Peer
) -> None:
    gate = threading.Event()
    digest = peer.shelf.put(bytes(2 * MIB), lambda index: wait_for(gate))
    mine = [realm.member("old")]
    client = PeerClient(lambda: mine[0])
    link = client.to(peer.credentials.node_id, peer.address)
    stream = link.fetch(peer_pb2.FetchRequest(key=bytes(32), digest=digest))
    next(stream)
    mine[0] = realm.again(mine[0], "new")
    client.reload()
    link.hello(hello())
    assert peer.shelf.callers[-1].name == "new"
    gate.set()
    assert len(list(stream)) == 2
    stream.close()
    link.close()


def test_a_server_shows_its_new_certificate_at_the_next_handshake(
    realm: Realm,
) -> None:
    theirs = [realm.member("old")]
    server = PeerServer(lambda: theirs[0], Shelf(), Counters())
    [address] = server.start(["127.0.0.1:0"])
    theirs[0] = realm.member("another node, to tell them apart")
    server.reload()

    def greet(who: Credentials) -> None:
        mine = realm.member()
        link = PeerClient(lambda: mine).to(who.node_id, address)
        try:
            link.hello(hello())
        finally:
            link.close()

    greet(theirs[0])
    greet(theirs[0])
    server.stop(0)
