"""Arbiters that said what was not so do not decide for a while.

What an arbiter says can be wrong without its fault: a release that was lost leaves a
lease without a holder, until it lapses.  So one empty word is no strike.  Two of them
within a minute about different holders are, and so is one about the same holder when
every lease of an honest arbiter must have lapsed in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .messages import NodeId


@dataclass(slots=True)
class _Record:
    """What one arbiter said that was not so: holder → when it was first found out."""

    empty: dict[NodeId, float] = field(default_factory=dict)
    until: float = float("-inf")
    pause_s: float = 0.0


class Strikes:
    """Who is struck, and until when."""

    def __init__(
        self, least_s: float, most_s: float, window_s: float, ttl_s: float
    ) -> None:
        """Begin without strikes.

        Args:
            least_s: length of the first strike; each further one is twice as long.
            most_s: length at most.
            window_s: how long an empty word counts.
            ttl_s: how long a lease outlives its last renewal.
        """
        self._least_s = least_s
        self._most_s = most_s
        self._window_s = window_s
        self._ttl_s = ttl_s
        self._records: dict[NodeId, _Record] = {}

    def __len__(self) -> int:
        return len(self._records)

    def empty(self, now: float, arbiter: NodeId, holder: NodeId) -> bool:
        """Take note that ``holder`` was said to hold a node, and does not.

        Returns:
            whether the arbiter is struck for it.
        """
        record = self._records.setdefault(arbiter, _Record())
        said = record.empty
        for each, since in list(said.items()):
            if now > since + self._window_s:
                del said[each]
        first = said.setdefault(holder, now)
        if len(said) < 2 and now < first + self._ttl_s + 2.0:
            return False
        said.clear()
        record.pause_s = min(self._most_s, 2 * record.pause_s or self._least_s)
        record.until = now + record.pause_s
        return True

    def is_struck(self, now: float, node_id: NodeId) -> bool:
        """Return whether a member is not to decide."""
        record = self._records.get(node_id)
        return record is not None and now < record.until

    def struck(self, now: float) -> list[NodeId]:
        """Return who is not to decide."""
        return [each for each in self._records if self.is_struck(now, each)]

    def sweep(self, now: float) -> None:
        """Forget who has given no cause for long."""
        for node_id, record in list(self._records.items()):
            last = max([record.until, *record.empty.values()])
            if now > last + max(self._window_s, record.pause_s):
                del self._records[node_id]
