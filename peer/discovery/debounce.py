"""How often what a peer announces may change.

RFC 6762, section 8.4, asks for no more than ten changes a minute.  Changes are gathered
for a time that grows with the number of peers, so that the load on a link stays the
same however many they are.
"""

from __future__ import annotations

from collections import deque

SHORTEST_S = 10.0
LONGEST_S = 300.0
PER_PEER_S = 0.25

APART_S = 1.0
"""Two announcements are at least so far apart: each is sent three times within half a
second, and the sendings must not mix."""

MAX_PER_MINUTE = 6


def interval_s(peers: int) -> float:
    """Return for how many seconds changes are gathered among ``peers`` peers."""
    return min(max(SHORTEST_S, PER_PEER_S * peers), LONGEST_S)


class Debounce:
    """Says when a change is to be announced: some time after the first of a series.

    Changes that come while one waits go with it; they do not put it off.
    """

    def __init__(self) -> None:
        self._due: float | None = None
        self._sent: deque[float] = deque(maxlen=MAX_PER_MINUTE)

    @property
    def due(self) -> float | None:
        """When to announce, or None if nothing has changed."""
        return self._due

    def changed(self, now: float, peers: int = 0, *, urgent: bool = False) -> None:
        """Note a change.

        Args:
            now: monotonic seconds.
            peers: how many peers the realm has on this link.
            urgent: whether somebody waits for it, as for a port to enrol at; then it
                is announced as soon as the rate allows.
        """
        at = max(now + (0.0 if urgent else interval_s(peers)), self._earliest())
        self._due = at if self._due is None else min(self._due, at)

    def take(self, now: float) -> bool:
        """Return whether to announce now; if so it counts as announced."""
        if self._due is None or now < self._due:
            return False
        self._due = None
        self._sent.append(now)
        return True

    def _earliest(self) -> float:
        if not self._sent:
            return float("-inf")
        full = len(self._sent) == MAX_PER_MINUTE
        return max(self._sent[-1] + APART_S, self._sent[0] + 60.0 if full else 0.0)
