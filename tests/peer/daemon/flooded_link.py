"""A link that is full of made-up names; runs in a network namespace of its own."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import threading
import time
from base64 import b32encode
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from zeroconf import (  # type: ignore[attr-defined]
    DNSIncoming,
    DNSOutgoing,
    DNSPointer,
    DNSQuestion,
    DNSText,
)

from peer.identity import found_realm
from tests.peer.daemon.attacks import at_least, attacked, fill, meet, unharmed
from tests.peer.daemon.harness import Peer, eventually, let_in, new_store

GROUP = ("224.0.0.251", 5353)
SERVICE = "_voxpeer._tcp.local."
RESPONSE = 0x8400


def main() -> None:
    """Attack a daemon that listens to multicast."""
    for command in ("link set lo up", "link set lo multicast on"):
        subprocess.run(["ip", *command.split()], check=True)
    with TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        store = new_store(Path(folder) / "anna")
        anna = Peer(store, found_realm(store, "anna"))
        others = []
        for name in ("bert", "cora"):
            store = new_store(Path(folder) / name)
            others.append(Peer(store, let_in(anna, store, name)))
        try:
            attack(anna, *others)
        finally:
            for peer in (anna, *others):
                peer.stop()
                peer.store.close()


def attack(anna: Peer, bert: Peer, cora: Peer) -> None:
    """Say whatever on the link while ``bert`` fetches, and ``cora`` comes."""
    keys = fill(anna, 5)
    with attacked(anna, mdns=True) as victim, Link() as link:
        meet(victim, bert)
        with unharmed(victim, bert, keys) as work:
            recorded = link.hear(anna.identity.node_id)
            for number in range(100):
                link.name(*(f"printer {number} {it}" for it in range(50)))
                link.name(*(fake_id(50 * number + it) for it in range(50)))
            for number in range(300):
                link.announce(fake_id(number), os.urandom(5 * number))
                link.announce(fake_id(number), recorded)
            link.announce(anna.identity.node_id, recorded[:-1] + b"!")
            for number in range(200):
                link.send(os.urandom(5 + 40 * number))
            work.goes_on()
            cora.start(mdns=True, interfaces=("127.0.0.1",))
            eventually(lambda: cora.neighbours >= 1)
        at_least(
            victim,
            announcements_nameless=2000,
            announcements_unanswered=2000,
            announcements_malformed=300,
        )


class Link:
    """The loopback interface, as a link on which anybody says anything."""

    def __enter__(self) -> Link:
        self._heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._heard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._heard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._heard.bind(GROUP)
        here = socket.inet_aton("127.0.0.1")
        join = socket.inet_aton(GROUP[0]) + here
        self._heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, join)
        self._heard.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
        self._heard.settimeout(0.5)
        self._pause = threading.Event()
        return self

    def __exit__(self, *_: object) -> None:
        self._heard.close()

    def send(self, packet: bytes) -> None:
        """Send a packet to all, and leave them a moment to take it."""
        self._heard.sendto(packet, GROUP)
        self._pause.wait(0.003)

    def name(self, *labels: str) -> None:
        """Say that instances of our service have these names, and no more."""
        out = DNSOutgoing(RESPONSE)
        for label in labels:
            name = f"{label}.{SERVICE}"
            out.add_answer_at_time(DNSPointer(SERVICE, 12, 1, 4500, name, 0.0), 0)
        for packet in out.packets():
            self.send(packet)

    def announce(self, label: str, rdata: bytes) -> None:
        """Announce a node with these bytes as its TXT record."""
        name = f"{label}.{SERVICE}"
        out = DNSOutgoing(RESPONSE)
        out.add_answer_at_time(DNSPointer(SERVICE, 12, 1, 4500, name, 0.0), 0)
        out.add_answer_at_time(DNSText(name, 16, 1, 4500, rdata, 0.0), 0)
        for packet in out.packets():
            self.send(packet)

    def hear(self, label: str) -> bytes:
        """Return the TXT record that a node announces."""
        name, ends = f"{label}.{SERVICE}", time.monotonic() + 15
        while time.monotonic() < ends:
            out = DNSOutgoing(0)
            out.add_question(DNSQuestion(name, 16, 1))
            self.send(out.packets()[0])
            with suppress(TimeoutError):
                while True:
                    for record in DNSIncoming(self._heard.recv(9000)).answers():
                        if isinstance(record, DNSText) and record.name == name:
                            return record.text
        raise AssertionError("it announces nothing")


GROUP = ("224.0.0.251", 5353)
SERVICE = "_voxpeer._tcp.local."
RESPONSE = 0x8400


def fake_id(number: int) -> str:
    """Return what could be a node id."""
    return b32encode(hashlib.sha256(b"%d" % number).digest()[:10]).decode().lower()


if __name__ == "__main__":
    main()
