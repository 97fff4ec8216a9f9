"""Realms of real daemons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peer.daemon.claims import calls as claim_calls
from peer.identity import found_realm
from tests.peer.daemon.harness import Peer, let_in, new_store

Realm = Callable[..., list[Peer]]


@pytest.fixture
def realm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Realm]:
    """Make machines of one realm; the first is its founder.  None runs yet."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    made: list[Peer] = []

    def make(*names: str) -> list[Peer]:
        first, *others = names
        store = new_store(tmp_path / first)
        founder = Peer(store, found_realm(store, first))
        peers = [founder]
        for name in others:
            store = new_store(tmp_path / name)
            peers.append(Peer(store, let_in(founder, store, name)))
        made.extend(peers)
        return peers

    yield make
    for peer in made:
        peer.stop()
        peer.store.close()


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let arbiters answer late: a busy machine is no silent one."""
    monkeypatch.setattr(claim_calls, "RTTS", float("inf"))
    monkeypatch.setattr(claim_calls, "MOST_S", 10.0)
