"""A daemon's end of the private socket, answered by the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from peer.local import DaemonPlace, LocalServer
from peer.local.server import Handle

Serve = Callable[[Handle], LocalServer]


@pytest.fixture
def store_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    path = tmp_path / "store"
    path.mkdir()
    return path


@pytest.fixture
def serve(store_path: Path) -> Iterator[Serve]:
    """Start a server that hands requests to a function of the test; it ends others."""
    started: list[tuple[LocalServer, DaemonPlace]] = []

    def end() -> None:
        while started:
            server, place = started.pop()
            server.stop()
            place.leave()

    def start(handle: Handle) -> LocalServer:
        end()
        # Long paths make sockets lie elsewhere, by the id: no two stores share one.
        store_id = str(store_path)
        place = DaemonPlace(store_path, store_id)
        server = LocalServer(place, store_id, handle, node_id="n" * 16)
        server.start()
        started.append((server, place))
        return server

    yield start
    end()
