"""The two processes of ``exchange``: ``client FOLDER ROUNDS``, ``server FOLDER``."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from peer.exchange import Counters, Credentials, Link, PeerClient, PeerServer, fetch
from peer.identity import (
    Identity,
    Joiner,
    Member,
    NodeId,
    Sponsor,
    Standing,
    ders_of,
    found_realm,
    invite,
    open_identity,
    server_certificate_for_enrolment,
)
from peer.process import keep_freed_memory
from peer.stores import open_store
from peer.wire.v1 import enrol_pb2, peer_pb2
from store import Artifact, Digest, Manifest, NodeKey, SqliteStore, digest_of

MIB = 1 << 20
SIZE = 256 * MIB
CALLS = 200
SMALL = 64 * 1024
SMALL_COUNT = 200
KEYS = [NodeKey(sha256(b"%d" % number).digest()) for number in range(1000)]
KEY = KEYS[0]


def big() -> bytes:
    """Return the large artifact: nothing that can be compressed."""
    block = os.urandom(8 * MIB)
    # Every chunk differs, or the store could keep one of them only.
    parts = (
        number.to_bytes(8, "big") + block[8:] for number in range(SIZE // len(block))
    )
    return b"".join(parts)


def small(number: int) -> bytes:
    """Return one of the small artifacts."""
    seed = sha256(b"small %d" % number).digest()
    return b"".join(sha256(seed + b"%d" % at).digest() for at in range(SMALL // 32))


class Serving:
    """Serves what a store has, without asking who shares what."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._found = dict.fromkeys(KEYS[::2], (MIB, 1000))

    def standing(self, member: NodeId) -> bool:
        """Say yes."""
        return True

    def locate(
        self, member: Member, keys: Sequence[NodeKey]
    ) -> Sequence[tuple[int, int] | None]:
        """Look keys up in memory."""
        return list(map(self._found.get, keys))

    def open_artifact(self, member: Member, key: NodeKey, digest: Digest) -> Open:
        """Open an artifact."""
        return Open(self._store, digest)


class Open:
    """An artifact that is being read."""

    def __init__(self, store: SqliteStore, digest: Digest) -> None:
        self.manifest: Manifest = store.manifest(digest)
        self._artifact: Artifact = store.open(digest)

    def read(self, index: int) -> memoryview:
        """Return a chunk."""
        return self._artifact.view()[index * MIB : (index + 1) * MIB]


def server(folder: Path) -> None:
    """Serve until the standard input ends; print where, and what."""
    with open_store(folder / "a", 4 << 30) as store:
        identity = open_identity(store)
        assert identity is not None, "the client has founded the realm"
        credentials = Credentials.of(identity)
        peer = PeerServer(lambda: credentials, Serving(store), Counters())  # type: ignore[arg-type]
        [address] = peer.start(["127.0.0.1:0"])
        digest = store.put([(folder / "big").read_bytes()])
        for number in range(SMALL_COUNT):
            store.put([small(number)])
        port = raw_tls(folder / "a" / "realm", (folder / "big").read_bytes())
        print(json.dumps([address, port, digest.hex()]), flush=True)
        sys.stdin.read()
        peer.stop(0)


def raw_tls(realm: Path, data: bytes) -> int:
    """Send ``data`` to whoever connects, in another thread; return the port."""
    context = tls(realm, ssl.PROTOCOL_TLS_SERVER)
    listener = socket.create_server(("127.0.0.1", 0))
    view = memoryview(data)

    def serve() -> None:
        while True:
            connection, _ = listener.accept()
            with context.wrap_socket(connection, server_side=True) as channel:
                channel.recv(1)
                for start in range(0, len(view), MIB):
                    channel.sendall(view[start : start + MIB])

    threading.Thread(target=serve, daemon=True).start()
    return int(listener.getsockname()[1])


def tls(realm: Path, side: int) -> ssl.SSLContext:
    """Return the settings of a TLS socket of a member."""
    context = ssl.SSLContext(side)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(realm / "root.crt")
    context.load_cert_chain(realm / "node.crt", realm / "node.key")
    return context


class Client:
    """Measures."""

    def __init__(self, folder: Path, store: SqliteStore, link: Link) -> None:
        self._folder = folder
        self._store = store
        self._link = link

    def tls(self, port: int) -> float:
        """Read from a raw TLS socket; MB/s."""
        realm = self._folder / "b" / "realm"
        connection = socket.create_connection(("127.0.0.1", port))
        context = tls(realm, ssl.PROTOCOL_TLS_CLIENT)
        buffer, received = bytearray(MIB), 0
        with context.wrap_socket(connection) as channel:
            started = time.perf_counter()
            channel.send(b"x")
            while received < SIZE:
                received += channel.recv_into(buffer)
            return speed(started)

    def stream(self, digest: Digest) -> float:
        """Read the chunks and drop them; MB/s."""
        request = peer_pb2.FetchRequest(key=KEY, digest=digest, want_manifest=True)
        started = time.perf_counter()
        stream = self._link.fetch(request)
        next(stream)
        assert sum(map(len, stream)) == SIZE
        stream.close()
        return speed(started)

    def stored(self, digest: Digest) -> float:
        """Fetch into a store that does not have it; MB/s."""
        with fresh_store(self._folder) as store:
            started = time.perf_counter()
            found = fetch([self._link], KEY, digest, store.receive, size_bytes=SIZE)
            assert found.digest == digest, found
            return speed(started)

    def small(self) -> float:
        """Fetch many small ones, one after the other; artifacts a second."""
        digests = [digest_of([small(number)]) for number in range(SMALL_COUNT)]
        with fresh_store(self._folder) as store:
            started = time.perf_counter()
            for digest in digests:
                found = fetch([self._link], KEY, digest, store.receive)
                assert found.digest == digest, found
            return SMALL_COUNT / (time.perf_counter() - started)

    def keys(self) -> float:
        """Ask for a thousand keys again and again; keys a second."""
        started = time.perf_counter()
        for _ in range(CALLS):
            found = self._link.locate(KEYS)
        assert [each is not None for each in found[:4]] == [True, False] * 2
        return CALLS * len(KEYS) / (time.perf_counter() - started)


def speed(started: float) -> float:
    """Return MB/s for the large artifact."""
    return SIZE / 1e6 / (time.perf_counter() - started)


@contextmanager
def fresh_store(folder: Path) -> Iterator[SqliteStore]:
    """Make a store for one measurement."""
    with (
        tempfile.TemporaryDirectory(dir=folder) as place,
        open_store(Path(place) / "store", 4 << 30) as store,
    ):
        yield store


def join(founder: SqliteStore, first: Identity, other: SqliteStore) -> Identity:
    """Make another store's node a member, without a network."""
    token = invite(founder, first)
    leaf = ders_of(server_certificate_for_enrolment(first)[1])[0]
    sponsor = Sponsor(founder, first, Standing(founder, first), leaf)
    joiner = Joiner(token, "b", other)
    joiner.check_leaf(leaf)
    nonce = sponsor.begin(token.token_id, time.monotonic())
    finish: enrol_pb2.EnrolFinish = joiner.finish_request(nonce, leaf)
    reply = sponsor.finish(finish, time.monotonic(), datetime.now(UTC))
    return joiner.complete(reply)


@contextmanager
def nginx(folder: Path) -> Iterator[Callable[[], float] | None]:
    """Have nginx serve the large file; yields what fetches it, None without nginx."""
    program, curl = shutil.which("nginx"), shutil.which("curl")
    if program is None or curl is None:
        yield None
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    realm = folder / "a" / "realm"
    (folder / "nginx.conf").write_text(
        "daemon off; master_process off; error_log stderr crit;"
        f" pid {folder}/nginx.pid; events {{}} http {{ access_log off; sendfile on;"
        + "".join(
            f" {kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f" server {{ listen 127.0.0.1:{port} ssl; root {folder};"
        f" ssl_certificate {realm}/node.crt; ssl_certificate_key {realm}/node.key;"
        f" ssl_client_certificate {realm}/root.crt; ssl_verify_client on;"
        " ssl_verify_depth 3; } }"
    )
    running = subprocess.Popen([program, "-p", folder, "-c", folder / "nginx.conf"])
    mine = folder / "b" / "realm"
    command = [
        *(curl, "--silent", "--fail", "--insecure", "--noproxy", "*"),
        *("--cert", str(mine / "node.crt"), "--key", str(mine / "node.key")),
        *("--retry", "20", "--retry-connrefused", "--retry-delay", "0"),
        *("--write-out", "%{speed_download}", "--output", "/dev/null"),
        f"https://127.0.0.1:{port}/big",
    ]

    def take() -> float:
        said = subprocess.run(command, check=True, capture_output=True, text=True)
        return float(said.stdout) / 1e6

    try:
        yield take
    finally:
        running.terminate()
        running.wait()


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, int, Digest]]:
    """Run the server; yields its address, the port of raw TLS, and what to fetch."""
    module = "benchmarks.exchange_peers"
    command = [sys.executable, "-m", module, "server", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        address, port, name = json.loads(running.stdout.readline())
        yield address, port, Digest(bytes.fromhex(name))
        running.stdin.close()


def client(folder: Path, rounds: int) -> None:
    """Found a realm of two, start the server, measure; print the figures as JSON."""
    (folder / "big").write_bytes(big())
    with open_store(folder / "b", 4 << 30) as store:
        with open_store(folder / "a", 4 << 30) as founder:
            first = found_realm(founder, "a")
            mine = Credentials.of(join(founder, first, store))
        with serving(folder) as (address, port, digest), nginx(folder) as from_nginx:
            link = PeerClient(lambda: mine).to(first.node_id, address)
            measure = Client(folder, store, link)
            takes: dict[str, Callable[[], float]] = {
                "tls": lambda: measure.tls(port),
                "stream": lambda: measure.stream(digest),
                "stored": lambda: measure.stored(digest),
                "keys": measure.keys,
                "small": measure.small,
            }
            if from_nginx is not None:
                takes["nginx"] = from_nginx
            measure.stream(digest)  # the first one warms everything up
            figures: dict[str, list[float]] = {name: [] for name in takes}
            for _ in range(rounds):
                for name, take in takes.items():
                    figures[name].append(take())
            link.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    keep_freed_memory()
    role, where, *more = sys.argv[1:]
    if role == "server":
        server(Path(where))
    else:
        client(Path(where), int(more[0]))
