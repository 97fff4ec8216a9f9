"""The claim protocol of one peer: events in, actions out."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from .claimant import Claimant
from .desk import Desk
from .messages import (
    Action,
    Answer,
    Answered,
    Begun,
    Event,
    Fetched,
    Finished,
    GivenUp,
    Gone,
    Item,
    Key,
    Lease,
    Members,
    NodeId,
    NotFetched,
    Offered,
    Released,
    RenewalAnswered,
    RenewalFailed,
    RunEnded,
    Tick,
    Unanswered,
    Wanted,
)
from .settings import Settings

SWEEP_S = 1.0
"""What is over is let go of this much later, so that many go at once."""


class Claims:
    """Everything that one peer does so that a node is computed once.

    It has no clock: ``now`` is in seconds of one monotonic clock, and never goes back.
    After every call, :meth:`next_due` says when to :meth:`step` with a
    :class:`~.messages.Tick` at the latest.
    """

    def __init__(
        self,
        me: NodeId,
        boot_id: bytes,
        random: Random,
        settings: Settings | None = None,
    ) -> None:
        """Begin alone.

        Args:
            me: own node id.
            boot_id: 16 random bytes of this process.
            random: spreads claims that are made again.
            settings: of the protocol; all members are to have the same.
        """
        self._desk = Desk(me, boot_id, random, settings or Settings())
        self._claimant = Claimant(self._desk)
        self._boots: dict[NodeId, bytes] = {}
        self._swept = float("-inf")
        claimant = self._claimant
        # Handlers by type of event; each takes just that type.
        self._handlers: dict[type, Any] = {
            Wanted: claimant.wanted,
            Begun: claimant.begun,
            Finished: claimant.finished,
            GivenUp: claimant.given_up,
            RunEnded: claimant.run_ended,
            Members: self._members,
            Gone: self._gone,
            Offered: claimant.offered,
            Answered: self._answered,
            Unanswered: claimant.walk.unanswered,
            RenewalAnswered: self._renewal_answered,
            RenewalFailed: claimant.holding.failed,
            Fetched: claimant.fetched,
            NotFetched: claimant.not_fetched,
            Tick: self._tick,
        }

    def step(self, event: Event, now: float) -> list[Action]:
        """Take an event; return what is to be done, and what fell due meanwhile.

        Args:
            event: what happened.
            now: when.
        """
        self._handlers[type(event)](now, event)
        self._claimant.tick(now)
        self._sweep(now)
        return self._desk.out.flush()

    def next_due(self, now: float) -> float | None:
        """Return when something is to be done unless something happens before.

        Args:
            now: the present.
        """
        due = [
            self._desk.timers.next(),
            self._claimant.holding.next_due,
        ]
        ends = self._ends()
        if ends is not None:
            due.append(ends + SWEEP_S)
        times = [each for each in due if each is not None]
        return max(now, min(times)) if times else None

    # ---- as an arbiter -------------------------------------------------------------

    def claim(
        self, now: float, caller: NodeId, boot_id: bytes, items: Sequence[Item]
    ) -> list[Answer]:
        """Answer a member's claim, item by item."""
        return self._desk.arbiter.claim(now, caller, boot_id, items)

    def renew(
        self, now: float, caller: NodeId, boot_id: bytes, leases: Sequence[Lease]
    ) -> list[Key]:
        """Take a member's renewal; return the keys whose leases others hold."""
        return self._desk.arbiter.renew(now, caller, boot_id, leases)

    def release(
        self, now: float, caller: NodeId, boot_id: bytes, released: Sequence[Released]
    ) -> None:
        """Take the end of a member's leases.

        What is waited for here is looked at in the next step, which is due at once.
        """
        self._desk.arbiter.release(now, caller, boot_id, released)
        for each in released:
            self._claimant.hear(now, each.key)

    # ---- for people ----------------------------------------------------------------

    def states(self) -> dict[str, int]:
        """Return numbers for status.

        ``asking``, ``held``, ``fetching``, ``granted``, ``begun``: claims of this
        machine; ``waiting_runs``: runs that have any; ``calls``: unanswered questions;
        ``table``: what others hold as far as this machine knows as an arbiter, ``own``:
        what it holds itself; ``done``, ``failed``, ``released``: what it remembers of
        nodes; ``suspected``, ``struck``: members.
        """
        desk = self._desk
        return {
            **self._claimant.states(),
            **desk.arbiter.states(),
            "calls": len(desk.out.calls),
            "suspected": len(desk.suspicion),
            "struck": len(desk.strikes),
        }

    # ---- events --------------------------------------------------------------------

    def _members(self, now: float, event: Members) -> None:
        back = event.live - self._desk.view.live
        if self._desk.view.update(event.live):
            for node_id in back:
                self._desk.suspicion.answered(node_id)

    def _gone(self, now: float, event: Gone) -> None:
        self._desk.arbiter.drop(now, event.node_id, event.boot_id)
        self._desk.suspicion.answered(event.node_id)
        self._boots.pop(event.node_id, None)
        self._claimant.gone(now, event.node_id)

    def _answered(self, now: float, event: Answered) -> None:
        call = self._desk.out.calls.get(event.number)
        if call is not None:
            known = self._boots.setdefault(call.to, event.boot_id)
            if known != event.boot_id:  # it has forgotten what it granted
                self._boots[call.to] = event.boot_id
                self._claimant.holding.hasten(now, call.to)
        self._claimant.walk.answered(now, event)

    def _renewal_answered(self, now: float, event: RenewalAnswered) -> None:
        self._claimant.holding.answered(event)

    def _tick(self, now: float, event: Tick) -> None:
        """Time is looked at in every step."""

    # ---- what is over --------------------------------------------------------------

    def _memories(self) -> tuple[Any, ...]:
        return (
            self._desk.arbiter,
            self._desk.here,
            self._desk.offered,
            self._claimant.duplicates,
        )

    def _ends(self) -> float | None:
        ends = [each.ends for each in self._memories() if each.ends is not None]
        return min(ends) if ends else None

    def _sweep(self, now: float) -> None:
        if now < self._swept + SWEEP_S:
            return
        self._swept = now
        for each in self._memories():
            each.sweep(now)
        self._desk.suspicion.sweep(now)
        self._desk.strikes.sweep(now)
