"""How members behave towards others: well, or in ways that a protocol must survive.

A nature stands between the claim machine of a daemon and the network; what it says is
what a shell would let through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from peer.claims.messages import (
    Answer,
    Better,
    DoneAt,
    Grant,
    HeldBy,
    Item,
    Key,
    Lease,
    NodeId,
    Release,
    Released,
    Renew,
    Unclaimed,
)

if TYPE_CHECKING:
    from .daemon import Daemon


@dataclass(frozen=True, slots=True)
class Nature:
    """What a member does.

    Attributes:
        name: for people.
        lie_rate: share of its results that are wrong.
        hoards: whether its runs claim everything and compute nothing.
    """

    name: str = "honest"
    lie_rate: float = 0.0
    hoards: bool = False

    @property
    def is_truthful(self) -> bool:
        """Whether what it decides as an arbiter is what its claim machine says."""
        return True

    def act(self, daemon: Daemon) -> None:
        """Do to others what nobody has asked for; called every few seconds."""

    def claim(
        self, daemon: Daemon, caller: NodeId, boot_id: bytes, items: Sequence[Item]
    ) -> Sequence[Answer]:
        """Answer a claim."""
        return daemon.claims.claim(daemon.now, caller, boot_id, items)

    def renew(
        self, daemon: Daemon, caller: NodeId, boot_id: bytes, leases: Sequence[Lease]
    ) -> Sequence[Key]:
        """Answer a renewal."""
        return daemon.claims.renew(daemon.now, caller, boot_id, leases)

    def release(
        self,
        daemon: Daemon,
        caller: NodeId,
        boot_id: bytes,
        released: Sequence[Released],
    ) -> None:
        """Take releases."""
        daemon.claims.release(daemon.now, caller, boot_id, released)


HONEST = Nature()


class LyingArbiter(Nature):
    """Decides about claims as it likes."""

    __slots__ = ()

    @property
    def is_truthful(self) -> bool:
        """It is not."""
        return False

    def claim(
        self, daemon: Daemon, caller: NodeId, boot_id: bytes, items: Sequence[Item]
    ) -> Sequence[Answer]:
        """Answer each item with the lie of this member, or with any lie."""
        random = daemon.stage.world.random
        members = sorted(daemon.stage.machines)
        lies = [self._lie(random, members, caller) for _ in items]
        if random.random() < 0.05:
            lies = lies[:-1] if random.random() < 0.5 else lies + lies
        return lies

    def _lie(self, random: Random, members: list[NodeId], caller: NodeId) -> Answer:
        lie = self.name
        if lie == "any lie":
            lie = random.choice(LIES)
        holder = random.choice(members)
        if lie == "held for ever":
            return HeldBy(holder, 0, random.choice((500, 10_000, 2**31)), 1000)
        if lie == "granted to all":
            return Grant(random.choice((1, 7, 2**62)), 10_000)
        if lie == "ask elsewhere":
            return Better(holder)
        if lie == "tokens go back":
            return Grant(random.randrange(4), random.choice((0, 1, 10_000)))
        if lie == "done there":
            return DoneAt(holder)
        if lie == "held by the claimer":
            return HeldBy(caller, 0, 60_000, 200)
        return Unclaimed()

    def renew(
        self, daemon: Daemon, caller: NodeId, boot_id: bytes, leases: Sequence[Lease]
    ) -> Sequence[Key]:
        """Say of half the renewed leases that they are lost."""
        random = daemon.stage.world.random
        return [lease.key for lease in leases if random.random() < 0.5]


class Squatter(Nature):
    """Says to everybody that it computes everything, and computes what it likes."""

    __slots__ = ()

    @property
    def is_truthful(self) -> bool:
        """It is not."""
        return False

    def act(self, daemon: Daemon) -> None:
        """Renew leases that nobody granted."""
        random = daemon.stage.world.random
        tokens = random.choice((0, 1, 2**40))
        leases = tuple(
            Lease(task.key, random.choice((member, "")), b"?" * 16, tokens, 0, 10_000)
            for task in daemon.stage.program.tasks
            for member in sorted(daemon.view.live)[:1]
        )
        for member in sorted(daemon.view.live):
            daemon.calls.renew(Renew(member, leases))


class Boaster(Nature):
    """Says to everybody that it has everything."""

    __slots__ = ()

    @property
    def is_truthful(self) -> bool:
        """It is not."""
        return False

    def act(self, daemon: Daemon) -> None:
        """Offer results, and end leases with them, that are not there."""
        keys = tuple(task.key for task in daemon.stage.program.tasks)
        released = tuple(Released(key, b"?" * 16, 1, True) for key in keys)
        for member in sorted(daemon.view.live):
            daemon.gossip.tell(member, keys)
            daemon.calls.release(Release(member, released))


LIES = (
    "held for ever",
    "granted to all",
    "ask elsewhere",
    "tokens go back",
    "done there",
    "held by the claimer",
    "not to be claimed",
)
"""Each is the name of a :class:`LyingArbiter`; one called "any lie" tells them all."""
