"""Arbiters that did not answer are left alone for a while."""

from __future__ import annotations

from .messages import NodeId


class Suspicion:
    """Who is suspected to be away, and until when.

    A pause doubles as long as the silence lasts; one answer ends it.
    """

    def __init__(self, least_s: float, most_s: float) -> None:
        """Begin without suspicion; pauses grow from ``least_s`` to ``most_s``."""
        self._least_s = least_s
        self._most_s = most_s
        self._pauses: dict[NodeId, tuple[float, float]] = {}  # (begin, length)

    def __len__(self) -> int:
        return len(self._pauses)

    def unanswered(self, now: float, node_id: NodeId) -> None:
        """Take note that a member did not answer."""
        begun, length = self._pauses.get(node_id, (now, 0.0))
        if length and now < begun + length:
            if now - begun >= self._least_s:  # tried once more, on a redirect
                self._pauses[node_id] = (now, length)
            return
        self._pauses[node_id] = (now, min(self._most_s, 2 * length or self._least_s))

    def answered(self, node_id: NodeId) -> None:
        """Take note that a member answered, or is another process now."""
        self._pauses.pop(node_id, None)

    def is_suspect(self, now: float, node_id: NodeId) -> bool:
        """Return whether a member is not to be asked."""
        pause = self._pauses.get(node_id)
        return pause is not None and now < pause[0] + pause[1]

    def is_fresh(self, now: float, node_id: NodeId) -> bool:
        """Return whether a member has failed to answer only just now."""
        pause = self._pauses.get(node_id)
        return pause is not None and now < pause[0] + self._least_s

    def sweep(self, now: float) -> None:
        """Forget members that have not been asked for long."""
        for node_id, (begun, length) in list(self._pauses.items()):
            if now > begun + length + self._most_s:
                del self._pauses[node_id]

    def suspects(self, now: float) -> list[NodeId]:
        """Return who is not to be asked."""
        return [each for each in self._pauses if self.is_suspect(now, each)]
