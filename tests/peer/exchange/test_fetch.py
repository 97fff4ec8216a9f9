"""Fetching into a store: from honest peers, from liars, from peers that go away."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import pytest
import zstandard

from peer.exchange import FetchOutcome, FetchStream, Link, fetch
from peer.identity import NodeId
from peer.stores import open_store
from peer.wire import limits
from peer.wire.v1 import peer_pb2
from store import Digest, Manifest, NodeKey, Reception, SqliteStore, manifest_of

from .conftest import Liar, Peer, wait_until
from .shelf import MIB

KEY = NodeKey(bytes(32))
DATA = os.urandom(5 * MIB + 4321)
MANIFEST = manifest_of([DATA])
CHUNKS = [DATA[at : at + MIB] for at in range(0, len(DATA), MIB)]


class Counted:
    """The messages of a stream, counted."""

    def __init__(self, stream: FetchStream, spy: Spy) -> None:
        self._stream = stream
        self._spy = spy
        self.cancel = stream.cancel
        self.close = stream.close

    def __next__(self) -> bytes:
        message = next(self._stream)
        self._spy.received += 1
        return message


class Spy:
    """A source that notes what is asked of it, and how many messages come."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.asked: list[set[int] | None] = []
        self.received = 0

    @property
    def node_id(self) -> NodeId:
        """Who it is."""
        return self._link.node_id

    def fetch(self, request: peer_pb2.FetchRequest) -> Counted:
        """Note, and pass on."""
        chunks = {
            n for it in request.chunks for n in range(it.first, it.first + it.count)
        }
        self.asked.append(chunks or None)
        return Counted(self._link.fetch(request), self)


def header(
    manifest: bytes | None = None, codec: peer_pb2.Codec = peer_pb2.IDENTITY
) -> bytes:
    """Return the first message of an honest answer, or nearly so."""
    data = MANIFEST.encode() if manifest is None else manifest
    return peer_pb2.FetchHeader(manifest=data, codec=codec).SerializeToString()


def wanted(request: bytes) -> list[int]:
    """Return which chunks a request is for."""
    message = peer_pb2.FetchRequest.FromString(request)
    ranges = [range(it.first, it.first + it.count) for it in message.chunks]
    return [n for each in ranges for n in each] or list(range(len(CHUNKS)))


def is_here(store: SqliteStore) -> bool:
    """Say whether the artifact is in the store, and whole."""
    return bytes(store.open(MANIFEST.digest).view()) == DATA


def get(sources: Sequence[Link | Spy], store: SqliteStore) -> FetchOutcome:
    """Fetch the artifact."""
    return fetch(sources, KEY, MANIFEST.digest, store.receive, size_bytes=len(DATA))


# ---- honest peers


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        os.urandom(MIB),
        os.urandom(MIB + 1),
        bytes(3 * MIB),
        b"compressible " * 300_000,
        DATA,
    ],
    ids=["empty", "byte", "chunk", "chunk and byte", "zeros", "text", "random"],
)
def test_what_is_fetched_is_what_was_served(
    peer: Peer, dial: Callable[..., Link], store: SqliteStore, data: bytes
) -> None:
    link, digest = dial(peer), peer.shelf.put(data)
    outcome = fetch([link], KEY, digest, store.receive, size_bytes=len(data))
    assert outcome.digest == digest
    assert bytes(store.open(digest).view()) == data
    assert outcome.bytes_from == ({link.node_id: len(data)} if data else {})
    assert outcome.failures == []
    sent = peer.counters["served_bytes"]
    if data.startswith((b"comp", bytes(100))):
        assert sent < len(data) / 10, "what compresses well is compressed"
    else:
        assert len(data) <= sent < len(data) + 1000


def test_the_next_source_is_asked_when_one_does_not_have_it(
    serve: Callable[[], Peer], dial: Callable[..., Link], store: SqliteStore
) -> None:
    first, second = serve(), serve()
    second.shelf.put(DATA)
    outcome = get([dial(first), dial(second)], store)
    assert outcome.digest == MANIFEST.digest
    assert [node_id for node_id, _ in outcome.failures] == [first.credentials.node_id]
    assert outcome.liars == set()


def test_nobody_has_it(
    peer: Peer, dial: Callable[..., Link], store: SqliteStore
) -> None:
    outcome = get([dial(peer)], store)
    assert outcome.digest is None
    assert "not here" in outcome.reason
    assert get([], store).reason == "nobody has it"


def test_a_busy_source_is_asked_again_after_the_time_that_it_names(
    peer: Peer, dial: Callable[..., Link], store: SqliteStore
) -> None:
    gate = threading.Event()
    slow = peer.shelf.put(bytes(MIB), lambda index: hold(gate))
    digest = peer.shelf.put(DATA)
    link = dial(peer)
    streams = []
    for _ in range(limits.FETCHES_PER_MEMBER):
        streams.append(link.fetch(peer_pb2.FetchRequest(key=KEY, digest=slow)))
        next(streams[-1])
    threading.Timer(0.3, gate.set).start()
    outcome = fetch([link], KEY, digest, store.receive)
    assert outcome.digest == digest
    assert any("resource exhausted" in text for _, text in outcome.failures)
    for stream in streams:
        stream.close()


def hold(gate: threading.Event) -> None:
    """Wait for a gate."""
    assert gate.wait(20)


def test_what_was_received_in_an_earlier_life_is_not_asked_again(
    peer: Peer, dial: Callable[..., Link], tmp_path: Path
) -> None:
    digest, spy = peer.shelf.put(DATA), Spy(dial(peer))
    with open_store(tmp_path / "store") as store:
        reception = store.receive(MANIFEST)
        for index in (0, 2, 3):
            reception.write_chunk(index, CHUNKS[index])
        reception.suspend()
    with open_store(tmp_path / "store") as store:
        outcome = fetch([spy], KEY, digest, store.receive, manifest=MANIFEST)
        assert outcome.digest == digest
        assert is_here(store)
    assert spy.asked == [{1, 4, 5}]
    assert outcome.bytes_from == {spy.node_id: 2 * MIB + 4321}


def test_an_earlier_life_is_found_without_its_manifest(
    peer: Peer, dial: Callable[..., Link], store: SqliteStore
) -> None:
    peer.shelf.put(DATA)
    spy = Spy(dial(peer))
    reception = store.receive(MANIFEST)
    reception.write_chunk(1, CHUNKS[1])
    reception.suspend()
    assert get([spy], store).digest == MANIFEST.digest
    assert spy.asked == [None, {0, 2, 3, 4, 5}]


def test_a_fetch_that_is_not_wanted_any_more_ends_and_keeps_what_came(
    peer: Peer, dial: Callable[..., Link], store: SqliteStore
) -> None:
    gate, stop = threading.Event(), threading.Event()

    reads: list[int] = []

    def before(index: int) -> None:
        reads.append(index)
        if reads.count(3) == 2:  # the first time it is looked at what compresses
            wait_until(lambda: spy.received == 4)
            stop.set()
            hold(gate)

    digest, spy = peer.shelf.put(DATA, before), Spy(dial(peer))
    outcome = fetch([spy], KEY, digest, store.receive, stop=stop)
    gate.set()
    assert outcome.digest is None
    assert outcome.reason == "not wanted any more"
    assert store.receive(MANIFEST).missing() == [range(3, 6)]


def test_an_artifact_that_is_longer_than_wanted_is_not_taken(
    peer: Peer, dial: Callable[..., Link], store: SqliteStore
) -> None:
    digest = peer.shelf.put(DATA)
    link = dial(peer)
    outcome = fetch([link], KEY, digest, store.receive, limit_bytes=5 * MIB)
    assert "too many" in outcome.reason
    outcome = fetch([link], KEY, digest, store.receive, size_bytes=17)
    assert "the record says 17 bytes" in outcome.reason
    assert outcome.liars == set(), "the source gave what the digest names"


def test_a_full_store_is_nobodys_fault(
    peer: Peer, dial: Callable[..., Link], tmp_path: Path
) -> None:
    class FullError(Exception):
        pass

    def receive(manifest: Manifest) -> Reception:
        raise FullError

    digest = peer.shelf.put(DATA)
    with pytest.raises(FullError):
        fetch([dial(peer)], KEY, digest, receive)


# ---- liars

BOMB = zstandard.compress(bytes(64 * MIB))


def flipped(request: bytes) -> Iterator[bytes]:
    """Change one bit of the third chunk."""
    yield header()
    yield from CHUNKS[:2]
    yield CHUNKS[2][:777] + bytes([CHUNKS[2][777] ^ 1]) + CHUNKS[2][778:]
    yield from CHUNKS[3:]


def swapped(request: bytes) -> Iterator[bytes]:
    """Send chunks in another order."""
    yield header()
    yield from (CHUNKS[at] for at in (1, 0, 2, 3, 4, 5))


def short(request: bytes) -> Iterator[bytes]:
    """Leave a byte out."""
    yield header()
    yield CHUNKS[0][:-1]


def long(request: bytes) -> Iterator[bytes]:
    """Add a byte."""
    yield header()
    yield CHUNKS[0] + b"!"


def too_few(request: bytes) -> Iterator[bytes]:
    """End before the end."""
    yield header()
    yield from CHUNKS[:-1]


def nothing(request: bytes) -> Iterator[bytes]:
    """Say nothing."""
    return iter(())


def no_header(request: bytes) -> Iterator[bytes]:
    """Begin with a chunk."""
    yield from CHUNKS


def other_manifest(request: bytes) -> Iterator[bytes]:
    """Serve something else."""
    yield header(manifest_of([b"something else"]).encode())
    yield b"something else"


def no_manifest(request: bytes) -> Iterator[bytes]:
    """Keep the manifest back."""
    yield header(b"")
    yield from CHUNKS


def huge_header(request: bytes) -> Iterator[bytes]:
    """Send a header that is longer than any message."""
    yield header(bytes(limits.MESSAGE_BYTES + 1))


def huge_chunk(request: bytes) -> Iterator[bytes]:
    """Send four chunks as one."""
    yield header()
    yield b"".join(CHUNKS[:4])


def bomb(request: bytes) -> Iterator[bytes]:
    """Send a small frame that becomes large."""
    yield header(codec=peer_pb2.ZSTD)
    yield BOMB


def hidden_bomb(request: bytes) -> Iterator[bytes]:
    """Do not say how large the frame becomes."""
    yield header(codec=peer_pb2.ZSTD)
    quiet = zstandard.ZstdCompressor(write_content_size=False)
    yield quiet.compress(bytes(16 * MIB))


def trailing(request: bytes) -> Iterator[bytes]:
    """Put something behind a good frame."""
    yield header(codec=peer_pb2.ZSTD)
    yield zstandard.compress(CHUNKS[0]) + b"more"


def no_frame(request: bytes) -> Iterator[bytes]:
    """Say that it is compressed when it is not."""
    yield header(codec=peer_pb2.ZSTD)
    yield CHUNKS[0]


def unknown_codec(request: bytes) -> Iterator[bytes]:
    """Code in a way that nobody knows."""
    yield header(codec=7)  # type: ignore[arg-type]


LIES = [
    *(flipped, swapped, short, long, too_few, nothing, no_header, other_manifest),
    *(no_manifest, huge_header, huge_chunk, bomb, hidden_bomb, trailing, no_frame),
    unknown_codec,
]


@pytest.mark.parametrize("lie_", LIES, ids=lambda it: it.__name__)
def test_a_liar_is_found_out_and_the_next_source_is_asked(
    peer: Peer,
    dial: Callable[..., Link],
    lie: Callable[[Liar], Link],
    store: SqliteStore,
    lie_: Liar,
) -> None:
    peer.shelf.put(DATA)
    liar, honest = lie(lie_), dial(peer)
    outcome = get([liar, honest], store)
    assert outcome.digest == MANIFEST.digest
    assert outcome.liars == {liar.node_id}
    assert is_here(store)


@pytest.mark.parametrize("lie_", LIES, ids=lambda it: it.__name__)
def test_nothing_of_a_liar_alone_is_in_the_store(
    lie: Callable[[Liar], Link], store: SqliteStore, lie_: Liar
) -> None:
    outcome = get([lie(lie_)], store)
    assert outcome.digest is None
    assert outcome.reason
    for index, chunk in enumerate(CHUNKS):
        if not any(index in each for each in store.receive(MANIFEST).missing()):
            assert sha256(chunk).digest() == MANIFEST.chunks[index]


def test_who_sends_more_than_was_asked_is_a_liar_whose_chunks_are_good(
    lie: Callable[[Liar], Link], store: SqliteStore
) -> None:
    def too_many(request: bytes) -> Iterator[bytes]:
        yield header()
        yield from [*CHUNKS, b"one more"]

    liar = lie(too_many)
    outcome = get([liar], store)
    assert outcome.digest == MANIFEST.digest
    assert outcome.liars == {liar.node_id}


def test_a_digest_that_names_no_artifact_is_given_up(
    lie: Callable[[Liar], Link], store: SqliteStore
) -> None:
    garbage = b"signed by somebody, but no manifest"
    digest = Digest(sha256(garbage).digest())
    outcome = fetch(
        [lie(lambda request: iter([header(garbage)]))], KEY, digest, store.receive
    )
    assert "no artifact" in outcome.reason


# ---- peers that go away


def test_a_stream_that_breaks_is_taken_up_by_the_next_source(
    peer: Peer,
    dial: Callable[..., Link],
    lie: Callable[[Liar], Link],
    store: SqliteStore,
) -> None:
    def breaks(request: bytes) -> Iterator[bytes]:
        yield header()
        yield from CHUNKS[:3]
        raise ConnectionError("the cable was pulled")

    peer.shelf.put(DATA)
    spy = Spy(dial(peer))
    outcome = get([lie(breaks), spy], store)
    assert outcome.digest == MANIFEST.digest
    assert spy.asked == [{3, 4, 5}]


@pytest.mark.slow
def test_a_source_that_stalls_is_dropped_after_two_seconds(
    peer: Peer,
    dial: Callable[..., Link],
    lie: Callable[[Liar], Link],
    store: SqliteStore,
) -> None:
    gate = threading.Event()

    def stalls(request: bytes) -> Iterator[bytes]:
        yield header()
        yield CHUNKS[0]
        hold(gate)

    peer.shelf.put(DATA)
    spy, stalled = Spy(dial(peer)), lie(stalls)
    outcome = get([stalled, spy], store)
    gate.set()
    assert outcome.digest == MANIFEST.digest
    assert limits.STALL_S <= outcome.seconds < limits.STALL_S + 2
    assert spy.asked == [{1, 2, 3, 4, 5}]
    assert outcome.liars == set()
    assert "nothing came for 2 s" in dict(outcome.failures)[stalled.node_id]


SERVER = """
import pickle, sys, threading
sys.path[:0] = sys.argv[2:]
from peer.exchange import Counters, Credentials, PeerServer
from tests.peer.exchange.shelf import Shelf
from pathlib import Path

folder = Path(sys.argv[1])
parts = [(folder / name).read_bytes() for name in ("key", "chain", "root")]
shelf = Shelf()

reads = []

def before(index):
    reads.append(index)
    if reads.count(4) == 2:  # the first time it is looked at what compresses
        print("four", flush=True)
        threading.Event().wait()

shelf.put((folder / "data").read_bytes(), before)
credentials = Credentials((folder / "id").read_text(), *parts)
server = PeerServer(lambda: credentials, shelf, Counters())
print(server.start(["127.0.0.1:0"])[0], flush=True)
threading.Event().wait()
"""


@pytest.mark.slow
def test_a_server_that_is_killed_in_mid_stream_costs_nothing_twice(
    peer: Peer, dial: Callable[..., Link], store: SqliteStore, tmp_path: Path
) -> None:
    peer.shelf.put(DATA)
    theirs = peer.credentials
    for name, content in {
        "key": theirs.key_pem,
        "chain": theirs.chain_pem,
        "root": theirs.root_pem,
        "id": theirs.node_id.encode(),
        "data": DATA,
    }.items():
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-c", SERVER, str(tmp_path), *sys.path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as doomed:
        assert doomed.stdout is not None
        address = doomed.stdout.readline().strip()
        other = Peer(theirs, peer.shelf, peer.counters, peer.server, address)
        first, second = Spy(dial(other)), Spy(dial(peer))
        outcomes: list[FetchOutcome] = []
        fetching = threading.Thread(
            target=lambda: outcomes.append(get([first, second], store))
        )
        fetching.start()
        assert doomed.stdout.readline() == "four\n"
        wait_until(lambda: first.received == 5)
        doomed.kill()
        fetching.join(20)
    wait_until(lambda: bool(outcomes))
    assert outcomes[0].digest == MANIFEST.digest
    assert is_here(store)
    assert first.asked[0] is None
    assert second.asked == [{4, 5}]
    assert sum(outcomes[0].bytes_from.values()) == len(DATA)
