"""Claims between members, over real connections."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import grpc
import pytest

from peer.claims.messages import (
    DoneAt,
    Grant,
    HeldBy,
    Item,
    Lease,
    Released,
    Unclaimed,
)
from peer.exchange import (
    BrokenPeerError,
    BusyError,
    Link,
    NotOfferedError,
    PeerClient,
    RefusedError,
    UnreachableError,
)
from peer.exchange.buckets import RATES, Buckets, Rate
from peer.wire import limits
from peer.wire.v1 import peer_pb2

from .conftest import SERVICE, Liar, Peer, wait_until
from .narrow import NarrowWay
from .realms import Realm
from .shelf import MIB
from .test_link import hello
from .test_serving_limits import ask, wait_for

BOOT = b"me since tuesday"
KEYS = [bytes([number]) * 32 for number in range(20)]
ITEMS = [Item(key, 1000) for key in KEYS]
PATIENT_S = 20.0
"""Deadline of calls whose answer has to come, however busy the machine is."""


def lease(key: bytes, token: int = 1) -> Lease:
    """Return a lease as its holder renews it."""
    return Lease(key, "", b"", token, 5, 1000)


def test_who_claims_first_computes_and_the_others_hear_who_does(
    peer: Peer, realm: Realm, dial: Callable[..., Link]
) -> None:
    mine, theirs = realm.member("a"), realm.member("b")
    one, other = dial(peer, mine), dial(peer, theirs)
    peer.shelf.boot_id = b"arbiter's life 1"
    boot_id, answers = one.claim(BOOT, ITEMS[:2], PATIENT_S)
    assert boot_id == b"arbiter's life 1"
    assert answers == (Grant(1, 10_000), Grant(2, 10_000))
    _, answers = other.claim(BOOT, ITEMS[1:3], PATIENT_S)
    assert answers == (HeldBy(mine.node_id, 0, 1000, 200), Grant(3, 10_000))


def test_a_release_tells_how_it_went(peer: Peer, dial: Callable[..., Link]) -> None:
    one, other = dial(peer), dial(peer)
    one.claim(BOOT, ITEMS[:2], PATIENT_S)
    ended = [
        Released(KEYS[0], peer.shelf.boot_id, 1, is_done=True),
        Released(KEYS[1], peer.shelf.boot_id, 2, is_done=False, has_failed=True),
    ]
    one.release_claims(BOOT, ended, PATIENT_S)
    [held] = {it for it in peer.shelf.holders.values() if isinstance(it, DoneAt)}
    assert other.claim(BOOT, ITEMS[:2], PATIENT_S)[1] == (held, Unclaimed())


def test_a_renewal_tells_what_others_hold(
    peer: Peer, dial: Callable[..., Link]
) -> None:
    one, other = dial(peer), dial(peer)
    one.claim(BOOT, ITEMS[:1], PATIENT_S)
    other.claim(BOOT, ITEMS[1:2], PATIENT_S)
    leases = [lease(KEYS[0]), lease(KEYS[1])]
    assert one.renew_claims(BOOT, leases, PATIENT_S) == [KEYS[1]]
    assert one.renew_claims(BOOT, [], PATIENT_S) == []


def test_the_most_leases_that_there_may_be_are_renewed_at_once(
    peer: Peer, dial: Callable[..., Link]
) -> None:
    keys = [number.to_bytes(32, "big") for number in range(limits.CLAIM_LEASES)]
    leases = [
        Lease(key, "a" * 16, BOOT, (1 << 64) - 1, (1 << 32) - 1, (1 << 32) - 1)
        for key in keys
    ]
    lost = dial(peer).renew_claims(BOOT, leases, PATIENT_S)
    assert lost == keys
    with pytest.raises(RefusedError, match="invalid argument"):
        dial(peer).renew_claims(BOOT, [*leases, lease(b"1" * 32)], PATIENT_S)


def test_of_two_hundred_claims_at_once_every_node_is_granted_once(
    peer: Peer, dial: Callable[..., Link]
) -> None:
    links = [dial(peer) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda at: links[at % 4].claim(BOOT, [ITEMS[at % 20]], PATIENT_S)[1][0],
                range(200),
            )
        )
    tokens = [it.token for it in answers if isinstance(it, Grant)]
    assert sorted(tokens) == list(range(1, 21))


def test_a_peer_that_knows_no_claims_says_so(lie: Callable[[Liar], Link]) -> None:
    older = lie(lambda request: iter(()))
    with pytest.raises(NotOfferedError) as refused:
        older.claim(BOOT, ITEMS, PATIENT_S)
    assert refused.value.status == "UNIMPLEMENTED"
    with pytest.raises(NotOfferedError):
        older.renew_claims(BOOT, [lease(KEYS[0])], PATIENT_S)
    with pytest.raises(NotOfferedError):
        older.release_claims(BOOT, [], PATIENT_S)


def test_an_arbiter_that_does_not_answer_is_not_waited_for(
    peer: Peer, dial: Callable[..., Link]
) -> None:
    link = dial(peer)
    link.hello(hello())
    with peer.shelf.holding, pytest.raises(UnreachableError, match="in time"):
        link.claim(BOOT, ITEMS)


@pytest.mark.parametrize(
    "reply",
    [
        peer_pb2.ClaimReply(),
        peer_pb2.ClaimReply(boot_id=BOOT),
        peer_pb2.ClaimReply(boot_id=BOOT, answers=[peer_pb2.ClaimAnswer()]),
        peer_pb2.ClaimReply(
            boot_id=BOOT,
            answers=[peer_pb2.ClaimAnswer(done=peer_pb2.Done(node_id="whoever"))],
        ),
    ],
)
def test_an_answer_that_breaks_the_contract_is_not_taken(
    say: Callable[[str, bytes], Link], reply: peer_pb2.ClaimReply
) -> None:
    link = say("Claim", reply.SerializeToString())
    with pytest.raises(BrokenPeerError):
        link.claim(BOOT, ITEMS[:1], PATIENT_S)


def test_leases_that_nobody_asked_about_cannot_be_lost(
    say: Callable[[str, bytes], Link],
) -> None:
    reply = peer_pb2.RenewClaimsReply(lost=KEYS[1])
    link = say("RenewClaims", reply.SerializeToString())
    with pytest.raises(BrokenPeerError, match="nobody has"):
        link.renew_claims(BOOT, [lease(KEYS[0])], PATIENT_S)


def test_fetches_do_not_keep_claims_waiting(
    peer: Peer, dial: Callable[..., Link]
) -> None:
    gate = threading.Event()
    digest = peer.shelf.put(bytes(MIB), lambda index: wait_for(gate))
    link = dial(peer)
    with ExitStack() as ends:
        ends.callback(gate.set)
        for _ in range(limits.FETCHES_PER_MEMBER):
            stream = link.fetch(ask(digest))
            ends.callback(stream.close)
            next(stream)
        assert link.claim(BOOT, ITEMS[:1], PATIENT_S)[1] == (Grant(1, 10_000),)


def test_chunks_that_are_stuck_do_not_keep_claims_waiting(
    peer: Peer, realm: Realm
) -> None:
    digest = peer.shelf.put(os.urandom(8 * MIB))
    mine = realm.member()
    way = NarrowWay(peer.address, 2 * MIB)
    link = PeerClient(lambda: mine).to(peer.credentials.node_id, way.address)
    with ExitStack() as ends:
        ends.callback(way.close)
        ends.callback(link.cut)
        stream = link.fetch(ask(digest))
        ends.callback(stream.close)
        next(stream)
        assert len(next(stream)) == MIB  # the next one never comes
        assert link.claim(BOOT, ITEMS[:1], PATIENT_S)[1] == (Grant(1, 10_000),)


def test_a_member_has_eight_calls_about_claims_at_a_time(
    peer: Peer, dial: Callable[..., Link]
) -> None:
    link, other = dial(peer), dial(peer)
    most = limits.CLAIMS_PER_MEMBER
    with ThreadPoolExecutor(most) as pool:
        with peer.shelf.holding:
            waiting = [
                pool.submit(link.claim, BOOT, [item], PATIENT_S)
                for item in ITEMS[:most]
            ]
            wait_until(lambda: peer.counters["served_claim"] == most)
            with pytest.raises(BusyError):
                link.claim(BOOT, ITEMS[:1], PATIENT_S)
            assert link.hello(hello())
            assert other.renew_claims(BOOT, [], PATIENT_S) == []
        assert {type(it.result()[1][0]) for it in waiting} == {Grant}


def test_who_claims_more_nodes_than_a_member_may_comes_again(
    peer: Peer, dial: Callable[..., Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RATES, "Claim.keys", [Rate(30, 0.001)])
    link = dial(peer)
    assert link.claim(BOOT, ITEMS, PATIENT_S)
    with pytest.raises(BusyError) as busy:
        link.claim(BOOT, ITEMS, PATIENT_S)
    assert busy.value.retry_ms >= 1
    assert link.claim(BOOT, ITEMS[:9], PATIENT_S)
    assert dial(peer).claim(BOOT, ITEMS, PATIENT_S), "others have a rate of their own"


def test_five_thousand_claims_a_second_are_within_what_a_member_may_ask() -> None:
    buckets, now = Buckets(), 0.0
    for _ in range(10 * 5000 // limits.CLAIM_ITEMS):
        assert buckets.take("a", "Claim", 1, now) == 0
        assert buckets.take("a", "Claim.keys", limits.CLAIM_ITEMS, now) == 0
        now += limits.CLAIM_ITEMS / 5000


def test_who_is_no_member_any_more_claims_nothing(
    peer: Peer, realm: Realm, dial: Callable[..., Link]
) -> None:
    mine = realm.member()
    peer.shelf.revoked.add(mine.node_id)
    with pytest.raises(RefusedError) as refused:
        dial(peer, mine).claim(BOOT, ITEMS, PATIENT_S)
    assert refused.value.status == "UNAUTHENTICATED"
    assert not peer.shelf.holders


@pytest.mark.parametrize("method", ["Claim", "RenewClaims", "ReleaseClaims"])
def test_a_bad_request_is_refused_and_counted(
    peer: Peer, raw: Callable[..., grpc.Channel], method: str
) -> None:
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes]
    call = raw(peer).unary_unary(f"{SERVICE}/{method}")
    for data in (b"", b"\xff" * 9, bytes(limits.REQUEST_BYTES + 1)):
        with pytest.raises(grpc.RpcError) as refused:
            call(data, timeout=PATIENT_S)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert peer.counters["bad_requests"] == 3
