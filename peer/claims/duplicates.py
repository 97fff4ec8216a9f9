"""Executions that were one too many, and why, as far as one peer can tell.

Who finishes a node and knows by then that another has its result counts itself; so of
two that compute the same node the later one counts, once.  The cause is the first of
these that is so:

* ``hedge``: this machine was let in beside a slow holder, or was so slow that others
  may have been;
* ``begun``: it began without a grant, because nobody answered in time;
* ``arbiter_lost``: its lease was lost, as the arbiter that granted it had forgotten;
* ``partition``: the other was out of sight when this machine began;
* ``view``: the grant came from an arbiter that was not the first choice, or members
  came and went while the node was computed;
* ``unknown``: anything else, a member that lies for example.

Results also come round because others fetched them.  So a result that is heard of after
this machine has finished counts only if its member was known to compute it.
"""

from __future__ import annotations

from .claim import Claim
from .memory import Memory
from .messages import Key, NodeId
from .settings import Settings
from .view import View


class Duplicates:
    """Remembers for a minute what was computed here, and what arrived."""

    def __init__(self, settings: Settings, view: View) -> None:
        """Begin with nothing computed."""
        self._settings = settings
        self._view = view
        self._rivals: Memory[Key, tuple[str, frozenset[NodeId]]] = Memory(
            settings.memory_s, settings.max_keys
        )
        self._arrived: Memory[Key, str] = Memory(settings.memory_s, settings.max_keys)

    def __len__(self) -> int:
        return len(self._rivals) + len(self._arrived)

    @property
    def ends(self) -> float | None:
        """When there is something to forget."""
        ends = [each.ends for each in (self._rivals, self._arrived)]
        return min((end for end in ends if end is not None), default=None)

    def sweep(self, now: float) -> None:
        """Forget what was long ago."""
        self._rivals.sweep(now)
        self._arrived.sweep(now)

    def finished(
        self, now: float, claim: Claim, rivals: frozenset[NodeId]
    ) -> str | None:
        """Take note of a node computed here; return the cause if it was one too many.

        Args:
            now: when.
            claim: as it was at the end.
            rivals: who else was known to compute it.
        """
        others = claim.elsewhere or rivals
        cause = self._cause(now, claim, others)
        if claim.elsewhere:
            return cause
        if rivals:
            self._rivals.put(now, claim.key, (cause, rivals))
        return None

    def arrived(self, now: float, claim: Claim) -> None:
        """Take note that a result came while the node was being computed here."""
        self._arrived.put(now, claim.key, self._cause(now, claim, claim.elsewhere))

    def finished_late(self, now: float, key: Key) -> str | None:
        """Return the cause if a node's result came before it was finished here."""
        cause = self._arrived.get(now, key)
        self._arrived.pop(key)
        return cause

    def offered(self, now: float, node_id: NodeId, key: Key) -> str | None:
        """Return the cause if a member has computed what was finished here before."""
        known = self._rivals.get(now, key)
        if known is None or node_id not in known[1]:
            return None
        self._rivals.pop(key)
        return known[0]

    def _cause(self, now: float, claim: Claim, others: frozenset[NodeId]) -> str:
        tenure = claim.tenure
        slow_s = self._settings.hedge_factor * claim.estimate_s
        is_slow = now - claim.started > max(self._settings.hedge_least_s, slow_s)
        if is_slow or (tenure is not None and tenure.is_hedge):
            return "hedge"
        if tenure is None:
            return "begun"
        if tenure.is_lost:
            return "arbiter_lost"
        if others - claim.seen:
            return "partition"
        if not tenure.is_first_choice or claim.seen != self._view.live:
            return "view"
        return "unknown"
