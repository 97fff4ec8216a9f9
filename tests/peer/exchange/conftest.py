"""Peers on 127.0.0.1, and stores to fetch into."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import grpc
import pytest

from peer.exchange import Counters, Credentials, Link, PeerClient, PeerServer
from peer.exchange.credentials import dial as open_channel
from peer.identity import dns_name
from peer.stores import open_store
from store import SqliteStore

from .realms import Realm
from .shelf import Shelf

SERVICE = "/voxpeer.v1.Peer"


@dataclass
class Peer:
    """A peer that serves."""

    credentials: Credentials
    shelf: Shelf
    counters: Counters
    server: PeerServer
    address: str


RawHandler: TypeAlias = "grpc.RpcMethodHandler[bytes, bytes]"

Liar = Callable[[bytes], Iterator[bytes]]
"""Yields the messages of a Fetch, whatever they are."""


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something has come true."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not come true in time"
        threading.Event().wait(0.01)


@pytest.fixture(scope="session")
def realm() -> Realm:
    """Return the realm of everybody who is let in."""
    return Realm()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """Return an empty store."""
    with open_store(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def serve(realm: Realm) -> Iterator[Callable[[], Peer]]:
    """Return a function that starts a peer."""
    with ExitStack() as ends:

        def start() -> Peer:
            credentials, shelf, counters = realm.member(), Shelf(), Counters()
            server = PeerServer(lambda: credentials, shelf, counters)
            [address] = server.start(["127.0.0.1:0"])
            ends.callback(server.stop, 0)
            ends.callback(shelf.news.set)
            return Peer(credentials, shelf, counters, server, address)

        yield start


@pytest.fixture
def peer(serve: Callable[[], Peer]) -> Peer:
    """Return one peer that serves."""
    return serve()


@pytest.fixture
def dial(realm: Realm) -> Iterator[Callable[..., Link]]:
    """Return a function that makes a link to a peer, as a member of its own."""
    with ExitStack() as ends:

        def link(peer: Peer, credentials: Credentials | None = None) -> Link:
            mine = credentials or realm.member()
            made = PeerClient(lambda: mine).to(peer.credentials.node_id, peer.address)
            ends.callback(made.cut)
            return made

        yield link


@pytest.fixture
def raw(realm: Realm) -> Iterator[Callable[..., grpc.Channel]]:
    """Return a function that makes a channel on which anything can be said."""
    with ExitStack() as ends:

        def channel(peer: Peer, credentials: Credentials | None = None) -> grpc.Channel:
            name = dns_name(peer.credentials.node_id)
            mine = (credentials or realm.member()).for_channel()
            opened = open_channel(peer.address, name, mine)
            ends.callback(opened.close)
            return opened

        yield channel


@pytest.fixture
def pretend(realm: Realm) -> Iterator[Callable[[Mapping[str, RawHandler]], Link]]:
    """Return a function that starts a member with other handlers; a link to it."""
    with ExitStack() as ends:

        def start(handlers: Mapping[str, RawHandler]) -> Link:
            theirs, mine = realm.member("liar"), realm.member()
            generic = grpc.method_handlers_generic_handler(
                "voxpeer.v1.Peer", dict(handlers)
            )
            pool = ends.enter_context(ThreadPoolExecutor(4))
            server = grpc.server(pool, [generic], options=UNLIMITED)
            pair = (theirs.key_pem, theirs.chain_pem)
            shown = grpc.ssl_server_credentials([pair], theirs.root_pem, True)
            port = server.add_secure_port("127.0.0.1:0", shown)
            server.start()
            ends.callback(lambda: server.stop(0).wait())
            link = PeerClient(lambda: mine).to(theirs.node_id, f"127.0.0.1:{port}")
            ends.callback(link.cut)
            return link

        yield start


@pytest.fixture
def lie(
    pretend: Callable[[Mapping[str, RawHandler]], Link],
) -> Callable[[Liar], Link]:
    """Return a function that starts a member whose Fetch is as told; a link to it."""

    def start(messages: Liar) -> Link:
        fetch: RawHandler = grpc.unary_stream_rpc_method_handler(
            lambda request, context: messages(request)
        )
        return pretend({"Fetch": fetch})

    return start


@pytest.fixture
def say(
    pretend: Callable[[Mapping[str, RawHandler]], Link],
) -> Callable[[str, bytes], Link]:
    """Return a function that starts a member with one answer; a link to it."""

    def start(method: str, reply: bytes) -> Link:
        answer: RawHandler = grpc.unary_unary_rpc_method_handler(
            lambda request, context: reply
        )
        return pretend({method: answer})

    return start


UNLIMITED = [("grpc.max_send_message_length", -1)]
