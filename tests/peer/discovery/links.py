"""Real multicast DNS on the loopback interface."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from peer.discovery import Announcement, ClonedIdentityError, Discovery
from peer.identity import NodeId, RealmKeys

from .realms import node

LOOPBACK = ["127.0.0.1"]
DEADLINE_S = 20.0


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition, and fail when it does not come."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"waited in vain for: {what}"
        time.sleep(0.01)


@dataclass
class Listener:
    """Notes what discovery tells."""

    heard: dict[NodeId, tuple[tuple[str, ...], Announcement]] = field(
        default_factory=dict
    )
    gone: list[NodeId] = field(default_factory=list)
    clashes: list[ClonedIdentityError] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    def on_heard(
        self, node_id: NodeId, addresses: tuple[str, ...], announced: Announcement
    ) -> None:
        self.threads.add(threading.current_thread().name)
        self.heard[node_id] = (addresses, announced)


@contextmanager
def discovery(
    name: str, keys: RealmKeys, announced: Announcement | None, **options: Any
) -> Iterator[tuple[Discovery, Listener]]:
    """Run discovery of a node on the loopback interface."""
    listener = Listener()
    made = Discovery(
        node(name),
        keys,
        on_heard=listener.on_heard,
        on_gone=listener.gone.append,
        on_clash=listener.clashes.append,
        **{"interfaces": LOOPBACK, **options},
    )
    if announced is not None:
        made.announce(announced)
    made.start()
    try:
        yield made, listener
    finally:
        made.stop()
