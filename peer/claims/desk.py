"""What the parts of the claim protocol share."""

from __future__ import annotations

from random import Random

from .arbiter import Arbiter
from .claim import Claim
from .deadlines import Deadlines
from .memory import Memory
from .messages import Key, NodeId, RunId
from .outbox import Outbox
from .settings import Settings
from .strikes import Strikes
from .suspicion import Suspicion
from .view import View
from .workload import Workload

OFFERED_S = 1.0
"""A run that claims so soon after somebody was heard to have a result gets that."""


class Desk:
    """One peer's knowledge of nodes and members, and what is to be sent."""

    def __init__(
        self, me: NodeId, boot_id: bytes, random: Random, settings: Settings
    ) -> None:
        """Begin alone, with nothing wanted."""
        self.me = me
        self.boot_id = boot_id
        self.random = random
        self.settings = settings
        self.view = View(me)
        self.suspicion = Suspicion(settings.suspect_s, settings.max_suspect_s)
        self.strikes = Strikes(
            settings.strike_s,
            settings.max_strike_s,
            settings.memory_s,
            settings.ttl_s,
        )
        self.arbiter = Arbiter(me, boot_id, settings, self._better)
        self.out = Outbox(settings)
        self.claims: dict[Key, Claim] = {}
        self.workload = Workload()
        self.timers = Deadlines()
        """When a claim is to be looked at again."""
        self.here: Memory[Key, set[RunId]] = Memory(
            settings.memory_s, settings.max_keys
        )
        """Results that came here lately, and which runs know it.  A run that looked for
        one just before it came claims it just after."""

        self.offered: Memory[Key, NodeId] = Memory(OFFERED_S, settings.max_keys)
        """Who was heard just now to have results that were not wanted yet."""

    def order(self, claim: Claim) -> list[NodeId]:
        """Return whom to ask about a node, as things are now."""
        if claim.order_version != self.view.version:
            claim.order = self.view.rank(claim.key)
            claim.order_version = self.view.version
        return claim.order

    def is_reachable(self, now: float, node_id: NodeId) -> bool:
        """Return whether a member would answer, and would be believed."""
        return (
            node_id in self.view.live
            and not self.suspicion.is_suspect(now, node_id)
            and not self.strikes.is_struck(now, node_id)
        )

    def _better(self, now: float, key: Key) -> NodeId | None:
        without: set[NodeId] = set()
        if self.suspicion or self.strikes:
            without.update(self.suspicion.suspects(now), self.strikes.struck(now))
        return self.view.better(key, without)
