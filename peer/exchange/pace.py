"""When a reader is too slow to go on with, and when a source is: without a clock."""

from __future__ import annotations

from peer.wire import limits


class ReaderPace:
    """Measures how fast somebody takes what is sent to it.

    Only the time counts that the reader spends on a chunk, not the time that it takes
    to make the next one ready.
    """

    def __init__(
        self,
        chunk_s: float = limits.CHUNK_WRITE_S,
        bytes_per_s: float = limits.READER_BYTES_PER_S,
        window_s: float = limits.READER_WINDOW_S,
    ) -> None:
        self._chunk_s = chunk_s
        self._bytes_per_s = bytes_per_s
        self._window_s = window_s
        self._since: float | None = None
        self._sending = 0
        self._waited_s = 0.0
        self._taken = 0

    def sending(self, length: int, now: float) -> None:
        """Note that ``length`` bytes are on their way."""
        self._since, self._sending = now, length

    def sent(self, now: float) -> None:
        """Note that they were taken."""
        if self._since is None:
            return
        self._waited_s += now - self._since
        self._taken += self._sending
        self._since = None
        if self._waited_s >= self._window_s and not self._lags():
            self._waited_s, self._taken = 0.0, 0

    def is_too_slow(self, now: float) -> bool:
        """Return whether the reader should be cut off."""
        if self._since is not None and now - self._since > self._chunk_s:
            return True
        return self._waited_s >= self._window_s and self._lags()

    def _lags(self) -> bool:
        return self._taken < self._bytes_per_s * self._waited_s


class Patience:
    """Measures how long somebody keeps us waiting."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._since: float | None = None

    def wait(self, now: float) -> None:
        """Begin to wait."""
        self._since = now

    def rest(self) -> None:
        """End to wait."""
        self._since = None

    def is_over(self, now: float) -> bool:
        """Return whether it lasts too long."""
        since = self._since
        return since is not None and now - since > self._limit_s
