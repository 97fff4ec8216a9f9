"""A daemon in a process of its own, who works with it, and who attacks it."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from peer.exchange import Credentials
from peer.exchange.credentials import dial
from peer.identity import dns_name
from peer.local import client, status
from peer.local.place import noted_socket
from store import NodeKey
from tests.peer.daemon.harness import Asker, Peer, eventually, key_of
from tests.peer.daemon.processes import DAEMON

MIB = 1 << 20
MOST_GROWTH = 50 * MIB


@dataclass
class Victim:
    """The attacked daemon."""

    peer: Peer
    process: subprocess.Popen[str]
    address: str

    @property
    def place(self) -> tuple[str, int]:
        """Host and port at which it serves."""
        host, _, port = self.address.rpartition(":")
        return host, int(port)

    @property
    def enrol_place(self) -> tuple[str, int]:
        """Host and port at which it enrols just now."""
        return self.place[0], status(self.peer.store.path).enrol_port

    @property
    def counters(self) -> dict[str, int]:
        """What ``voxpeer status`` shows."""
        return status(self.peer.store.path).counters

    def memory(self) -> int:
        """Return how many bytes are resident that no file has; mapped files are the
        system's cache."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"RssAnon:\s+(\d+) kB", text)
        assert found is not None
        return 1024 * int(found[1])

    def channel(self, member: Peer) -> grpc.Channel:
        """Open a channel on which a member can say anything."""
        shown = Credentials.of(member.identity).for_channel()
        return dial(self.address, dns_name(self.peer.identity.node_id), shown)


@contextmanager
def attacked(peer: Peer, *seeds: str, mdns: bool = False) -> Iterator[Victim]:
    """Run a daemon of its own, and see that it neither ends nor grows."""
    words = [sys.executable, "-c", DAEMON, str(peer.store.path), "1" if mdns else ""]
    with subprocess.Popen(
        [*words, *seeds],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            address = process.stdout.readline().strip()
            assert address, (process.wait(20), process.stderr.read())
            yield Victim(peer, process, address)
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=20)[1]
            assert process.returncode == 0
            assert "Traceback" not in said
            assert "mistake" not in said
        finally:
            process.kill()


def at_least(victim: Victim, **least: int) -> None:
    """Wait until the status of a daemon shows counts."""

    def shows() -> bool:
        counters = victim.counters
        return all(counters.get(name, 0) >= count for name, count in least.items())

    try:
        eventually(shows, 12)
    except AssertionError:
        raise AssertionError((least, victim.counters)) from None


def meet(victim: Victim, *peers: Peer) -> None:
    """Start the daemons of others, who come to know the attacked one."""
    for peer in peers:
        peer.start(victim)  # type: ignore[arg-type] # it has an address as well
    eventually(lambda: all(peer.neighbours for peer in peers))


class Honest:
    """A member that fetches from the attacked daemon, one result after the other."""

    def __init__(self, victim: Victim, peer: Peer, keys: Sequence[NodeKey]) -> None:
        self._victim = victim
        self._peer = peer
        self._keys = list(keys)
        self.memory = 0
        """Most memory of the attacked daemon that was seen."""
        self._is_over = threading.Event()
        self.arrived = 0
        self.missed = 0
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Honest:
        self._run = Asker(self._peer)
        eventually(lambda: self._keys[0] in self._run.locate(self._keys[0]))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._run.close()

    def _work(self) -> None:
        for key in self._keys * 1000:
            if self._is_over.is_set():
                return
            self._run.locate(key)
            self.memory = max(self.memory, self._victim.memory())
            if self._run.fetch(key)[key].source == self._victim.peer.identity.name:
                self.arrived += 1
                self._peer.store.remove([key])
            else:
                self.missed += 1

    def goes_on(self, count: int = 3) -> None:
        """Wait until some more have arrived."""
        wanted = self.arrived + count
        eventually(lambda: self.arrived >= wanted)


@contextmanager
def unharmed(victim: Victim, honest: Peer, keys: Sequence[NodeKey]) -> Iterator[Honest]:
    """Attack in the body: meanwhile a member fetches, and memory stays what it was."""
    with Honest(victim, honest, keys) as work:
        work.goes_on()
        before = victim.memory()
        yield work
        work.goes_on()
    assert work.missed <= 1 + work.arrived // 10, (work.missed, work.arrived)
    growth = work.memory - before
    assert growth < MOST_GROWTH, f"{growth / MIB:.0f} MiB"


def fill(peer: Peer, count: int, size: int = 20_000) -> list[NodeKey]:
    """Keep some results that have to be fetched, and return their keys."""
    keys = [key_of(1000 + number) for number in range(count)]
    for key in keys:
        peer.keep(key, os.urandom(size))
    return keys


def open_half(place: tuple[str, int], count: int, ends: ExitStack) -> None:
    """Connect often, and say nothing, or the beginning of a handshake only."""
    for number in range(count):
        connection = ends.enter_context(socket.create_connection(place, 10))
        connection.sendall((b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")[number % 2])


JUNK = (
    b"\0" * 5000,
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 4000,
    b"\x16\x03\x01\xff\xff" + b"\x41" * 66_000,
    b"\x80\x2e\x01\x00\x02" * 100,
)
"""Zeros, HTTP without TLS, records of TLS that are none or too long."""


def throw_junk(place: tuple[str, int], count: int) -> None:
    """Connect often and send what is no TLS."""
    for number in range(count):
        with socket.create_connection(place, 10) as connection:
            try:
                junk = os.urandom(3000) if number % 6 == 5 else JUNK[number % 6]
                connection.sendall(junk)
                connection.recv(100)
            except OSError:
                pass  # it has hung up, as it may


def speak_junk(
    place: tuple[str, int], count: int, shown: tuple[Path, Path] | None = None
) -> None:
    """Shake hands, and send what is no HTTP/2; what comes back is of no interest."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if shown:
        context.load_cert_chain(*shown)
    frames = (
        os.urandom(5000),
        PREFACE + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + bytes(20_000),
        PREFACE + struct.pack(">IB", 9 << 8 | 1, 5)[0:4] + os.urandom(500),
        PREFACE + SETTINGS + RESETS,
    )
    for number in range(count):
        with socket.create_connection(place, 10) as connection:
            try:
                with context.wrap_socket(connection) as channel:
                    channel.sendall(frames[number % 4])
                    channel.recv(100)
            except OSError:
                pass


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\x04\0\0\0\0\0"
RESETS = b"".join(
    b"\0\0\x01\x01\x04" + stream + b"\x82" + b"\0\0\x04\x03\0" + stream + b"\0\0\0\x08"
    for stream in ((2 * number + 1).to_bytes(4, "big") for number in range(500))
)
"""Five hundred streams that are opened and reset at once (CVE-2023-44487)."""


def local_socket(peer: Peer) -> socket.socket:
    """Connect to the private socket of a daemon."""
    path = noted_socket(peer.store.path)
    assert path is not None
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    connection.settimeout(10)
    return connection


def nudge(peer: Peer) -> None:
    """Have the daemon look at invitations that were made."""
    assert client.nudge(peer.store.path)
