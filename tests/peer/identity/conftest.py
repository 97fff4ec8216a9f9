"""Members of a realm, each with a store of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from peer.identity import (
    Identity,
    Invitation,
    Joiner,
    Sponsor,
    Standing,
    Token,
    ders_of,
    found_realm,
    invite,
    server_certificate_for_enrolment,
)
from peer.stores import open_store
from store import Digest, NodeKey, Result, SqliteStore

__all__ = ["Invitation", "Realm", "Site", "key_of", "result_of"]


def key_of(name: object) -> NodeKey:
    """Return a node key made from a name."""
    return NodeKey(sha256(repr(name).encode()).digest())


def result_of(name: object, value: object = 0, origin: str = "local") -> Result:
    """Return what a made-up node computed to."""
    digest = Digest(sha256(repr((name, value)).encode()).digest())
    return Result(key_of(name), digest, "image", 1000, 1.5, 2.5, origin=origin)


@dataclass
class Site:
    """A store with its identity."""

    store: SqliteStore
    identity: Identity
    standing: Standing

    def invite(self, **options: object) -> Token:
        """Make a token, by way of its text."""
        token = invite(self.store, self.identity, **options)  # type: ignore[arg-type]
        return Token.parse(token.encode())

    def front_door(self) -> bytes:
        """Return a certificate to show to who wants to join."""
        _, chain = server_certificate_for_enrolment(self.identity)
        return ders_of(chain)[0]

    def sponsor(self, front_door: bytes) -> Sponsor:
        """Return what answers to who wants to join."""
        return Sponsor(self.store, self.identity, self.standing, front_door)


class Realm:
    """Makes members."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack

    def store(self, name: str) -> SqliteStore:
        """Open the store of that name, anew if it is open."""
        return self._stack.enter_context(open_store(self._folder / name))

    def found(self, name: str = "founder") -> Site:
        """Make a realm."""
        store = self.store(name)
        identity = found_realm(store, name)
        return Site(store, identity, Standing(store, identity))

    def enrol(self, name: str, by: Site, role: str = "peer") -> Site:
        """Let a new member in."""
        return self.enrol_store(self.store(name), name, by, role)

    def enrol_store(
        self, store: SqliteStore, name: str, by: Site, role: str = "peer"
    ) -> Site:
        """Let a store in."""
        token = by.invite(role=role)
        front_door = by.front_door()
        joiner, sponsor = Joiner(token, name, store), by.sponsor(front_door)
        joiner.check_leaf(front_door)
        nonce = sponsor.begin(token.token_id, 0.0)
        request = joiner.finish_request(nonce, front_door)
        identity = joiner.complete(sponsor.finish(request, 1.0))
        return Site(store, identity, Standing(store, identity))


@pytest.fixture
def realm(tmp_path: Path) -> Iterator[Realm]:
    """Return a maker of members, whose stores are closed in the end."""
    with ExitStack() as stack:
        yield Realm(tmp_path, stack)
