"""Which claims are worth making: the rest of the nodes a run is to compute at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from peer.daemon.company import Company
from peer.daemon.locating import Speeds
from peer.daemon.options import DaemonOptions
from peer.daemon.realm import Realm
from peer.identity import NodeId
from peer.local.messages import ClaimItem
from store import NodeKey

WORTH_FETCHING = 0.8
"""Share of a node's estimate that fetching its result may take."""


class ClaimPolicy:
    """Says which nodes' results others could have, and would rather fetch."""

    def __init__(
        self, realm: Realm, company: Company, speeds: Speeds, options: DaemonOptions
    ) -> None:
        self._realm = realm
        self._company = company
        self._speeds = speeds
        self._share = options.share
        self._share_inputs = options.share_inputs

    def shareable(
        self, items: Sequence[ClaimItem], members: Collection[str]
    ) -> list[ClaimItem]:
        """Return the claims that are to be made.

        Args:
            items: as a run claims them.
            members: those who can be asked now; without them there are none.
        """
        if not members or self._share == "none":
            return []
        allowed = [item for item in items if self._may_be_shared(item)]
        keys = [NodeKey(item.key) for item in allowed]
        forgotten = set(self._realm.standing.forgotten_among(keys))
        rtts = {
            node_id: known.rtt_s
            for node_id, known in self._company.live().items()
            if node_id in members
        }
        return [
            item
            for item in allowed
            if item.key not in forgotten and self._is_worth_fetching(item, rtts)
        ]

    def _may_be_shared(self, item: ClaimItem) -> bool:
        if item.reveals_input and not self._share_inputs:
            return False
        if not self._realm.is_shareable(item.operation, item.environment):
            return False
        return item.is_goal or self._share != "goals"

    def _is_worth_fetching(self, item: ClaimItem, rtts: dict[NodeId, float]) -> bool:
        """Return whether its result would be here sooner from one who is near."""
        fetch_s = min(
            (
                self._speeds.estimate_s(node_id, rtt_s, item.size_bytes)
                for node_id, rtt_s in rtts.items()
            ),
            default=float("inf"),
        )
        return fetch_s < WORTH_FETCHING * item.estimate_s
