"""Who might be a peer, and whom to dial next.

A candidate is an address at which a member is said to be.  It becomes a peer only when
it was dialled and proved who it is.  Nothing here does I/O or looks at a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal, TypeAlias

from .addresses import is_address

if TYPE_CHECKING:
    from peer.identity import NodeId

Source: TypeAlias = Literal["mdns", "seed", "remembered", "referral"]

MAX_CANDIDATES = 512
MAX_PER_NODE = 8
"""Addresses kept of one node."""

MAX_REMEMBERED = 64
"""Addresses worth remembering over a restart."""

DIALS_PER_S = 4.0
SHORTEST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 300.0

UNANSWERED_S = 30.0
"""A dial of which nothing was heard for so long has failed."""


@dataclass(frozen=True, slots=True)
class Dial:
    """A connection to try.

    Attributes:
        node_id: who has to prove to be there; None if it is for whoever is there to
            say, as with a seed.
        address: "host:port".
        source: how it was found.
    """

    node_id: NodeId | None
    address: str
    source: Source


@dataclass(slots=True)
class _Candidate:
    dial: Dial
    seen: float
    due: float
    failures: int = 0
    flying_since: float | None = None
    verified: float = float("-inf")
    leads_to: NodeId | None = None
    """Who was found at the address of a seed."""


class Candidates:
    """The table of candidates of one daemon.

    Args:
        own: id of this node, which is never dialled.
        random: for the jitter of back-offs.
    """

    def __init__(self, own: NodeId, random: Random) -> None:
        self.dropped = 0
        """How many addresses were no addresses, or found no room."""
        self._own = own
        self._random = random
        self._table: dict[tuple[NodeId | None, str], _Candidate] = {}
        self._live: dict[NodeId, str] = {}
        self._banned: set[NodeId] = set()
        self._credit = DIALS_PER_S
        self._credited = float("-inf")

    def __len__(self) -> int:
        return len(self._table)

    def heard(self, node_id: NodeId, addresses: Iterable[str], now: float) -> None:
        """Note what a member's announcement said; it is dialled soon, even if it
        failed before."""
        for address in addresses:
            self._add(Dial(node_id, address, "mdns"), now)
            found = self._table.get((node_id, address))
            if found is not None and found.flying_since is None:
                found.due = min(found.due, now + SHORTEST_BACKOFF_S)

    def seed(self, address: str, now: float) -> None:
        """Note an address that the user gave; it is never given up."""
        if (None, address) not in self._table:
            self._table[None, address] = _Candidate(
                Dial(None, address, "seed"), now, now
            )

    def remembered(self, node_id: NodeId, address: str, now: float) -> None:
        """Note where a member was in an earlier life of this daemon."""
        self._add(Dial(node_id, address, "remembered"), now)

    def referral(self, node_id: NodeId, addresses: Iterable[str], now: float) -> None:
        """Note where another member says that a member is."""
        for address in addresses:
            self._add(Dial(node_id, address, "referral"), now)

    def take(self, now: float) -> list[Dial]:
        """Return whom to dial now, at most four a second.

        Each is to be answered by :meth:`verified` or :meth:`failed`.
        """
        self._give_up_unanswered(now)
        self._earn(now)
        dials: list[Dial] = []
        busy = self._busy()
        for candidate in self._waiting():
            node_id = candidate.dial.node_id
            if self._credit < 1.0 or candidate.due > now or node_id in busy:
                continue
            self._credit -= 1.0
            candidate.flying_since = now
            dials.append(candidate.dial)
            if node_id is not None:
                busy.add(node_id)
        return dials

    def verified(self, node_id: NodeId, dial: Dial, now: float) -> None:
        """Note that ``node_id`` proved who it is where ``dial`` led."""
        if node_id == self._own or node_id in self._banned:
            self.failed(dial, now, for_long=True)
            return
        self._live[node_id] = dial.address
        candidate = self._table.get((dial.node_id, dial.address))
        if candidate is not None:
            candidate.flying_since, candidate.failures = None, 0
            candidate.verified = candidate.due = now
            if dial.node_id is None:
                # Another seed may lead to the same member, and then only one of them
                # is where it was reached last.
                candidate.leads_to = node_id
                candidate.due = now + LONGEST_BACKOFF_S

    def failed(self, dial: Dial, now: float, *, for_long: bool = False) -> None:
        """Note that a dial led nowhere, or to somebody else (then ``for_long``)."""
        candidate = self._table.get((dial.node_id, dial.address))
        if candidate is None:
            return
        candidate.flying_since = None
        candidate.failures = min(candidate.failures + 1, 16)
        longest = min(2.0**candidate.failures, LONGEST_BACKOFF_S)
        if for_long:
            longest = LONGEST_BACKOFF_S
        candidate.due = now + longest * (0.5 + self._random.random() / 2)

    def lost(self, node_id: NodeId, now: float) -> None:
        """Note that a peer answers no more; where it was is tried again soon."""
        address = self._live.pop(node_id, "")
        for candidate in self._table.values():
            if node_id in (candidate.dial.node_id, candidate.leads_to):
                candidate.due = min(candidate.due, now + SHORTEST_BACKOFF_S)
        for key in ((node_id, address), (None, address)):
            if key in self._table:
                self._table[key].due = now + SHORTEST_BACKOFF_S

    def ban(self, node_id: NodeId) -> None:
        """Never dial a node again: it is no member any more."""
        self._banned.add(node_id)
        self._live.pop(node_id, None)
        for key in [key for key in self._table if key[0] == node_id]:
            del self._table[key]

    def good_addresses(self) -> list[tuple[NodeId, str]]:
        """Return where members proved to be, the latest first; at most 64."""
        proven = [
            candidate
            for candidate in self._table.values()
            if candidate.verified > float("-inf")
        ]
        proven.sort(key=lambda candidate: -candidate.verified)
        known = [
            (candidate.dial.node_id, candidate.dial.address)
            for candidate in proven
            if candidate.dial.node_id is not None
        ]
        return list(dict.fromkeys([*self._live.items(), *known]))[:MAX_REMEMBERED]

    def _add(self, dial: Dial, now: float) -> None:
        if dial.node_id == self._own or dial.node_id in self._banned:
            return
        found = self._table.get((dial.node_id, dial.address))
        if found is not None:
            found.seen = now
        elif is_address(dial.address) and self._make_room(dial.node_id):
            self._table[dial.node_id, dial.address] = _Candidate(dial, now, now)
        else:
            self.dropped += 1

    def _make_room(self, node_id: NodeId | None) -> bool:
        """Return whether there is room for one more, after evicting one if need be."""
        crowd = list(self._of(node_id))
        if len(crowd) < MAX_PER_NODE:
            if len(self._table) < MAX_CANDIDATES:
                return True
            crowd = list(self._table.values())
        idle = [candidate for candidate in crowd if self._is_idle(candidate)]
        if not idle:
            return False
        worst = min(idle, key=lambda candidate: (candidate.verified, candidate.seen))
        del self._table[worst.dial.node_id, worst.dial.address]
        return True

    def _is_idle(self, candidate: _Candidate) -> bool:
        dial = candidate.dial
        if candidate.flying_since is not None or dial.node_id is None:
            return False
        return self._live.get(dial.node_id) != dial.address

    def _of(self, node_id: NodeId | None) -> Iterator[_Candidate]:
        return (
            candidate
            for candidate in self._table.values()
            if candidate.dial.node_id == node_id
        )

    def _waiting(self) -> list[_Candidate]:
        """Return who might be dialled, those that answered lately first."""
        reached = set(self._live.values())
        waiting = [
            candidate
            for candidate in self._table.values()
            if candidate.flying_since is None
            and candidate.dial.node_id not in self._live
            and (
                candidate.dial.node_id is not None
                or candidate.dial.address not in reached
            )
        ]
        waiting.sort(key=lambda candidate: (-candidate.verified, candidate.due))
        return waiting

    def _busy(self) -> set[NodeId]:
        """Return the nodes of which one address is being dialled."""
        return {
            candidate.dial.node_id
            for candidate in self._table.values()
            if candidate.flying_since is not None and candidate.dial.node_id is not None
        }

    def _give_up_unanswered(self, now: float) -> None:
        for candidate in self._table.values():
            since = candidate.flying_since
            if since is not None and now - since >= UNANSWERED_S:
                self.failed(candidate.dial, now)

    def _earn(self, now: float) -> None:
        earned = (now - self._credited) * DIALS_PER_S
        self._credit = min(DIALS_PER_S, self._credit + max(0.0, earned))
        self._credited = now
