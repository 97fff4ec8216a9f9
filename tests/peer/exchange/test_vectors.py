"""A server and a client say what the reference says, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import pytest

from peer.exchange import Link, fetch
from peer.exchange.coding import decompress, length_of_chunk
from peer.wire.v1 import peer_pb2
from store import Digest, NodeKey, SqliteStore

from .conftest import SERVICE, Liar, Peer
from .shelf import MIB

VECTORS = json.loads(Path(__file__).with_name("fetch_vectors.json").read_text())


def artifact(said: dict[str, Any]) -> bytes:
    """Return the bytes that a vector describes."""
    if "ramp" in said:
        return bytes(index % 251 for index in range(said["ramp"]))
    return bytes.fromhex(said["hex"]) * int(said.get("times", 1))


@pytest.mark.parametrize("vector", VECTORS)
def test_a_server_answers_as_the_vectors_say(
    peer: Peer, raw: Callable[..., grpc.Channel], vector: dict[str, Any]
) -> None:
    data = artifact(vector["artifact"])
    assert peer.shelf.put(data).hex() == vector["digest"]
    call: grpc.UnaryStreamMultiCallable[bytes, bytes]
    call = raw(peer).unary_stream(f"{SERVICE}/Fetch")
    header, *chunks = call(bytes.fromhex(vector["request"]), timeout=10)
    assert header.hex() == vector["header"]
    is_compressed = peer_pb2.FetchHeader.FromString(header).codec == peer_pb2.ZSTD
    for message, said in zip(chunks, vector["chunks"], strict=True):
        if is_compressed:
            frame = bytes.fromhex(said["bytes"])
            assert decompress(message, len(data)) == decompress(frame, len(data))
        elif "bytes" in said:
            assert message.hex() == said["bytes"]
        else:
            assert len(message) == said["length"]
            assert sha256(message).hexdigest() == said["sha256"]


@pytest.mark.parametrize("vector", VECTORS[:4])
def test_a_client_takes_what_the_vectors_say(
    lie: Callable[[Liar], Link], store: SqliteStore, vector: dict[str, Any]
) -> None:
    data = artifact(vector["artifact"])
    request = peer_pb2.FetchRequest.FromString(bytes.fromhex(vector["request"]))
    messages = [bytes.fromhex(vector["header"])]
    for index, said in enumerate(vector["chunks"]):
        start = index * MIB
        chunk = data[start : start + length_of_chunk(len(data), index)]
        messages.append(bytes.fromhex(said["bytes"]) if "bytes" in said else chunk)
    exact = lie(lambda asked: iter(messages))
    digest = Digest(request.digest)
    outcome = fetch([exact], NodeKey(request.key), digest, store.receive)
    assert outcome.failures == []
    assert bytes(store.open(digest).view()) == data
