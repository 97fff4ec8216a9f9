"""The decisions of a fetch, without a network."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.exchange.fetching import Ask, Done, Fetching, GiveUp, Wait
from peer.wire import WireError, limits
from peer.wire.v1 import peer_pb2
from store import Digest, Manifest, NodeKey

MIB = limits.CHUNK_BYTES
KEY = NodeKey(bytes(32))


def manifest(chunks: int) -> Manifest:
    """Return one with chunks that nobody has."""
    return Manifest(chunks * MIB, tuple(bytes([at % 256]) * 32 for at in range(chunks)))


def asked(request: peer_pb2.FetchRequest) -> list[int]:
    """Return the chunks of a request."""
    ranges = [range(it.first, it.first + it.count) for it in request.chunks]
    return list(itertools.chain.from_iterable(ranges))


def header(made: Manifest) -> bytes:
    """Return the first message of a source."""
    return peer_pb2.FetchHeader(manifest=made.encode()).SerializeToString()


def begun(made: Manifest, sources: int, missing: Iterable[range]) -> Fetching:
    """Return a fetch that knows its manifest."""
    fetch = Fetching(KEY, made.digest, sources, manifest=made)
    fetch.start(missing)
    return fetch


def test_the_first_request_is_for_everything_and_the_manifest() -> None:
    made = manifest(3)
    fetch = Fetching(KEY, made.digest, 1)
    step = fetch.next(0)
    assert isinstance(step, Ask)
    assert step.request.want_manifest
    assert asked(step.request) == []
    assert fetch.header(header(made)) == made
    assert fetch.start([range(3)])
    assert [fetch.piece(b"").index for _ in range(3)] == [0, 1, 2]
    with pytest.raises(WireError, match="more chunks"):
        fetch.piece(b"")


def test_only_what_is_missing_is_asked_in_ranges() -> None:
    fetch = begun(manifest(10), 1, [range(2, 3), range(5, 9)])
    step = fetch.next(0)
    assert isinstance(step, Ask)
    assert not step.request.want_manifest
    assert [(it.first, it.count) for it in step.request.chunks] == [(2, 1), (5, 4)]


def test_more_ranges_than_fit_a_request_are_asked_later() -> None:
    count = 2 * limits.FETCH_RANGES + 20
    fetch = begun(manifest(count), 1, (range(at, at + 1) for at in range(0, count, 2)))
    rounds = 0
    while not isinstance(step := fetch.next(0), Done):
        assert isinstance(step, Ask)
        chunks = asked(step.request)
        assert len(step.request.chunks) <= limits.FETCH_RANGES
        assert fetch.still_expected == len(chunks)
        for index in chunks:
            assert fetch.piece(b"").index == index
            fetch.verified(index)
        rounds += 1
    assert rounds == 2


def test_nothing_missing_is_done_at_once() -> None:
    assert isinstance(begun(manifest(2), 1, []).next(0), Done)
    assert isinstance(begun(manifest(0), 0, []).next(0), Done)


def test_a_source_that_was_cut_off_after_progress_is_asked_again_last() -> None:
    fetch = begun(manifest(4), 2, [range(4)])
    step = fetch.next(0)
    assert isinstance(step, Ask)
    assert step.source == 0
    fetch.verified(0)
    fetch.cut("gone")
    step = fetch.next(0)
    assert isinstance(step, Ask)
    assert (step.source, asked(step.request)) == (1, [1, 2, 3])
    fetch.cut("gone too")
    step = fetch.next(0)
    assert isinstance(step, Ask)
    assert step.source == 0
    fetch.cut("gone for good")
    assert fetch.next(0) == GiveUp("gone for good")


def test_busy_sources_are_waited_for_but_not_for_ever() -> None:
    fetch = begun(manifest(1), 2, [range(1)])
    for _ in range(2):
        assert isinstance(fetch.next(100), Ask)
        fetch.busy(4000, 100)
    assert fetch.next(100) == Wait(104)
    for now in (104, 104, 108, 108):
        if isinstance(fetch.next(now), Ask):
            fetch.busy(4000, now)
    assert fetch.next(108) == Wait(112)
    for _ in range(2):
        assert isinstance(fetch.next(112), Ask)
        fetch.busy(4000, 112)
    assert fetch.next(112) == GiveUp("all are busy")


def test_a_manifest_that_is_not_the_digests_is_refused() -> None:
    fetch = Fetching(KEY, Digest(bytes(32)), 1)
    fetch.next(0)
    with pytest.raises(WireError, match="something else"):
        fetch.header(header(manifest(1)))


def test_a_length_that_the_record_denies_is_given_up() -> None:
    made = manifest(2)
    fetch = Fetching(KEY, made.digest, 1, size_bytes=5)
    fetch.next(0)
    fetch.header(header(made))
    assert not fetch.start([range(2)])
    assert isinstance(fetch.next(0), GiveUp)


@given(data=st.binary(max_size=200), wants_manifest=st.booleans())
def test_any_header_is_understood_or_refused(data: bytes, wants_manifest: bool) -> None:
    made = manifest(1)
    fetch = Fetching(KEY, made.digest, 1)
    if not wants_manifest:
        fetch = begun(made, 1, [range(1)])
    fetch.next(0)
    try:
        fetch.header(data)
    except WireError:
        return
    assert not wants_manifest, "nobody guesses a manifest"


@given(
    chunks=st.integers(0, 12),
    answers=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), max_size=40),
)
def test_a_fetch_ends_whatever_its_sources_do(
    chunks: int, answers: list[tuple[int, int]]
) -> None:
    made = manifest(chunks)
    fetch = begun(made, 3, [range(chunks)])
    missing, now, steps = set(range(chunks)), 0.0, 0
    script = iter(answers)
    while True:
        step = fetch.next(now)
        if isinstance(step, Done):
            assert not missing
            return
        if isinstance(step, GiveUp):
            assert missing
            return
        if isinstance(step, Wait):
            assert step.until > now
            now = step.until
            continue
        kind, count = next(script, (0, chunks))
        wanted = asked(step.request)
        assert set(wanted) == missing
        for index in wanted[:count]:
            assert fetch.piece(b"").index == index
            fetch.verified(index)
            missing.discard(index)
        if missing:
            match kind:
                case 1:
                    fetch.cut("cut")
                case 2:
                    fetch.busy(1000, now)
                case _:
                    fetch.drop("wrong")
        steps += 1
        assert steps <= chunks + 3 + 40
