"""Machines with one mistake each, to see that the simulator finds it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from peer.claims import Claims, Settings
from peer.claims.messages import (
    Action,
    Answer,
    Event,
    Finished,
    GivenUp,
    Grant,
    HeldBy,
    Item,
    Members,
    NodeId,
    Released,
    Renew,
    RunEnded,
    TellArrived,
    Tick,
)
from scheduler.turns import Turns
from store import NodeKey


class GrantsTwice(Claims):
    """An arbiter that lets everybody compute."""

    _tokens = 0

    def claim(
        self, now: float, caller: NodeId, boot_id: bytes, items: Sequence[Item]
    ) -> list[Answer]:
        """Grant."""
        self._tokens += len(items)
        return [Grant(self._tokens - i, 10_000) for i, _ in enumerate(items)]


class TokensStandStill(Claims):
    """An arbiter that numbers all its grants alike."""

    def claim(
        self, now: float, caller: NodeId, boot_id: bytes, items: Sequence[Item]
    ) -> list[Answer]:
        """Grant what is granted, with one number."""
        answers = super().claim(now, caller, boot_id, items)
        return [
            Grant(1, each.ttl_ms, each.is_hedge) if isinstance(each, Grant) else each
            for each in answers
        ]


class ForgetsAnAnswer(Claims):
    """An arbiter that does not answer the last item of a call."""

    def claim(
        self, now: float, caller: NodeId, boot_id: bytes, items: Sequence[Item]
    ) -> list[Answer]:
        """Answer all but one."""
        return super().claim(now, caller, boot_id, items)[:-1]


class TellsToWaitForOneself(Claims):
    """An arbiter that takes the claimer for the holder."""

    def claim(
        self, now: float, caller: NodeId, boot_id: bytes, items: Sequence[Item]
    ) -> list[Answer]:
        """Name the wrong holder."""
        answers = super().claim(now, caller, boot_id, items)
        return [
            HeldBy(caller, each.age_ms, each.left_ms, each.retry_ms)
            if isinstance(each, HeldBy)
            else each
            for each in answers
        ]


class ForgetsLeases(Claims):
    """An arbiter that believes every holder to have ended at once."""

    def claim(
        self, now: float, caller: NodeId, boot_id: bytes, items: Sequence[Item]
    ) -> list[Answer]:
        """Grant, and forget."""
        answers = super().claim(now, caller, boot_id, items)
        released = [
            Released(item.key, self._boot_id, answer.token, False)
            for item, answer in zip(items, answers, strict=True)
            if isinstance(answer, Grant)
        ]
        super().release(now, caller, boot_id, released)
        return answers

    def __init__(
        self, me: NodeId, boot_id: bytes, random: Random, settings: Settings
    ) -> None:
        super().__init__(me, boot_id, random, settings)
        self._boot_id = boot_id


class NeverReleases(Claims):
    """A holder that renews its leases whether anybody computes or not."""

    def step(self, event: Event, now: float) -> list[Action]:
        """Overhear every end."""
        if isinstance(event, Finished | GivenUp | RunEnded):
            return super().step(Tick(), now)
        return super().step(event, now)


class NeverRenews(Claims):
    """A holder that lets its leases lapse."""

    def step(self, event: Event, now: float) -> list[Action]:
        """Leave renewals undone."""
        return [each for each in super().step(event, now) if type(each) is not Renew]


class SeesNobody(Claims):
    """A peer that believes to be alone."""

    def step(self, event: Event, now: float) -> list[Action]:
        """Overhear who is there."""
        if isinstance(event, Members):
            return super().step(Tick(), now)
        return super().step(event, now)


class ForgetsToTell(Claims):
    """A peer that fetches a result and does not tell who waits for it."""

    def step(self, event: Event, now: float) -> list[Action]:
        """Leave something undone."""
        return [
            each for each in super().step(event, now) if type(each) is not TellArrived
        ]


class Unbounded(Claims):
    """An arbiter whose table takes everything."""

    def __init__(
        self, me: NodeId, boot_id: bytes, random: Random, settings: Settings
    ) -> None:
        super().__init__(me, boot_id, random, Settings())


class WaitsForEver(Turns):
    """A run that waits until it is told something."""

    def overdue(self, now: float, free: int) -> list[NodeKey]:
        """Find nothing late."""
        return []

    def wait_s(self, now: float) -> float:
        """Wait."""
        return 1e6


class WaitsForNobody(Turns):
    """A run that computes what others are said to compute."""

    def overdue(self, now: float, free: int) -> list[NodeKey]:
        """Find everything late."""
        self._patience.spend(1e6, is_promised=False)
        return super().overdue(now, free)


class TrustsAgain(Turns):
    """A run that never counts what it has waited."""

    def spend(self, seconds: float, now: float, free: int = 1) -> None:
        """Forget it."""


class BelievesForFree(Turns):
    """A run that counts no time in which it believes whom it waits for."""

    def spend(self, seconds: float, now: float, free: int = 1) -> None:
        """Forget it if nobody was late."""
        if self.is_silent(now - seconds):
            super().spend(seconds, now, free)
