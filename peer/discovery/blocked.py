"""The hint that multicast does not get through on this network."""

from __future__ import annotations

AFTER_S = 10.0
"""How long multicast is waited for once somebody answers."""

BLOCKED_HINT = (
    "multicast seems to be blocked on this network: other machines answer at their "
    "addresses, but none of them is heard. New ones are found through those; name one "
    "that is mostly on with --seed or the setting 'seeds'"
)


class BlockedMulticast:
    """Notices when peers are reached, but none of them by multicast.

    Attributes:
        is_suspected: whether the hint was given and still holds.
    """

    def __init__(self) -> None:
        self.is_suspected = False
        self._since: float | None = None
        self._was_given = False
        self._is_heard = False

    def heard(self) -> None:
        """Note that a peer was heard by multicast."""
        self._is_heard = True
        self.is_suspected = False

    def hint(self, now: float, reached: int) -> str | None:
        """Return the hint, once.

        Args:
            now: monotonic seconds.
            reached: peers that answer, found by seeds or other means.
        """
        if self._is_heard or self._was_given or not reached:
            return None
        if self._since is None:
            self._since = now
        if now - self._since < AFTER_S:
            return None
        self._was_given = self.is_suspected = True
        return BLOCKED_HINT
