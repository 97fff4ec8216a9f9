"""What one member may take from the others: slots, rates, time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from peer.exchange import BusyError, Link, UnreachableError
from peer.wire import limits
from peer.wire.v1 import peer_pb2
from store import Digest, NodeKey

from .conftest import Peer, wait_until
from .realms import Realm
from .shelf import MIB
from .test_link import hello


def ask(digest: Digest) -> peer_pb2.FetchRequest:
    """Return a request for a whole artifact."""
    return peer_pb2.FetchRequest(key=bytes(32), digest=digest)


def test_a_member_has_four_fetches_at_a_time_and_all_have_sixteen(
    peer: Peer, realm: Realm, dial: Callable[..., Link]
) -> None:
    gate = threading.Event()
    digest = peer.shelf.put(bytes(MIB), lambda index: wait_for(gate))
    with ExitStack() as ends:
        ends.callback(gate.set)

        def begin(link: Link) -> None:
            stream = link.fetch(ask(digest))
            ends.callback(stream.close)
            next(stream)

        first = dial(peer)
        for _ in range(limits.FETCHES_PER_MEMBER):
            begin(first)
        with pytest.raises(BusyError) as busy:
            begin(first)
        assert busy.value.retry_ms > 0
        for _ in range(limits.FETCHES // limits.FETCHES_PER_MEMBER - 1):
            other = dial(peer)
            for _ in range(limits.FETCHES_PER_MEMBER):
                begin(other)
        last = dial(peer)
        with pytest.raises(BusyError):
            begin(last)
        assert last.hello(hello()), "other calls have places of their own"
        gate.set()
        ends.close()
        wait_until(lambda: can_begin(last, digest))


def wait_for(gate: threading.Event) -> None:
    """Go on once the gate is open."""
    assert gate.wait(20)


def can_begin(link: Link, digest: Digest) -> bool:
    """Say whether there is a place for one more."""
    stream = link.fetch(ask(digest))
    try:
        return len(list(stream)) == 2
    except BusyError:
        return False
    finally:
        stream.close()


def test_who_goes_away_in_mid_stream_gives_its_place_back(
    peer: Peer, dial: Callable[..., Link]
) -> None:
    digest = peer.shelf.put(bytes(64 * MIB))
    link = dial(peer)
    for _ in range(3 * limits.FETCHES_PER_MEMBER):
        wait_until(lambda: begins_and_goes_away(link, digest))


def begins_and_goes_away(link: Link, digest: Digest) -> bool:
    """Take one chunk of a stream; False if there was no place for it."""
    stream = link.fetch(ask(digest))
    try:
        next(stream)
        return len(next(stream)) == MIB
    except BusyError:
        return False
    finally:
        stream.close()


@pytest.mark.slow
def test_sixty_four_watchers_do_not_starve_a_question(
    peer: Peer, realm: Realm, dial: Callable[..., Link]
) -> None:
    request = peer_pb2.WatchRequest(timeout_ms=30_000)
    ended: list[Exception | None] = []

    def watch(link: Link) -> None:
        try:
            link.watch(request)
            ended.append(None)
        except BusyError as error:
            ended.append(error)

    links = [dial(peer) for _ in range(limits.WATCHES // limits.WATCHES_PER_MEMBER + 2)]
    threads = [
        threading.Thread(target=watch, args=(link,)) for link in links for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    # Four of them find no place, the rest wait.
    wait_until(lambda: len(ended) == 4)
    asker = dial(peer)
    started = time.monotonic()
    assert asker.locate([NodeKey(bytes(32))]) == [None]
    assert time.monotonic() - started < 1
    peer.shelf.news.set()
    for thread in threads:
        thread.join(20)
    assert ended.count(None) == limits.WATCHES


def test_a_member_has_two_watches(peer: Peer, dial: Callable[..., Link]) -> None:
    link = dial(peer)
    request = peer_pb2.WatchRequest(timeout_ms=20_000)
    waiting = [threading.Thread(target=link.watch, args=(request,)) for _ in range(2)]
    for thread in waiting:
        thread.start()
    wait_until(lambda: peer.counters["served_watch"] == 2)
    with pytest.raises(BusyError):
        link.watch(request)
    peer.shelf.news.set()
    for thread in waiting:
        thread.join(10)


@pytest.mark.slow
def test_a_reader_that_takes_nothing_is_cut_off(
    peer: Peer, dial: Callable[..., Link]
) -> None:
    digest = peer.shelf.put(bytes(256 * MIB))
    stream = dial(peer).fetch(ask(digest))
    next(stream)
    wait_until(lambda: peer.counters["slow_readers"] == 1, limits.CHUNK_WRITE_S + 10)
    with pytest.raises(UnreachableError, match="cut off"):
        for _ in stream:
            pass
    stream.close()
    assert peer.counters["served_bytes"] < 64 * MIB
