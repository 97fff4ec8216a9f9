"""One claim of one run, and how what the protocol says becomes an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from peer.claims.messages import (
    RunId,
    TellArrived,
    TellFree,
    TellGranted,
    TellHeld,
)
from peer.identity import NodeId
from peer.local.messages import Arrival, Claimed
from store import NodeKey

from .outbox import Outbox
from .times import ClaimTimes, Until

THIS_MACHINE = "this machine"
"""Who holds what another run of this machine computes, as people read it."""

Tell: TypeAlias = TellGranted | TellHeld | TellFree | TellArrived


@dataclass(slots=True)
class OpenClaim:
    """A claim that has not ended.

    Attributes:
        request: number of the message that claimed it.
        estimate_s: what computing it would take.
        asked: when it was claimed.
        held: when the run was first told to wait for another.
        state: what the run was told, or did.
        said: what it was told last.
        is_contested: whether another machine may compute the node at the same time.
    """

    request: int
    estimate_s: float
    asked: float
    held: float | None = None
    state: Literal["asked", "held", "granted", "begun"] = "asked"
    said: Claimed | None = None
    is_contested: bool = False

    @property
    def is_waiting(self) -> bool:
        """Whether the run does not compute the node."""
        return self.state in ("asked", "held")

    def free(self, key: NodeKey) -> Claimed:
        """Return the answer that the run is to compute the node."""
        return Claimed(id=self.request, key=key, state="free")

    def begin(self, now: float, times: ClaimTimes) -> None:
        """Take note that the run computes the node without a grant."""
        self._stop_waiting(now, times, "begin")
        self.state = "begun"
        self.is_contested = True

    def arrive(self, key: NodeKey) -> Arrival:
        """Return the answer that another run of this machine has the result."""
        source = THIS_MACHINE
        return Arrival(id=self.request, key=key, source=source, seconds=0.0)

    def take(
        self,
        now: float,
        key: NodeKey,
        action: Tell,
        times: ClaimTimes,
        name_of: Callable[[NodeId], str],
    ) -> Claimed | Arrival:
        """Take what the protocol says of the node, and return it as an answer."""
        if self.state == "asked" and self.said is None:
            times.add("answer", now - self.asked)
        match action:
            case TellArrived():
                self._stop_waiting(now, times, "arrival")
                return self._arrival(key, action)
            case TellFree():
                self.said = self.free(key)
            case TellGranted():
                self._stop_waiting(now, times, "grant")
                self.said = self._granted(key, action)
            case TellHeld():
                self.said = self._held(now, key, action, name_of)
        return self.said

    def _arrival(self, key: NodeKey, action: TellArrived) -> Arrival:
        fetched = action.fetched
        return Arrival(
            id=self.request,
            key=key,
            source=fetched.source or THIS_MACHINE,
            seconds=fetched.seconds,
            size_bytes=fetched.size_bytes,
            wants_audit=fetched.wants_audit,
        )

    def _granted(self, key: NodeKey, action: TellGranted) -> Claimed:
        self.state = "granted"
        self.is_contested |= action.is_hedge
        return Claimed(
            id=self.request, key=key, state="granted", is_hedge=action.is_hedge
        )

    def _held(
        self,
        now: float,
        key: NodeKey,
        action: TellHeld,
        name_of: Callable[[NodeId], str],
    ) -> Claimed:
        if self.state == "asked":
            self.state, self.held = "held", now
        holder = THIS_MACHINE
        if action.holder:
            holder = name_of(NodeId(action.holder))
            self.is_contested = True
        return Claimed(
            id=self.request, key=key, state="held", holder=holder, left_s=action.left_s
        )

    def _stop_waiting(self, now: float, times: ClaimTimes, until: Until) -> None:
        if self.held is not None:
            times.add(until, now - self.held)
            self.held = None


@dataclass(slots=True)
class Run:
    """A connection that has claims.

    Attributes:
        number: what the protocol knows it by.
        outbox: the way to it.
        heard: when it last said something.
        claims: what it has open.
        is_over: whether its connection has ended.
    """

    number: RunId
    outbox: Outbox
    heard: float
    claims: dict[NodeKey, OpenClaim] = field(default_factory=dict)
    is_over: bool = False
