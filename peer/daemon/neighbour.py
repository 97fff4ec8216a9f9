"""What is known of one neighbour, what can go wrong, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from peer.identity import NodeId

from .hints import Hints
from .inventory import State


class Trouble(Enum):
    """Why a neighbour gave no good answer."""

    SILENT = "silent"
    LATE = "late"
    """Not silent for long, but a run would not wait any longer."""

    BUSY = "busy"
    REFUSED = "refused"
    MISMATCH = "mismatch"


class Task(Enum):
    """What is to be done with a neighbour."""

    HELLO = "hello"
    WATCH = "watch"
    PULL = "pull"
    SYNC = "sync"
    PART = "part"
    """Close the connection; it is no neighbour any more."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a member says of itself in Hello; fields as in ``HelloRequest``."""

    node_id: NodeId
    boot_id: bytes
    name: str = ""
    version: str = ""
    libraries: tuple[str, ...] = ()
    inventory: State = field(default_factory=State)
    statements_digest: bytes = b""
    epoch: int = 0
    addresses: tuple[str, ...] = ()
    is_sponsor: bool = False


@dataclass(slots=True)
class Neighbour:
    """One neighbour as it is known here."""

    said: Introduction
    address: str
    route: str
    answered: float
    next_hello: float
    hints: Hints
    rtt_s: float = 0.001
    suspect_until: float = float("-inf")
    suspect_s: float = 0.0
    late: int = 0
    next_watch: float = 0.0
    next_pull: float = 0.0
    next_sync: float = 0.0
    synced: tuple[bytes, bytes] | None = None
    busy: set[Task] = field(default_factory=set)

    def is_suspect(self, now: float) -> bool:
        """Return whether it should be asked nothing just now."""
        return self.suspect_s > 0 or now < self.suspect_until
