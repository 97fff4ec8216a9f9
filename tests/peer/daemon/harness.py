"""Real daemons in one process, on 127.0.0.1, with stores of their own."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Literal

from peer.daemon import Daemon, DaemonOptions
from peer.identity import (
    Identity,
    Joiner,
    Sponsor,
    ders_of,
    invite,
    server_certificate_for_enrolment,
)
from peer.identity.standing import Standing
from peer.local import DaemonNeighbours
from peer.schema import MIGRATIONS
from primitives.encoding import encode
from scheduler import MIGRATIONS as RUNS
from scheduler.neighbours import Arrived, Located
from store import Batch, Digest, NodeKey, Result, SqliteStore, open_store

OPTIONS = DaemonOptions(listen="127.0.0.1:0", mdns=False, enrol_port=0)


def eventually(holds: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def new_store(path: Path, cap_bytes: int = 1 << 30) -> SqliteStore:
    """Open a store with the tables of all rooms."""
    return open_store(path, cap_bytes=cap_bytes, migrations=[RUNS, MIGRATIONS])


def let_in(
    sponsor: Peer,
    store: SqliteStore,
    name: str,
    role: Literal["peer", "sponsor"] = "peer",
    at: datetime | None = None,
) -> Identity:
    """Enrol a store in the realm of ``sponsor``, without a network."""
    token = invite(sponsor.store, sponsor.identity, role=role)
    _, chain = server_certificate_for_enrolment(sponsor.identity)
    front_door = ders_of(chain)[0]
    standing = Standing(sponsor.store, sponsor.identity)
    door = Sponsor(sponsor.store, sponsor.identity, standing, front_door)
    joiner = Joiner(token, name, store)
    joiner.check_leaf(front_door)
    now = time.monotonic()
    nonce = door.begin(token.token_id, now)
    reply = door.finish(joiner.finish_request(nonce, front_door), now, at)
    return joiner.complete(reply)


@dataclass
class Peer:
    """One machine."""

    store: SqliteStore
    identity: Identity
    options: DaemonOptions = OPTIONS
    daemon: Daemon | None = None
    random: Random | None = None
    """What draws audits."""

    def start(self, *seeds: Peer, **options: object) -> Daemon:
        """Start the daemon, seeded with others' addresses."""
        addresses = tuple(each.address for each in seeds)
        chosen = replace(self.options, seeds=addresses, **options)  # type: ignore[arg-type]
        self.daemon = Daemon(self.store, self.identity, chosen, self.random)
        self.daemon.start()
        return self.daemon

    def stop(self) -> None:
        """Stop the daemon."""
        if self.daemon is not None:
            self.daemon.stop()
            self.daemon = None

    @property
    def address(self) -> str:
        """Where the daemon listens."""
        assert self.daemon is not None
        return self.daemon.bound[0]

    @property
    def neighbours(self) -> int:
        """How many neighbours it has."""
        assert self.daemon is not None
        return len(self.daemon.company.live())

    def keep(
        self, key: NodeKey, data: bytes, kind: str = "bytes", cost_s: float = 1.0
    ) -> Digest:
        """Keep a result as a run would: the bytes ``data``, as a value is encoded."""
        payload = encoded(data)
        digest = self.store.put([payload])
        result = Result(key, digest, kind, len(payload), cost_s, cost_s)
        self.store.commit(Batch(results=[result])).result()
        return digest


def key_of(number: int) -> NodeKey:
    """Return a node key."""
    return NodeKey(hashlib.sha256(b"%d" % number).digest())


def encoded(data: bytes) -> bytes:
    """Return the encoding of bytes as a value."""
    return b"".join(bytes(part) for part in encode(data, lambda value: b""))


class Asker:
    """A run that asks the daemon of its store."""

    def __init__(self, peer: Peer) -> None:
        self.neighbours = DaemonNeighbours(peer.store.path)

    def locate(self, *keys: NodeKey) -> dict[NodeKey, Located]:
        """Return who has what."""
        answers: list[dict[NodeKey, Located]] = []
        self.neighbours.locate(keys, answers.append)
        eventually(lambda: answers)
        return answers[0]

    def fetch(self, *keys: NodeKey) -> dict[NodeKey, Arrived]:
        """Have results brought here."""
        arrived: list[Arrived] = []
        self.neighbours.fetch(keys, arrived.append)
        eventually(lambda: len(arrived) == len(keys))
        return {each.key: each for each in arrived}

    def close(self) -> None:
        """Ask no more."""
        self.neighbours.close()
