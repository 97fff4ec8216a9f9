"""Leases of this machine: renewed where they were granted and at one place more."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from .claim import Claim
from .deadlines import Deadlines
from .desk import Desk
from .messages import (
    Key,
    Lease,
    NodeId,
    Released,
    Renew,
    RenewalAnswered,
    RenewalFailed,
)

ARBITERS = 2
"""Who knows of a lease: the arbiter that granted it, and one if that dies."""

GRID_S = 0.25
"""Renewals fall on multiples of this, so that many are one message."""

SOON_S = 0.5


class Holding:
    """What this machine holds, with a grant or without."""

    def __init__(self, desk: Desk) -> None:
        """Begin with nothing held."""
        self._desk = desk
        self._starts = 0
        self._due = Deadlines()
        self._failures: dict[NodeId, int] = {}

    def __len__(self) -> int:
        return len(self._due)

    @property
    def next_due(self) -> float | None:
        """When a lease is to be renewed."""
        return self._due.next()

    def start(self, now: float, claim: Claim) -> None:
        """Let this machine answer that it computes a node, and tell others soon.

        To be called again when a grant comes after the start.
        """
        if not claim.start:
            self._starts += 1
            claim.start = self._starts
            claim.started = now
            claim.seen = self._desk.view.live
        if claim.tenure is None or claim.tenure.arbiter != self._desk.me:
            self._renew_here(now, [self._lease(now, claim)])
        self._set(claim.key, now + self._desk.settings.first_renew_s)

    def end(
        self, now: float, claim: Claim, *, is_done: bool, has_failed: bool = False
    ) -> None:
        """Tell the arbiters of the end of a lease, or of a result that had none."""
        desk = self._desk
        boot_id, token = self._origin(claim)
        released = Released(claim.key, boot_id, token, is_done, has_failed)
        self._due.drop(claim.key)
        desk.arbiter.release(now, desk.me, desk.boot_id, (released,))
        told = set(claim.told)
        if claim.tenure is not None:
            told.add(claim.tenure.arbiter)
        if is_done or has_failed:
            told.update(self._targets(now, claim))
        told.discard(desk.me)
        for node in sorted(told):
            desk.out.release(node, released)
        claim.start = 0
        claim.told = ()
        claim.tenure = None
        claim.has_begun = False

    def tick(self, now: float) -> None:
        """Renew what is due."""
        due = self._due.next()
        if due is None or due > now:
            return
        leases: dict[NodeId, list[Lease]] = {}
        own = []
        for key in self._due.pop_due(now):
            claim = self._desk.claims.get(key)
            if claim is None or not claim.start:
                continue
            lease = self._lease(now, claim)
            own.append(lease)
            targets = self._targets(now, claim)
            # Whoever was told once is told the end, too.
            claim.told = tuple({**dict.fromkeys(claim.told), **dict.fromkeys(targets)})
            for node in targets:
                leases.setdefault(node, []).append(lease)
            self._set(key, now + self._desk.settings.renew_s)
        self._renew_here(now, own)
        most = self._desk.settings.max_leases
        for node, each in leases.items():
            for begin in range(0, len(each), most):
                self._desk.out.do(Renew(node, tuple(each[begin : begin + most])))

    def answered(self, event: RenewalAnswered) -> None:
        """Take note that a renewal came through, and what it said is lost."""
        self._failures.pop(event.node_id, None)
        self._desk.suspicion.answered(event.node_id)
        for key in event.lost:
            claim = self._desk.claims.get(key)
            tenure = claim.tenure if claim is not None else None
            if tenure is None or tenure.arbiter != event.node_id or tenure.is_lost:
                continue
            tenure.is_lost = True
            self._desk.out.count("leases_lost")

    def failed(self, now: float, event: RenewalFailed) -> None:
        """Renew once more where it failed; the second time elsewhere."""
        node = event.node_id
        failures = self._failures.get(node, 0) + 1
        self._failures[node] = failures
        if failures >= 2:
            del self._failures[node]
            self._desk.suspicion.unanswered(now, node)
        self.hasten(now, node)

    def hasten(self, now: float, node_id: NodeId) -> None:
        """Renew soon what ``node_id`` granted, or was told of."""
        for key, claim in self._desk.claims.items():
            tenure = claim.tenure
            is_there = tenure is not None and tenure.arbiter == node_id
            if claim.start and (is_there or node_id in claim.told):
                self._set(key, now + SOON_S)

    def gone(self, now: float, node_id: NodeId) -> None:
        """Take note that a member is gone; another is told of what it knew."""
        self._failures.pop(node_id, None)
        self.hasten(now, node_id)

    # ---- details -------------------------------------------------------------------

    def _set(self, key: Key, due: float) -> None:
        self._due.set(key, ceil(due / GRID_S) * GRID_S)

    def _origin(self, claim: Claim) -> tuple[bytes, int]:
        if claim.tenure is None:
            return b"", claim.start
        return claim.tenure.boot_id, claim.tenure.token

    def _lease(self, now: float, claim: Claim) -> Lease:
        self._desk.workload.look(claim)
        boot_id, token = self._origin(claim)
        tenure = claim.tenure
        is_granted = tenure is not None and not tenure.is_lost
        return Lease(
            claim.key,
            tenure.arbiter if tenure is not None and is_granted else "",
            boot_id,
            token,
            max(0, round((now - claim.started) * 1000)),
            round(claim.whole_s * 1000),
        )

    def _targets(self, now: float, claim: Claim) -> list[NodeId]:
        """Return the other members that are to know of a lease."""
        desk = self._desk
        first = [] if claim.tenure is None else [claim.tenure.arbiter]
        chosen: list[NodeId] = []
        for node in (*first, *desk.order(claim)):
            if node not in chosen and (node == desk.me or desk.is_reachable(now, node)):
                chosen.append(node)
                if len(chosen) == ARBITERS:
                    break
        return [node for node in chosen if node != desk.me]

    def _renew_here(self, now: float, leases: Iterable[Lease]) -> None:
        desk = self._desk
        desk.arbiter.renew(now, desk.me, desk.boot_id, list(leases))
