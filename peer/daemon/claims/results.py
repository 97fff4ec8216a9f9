"""Results that others have of what is claimed here: heard of, and fetched."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from peer.claims.messages import Fetch, Fetched, NotFetched, Offered
from peer.daemon.company import Company
from peer.daemon.fetching import Arrived, Fetching
from peer.identity import NodeId
from store import NodeKey

from .news import Doubts


class ClaimResults:
    """Looks at neighbours' hints, and fetches for the protocol."""

    def __init__(
        self,
        fetching: Fetching,
        company: Company,
        tell: Callable[..., None],
        estimate_s: Callable[[NodeKey], float],
    ) -> None:
        """Prepare.

        Args:
            fetching: brings results here.
            company: whose hints are looked at.
            tell: takes events of the protocol; called from any thread.
            estimate_s: returns what computing a claimed node would take.
        """
        self._fetching = fetching
        self._company = company
        self._tell = tell
        self._estimate_s = estimate_s
        self._doubts = Doubts()

    def look_at(self, node_id: NodeId, keys: Sequence[NodeKey]) -> None:
        """Look whether a neighbour's inventory has some of ``keys``."""
        if keys:
            self._offer(node_id, self._company.listed(node_id, keys))

    def look_for(self, keys: Sequence[NodeKey]) -> None:
        """Look whether any neighbour's inventory has some of ``keys``."""
        for node_id, listed in self._company.listed_by(keys).items():
            self._offer(node_id, listed)

    def _offer(self, node_id: NodeId, keys: Sequence[NodeKey]) -> None:
        believed = self._doubts.believed(node_id, keys)
        if believed:
            self._tell(Offered(node_id, tuple(believed)))

    def fetch(self, fetches: Sequence[Fetch]) -> None:
        """Bring results here; how that ended is told for each."""
        sources = {NodeKey(each.key): NodeId(each.source) for each in fetches}

        def answer(arrived: Arrived) -> None:
            source = sources[arrived.key]
            if not arrived.source:
                self._doubts.add(source, arrived.key)
                self._tell(NotFetched(arrived.key, source))
                return
            self._tell(
                Fetched(
                    arrived.key,
                    arrived.source,
                    arrived.seconds,
                    arrived.size_bytes,
                    arrived.wants_audit,
                )
            )

        spares_s = [self._estimate_s(key) for key in sources]
        self._fetching.fetch(list(sources), answer, spares_s, sources)
