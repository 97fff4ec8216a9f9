"""Claims that a run has at the daemon, over one connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scheduler.neighbours import Arrived, ClaimAnswer, Free, Granted, OnClaimed
from store import NodeKey

BEAT_S = 2.0
"""How often a run with claims says that it lives."""


@dataclass(slots=True)
class _Claim:
    """One claimed node.

    Attributes:
        number: of the message that claimed it.
        answer: who is told.
        is_granted: whether the run was told to compute it.
    """

    number: int
    answer: OnClaimed
    is_granted: bool = False


class OpenClaims:
    """The claims that have not ended, by node.  Any thread may use it."""

    def __init__(self) -> None:
        self._open: dict[NodeKey, _Claim] | None = {}
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        """Return whether there are any."""
        with self._lock:
            return bool(self._open)

    def add(self, number: int, keys: Iterable[NodeKey], answer: OnClaimed) -> bool:
        """Take claims that are to be sent; False once the connection is over."""
        with self._lock:
            if self._open is None:
                return False
            for key in keys:
                self._open[key] = _Claim(number, answer)
            return True

    def take(self, number: int, said: ClaimAnswer) -> None:
        """Hand an answer to who claimed; one to an earlier claim is dropped."""
        with self._lock:
            claim = (self._open or {}).get(said.key)
            if self._open is None or claim is None or claim.number != number:
                return
            if isinstance(said, Free | Arrived):
                del self._open[said.key]
            elif isinstance(said, Granted):
                claim.is_granted = True
        claim.answer(said)

    def end(self, keys: Iterable[NodeKey]) -> None:
        """Forget claims that the run ends itself."""
        with self._lock:
            if self._open:
                for key in keys:
                    self._open.pop(key, None)

    def refuse(self, number: int) -> None:
        """The daemon does not take what one message claimed."""
        with self._lock:
            refused = [
                key
                for key, claim in (self._open or {}).items()
                if claim.number == number
            ]
        for key in refused:
            self.take(number, Free(key))

    def give_up(self) -> None:
        """The connection is over: what was not granted is free."""
        with self._lock:
            claims, self._open = self._open or {}, None
        for key, claim in claims.items():
            if not claim.is_granted:
                claim.answer(Free(key))


class Heartbeat:
    """Says again and again that this process lives, while there is a reason to.

    A process that is stopped, or whose machine is, says nothing: that is how the daemon
    tells it from one that computes.
    """

    def __init__(
        self, is_needed: Callable[[], bool], beat: Callable[[], object]
    ) -> None:
        """Prepare.

        Args:
            is_needed: whether to go on.
            beat: says that we live.
        """
        self._is_needed = is_needed
        self._beat = beat
        self._lock = threading.Lock()
        self._is_running = False
        self._over = threading.Event()

    def start(self) -> None:
        """See to it that it beats; to be called after there was a reason."""
        with self._lock:
            if self._is_running or self._over.is_set():
                return
            self._is_running = True
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def stop(self) -> None:
        """Beat no more."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(BEAT_S):
            with self._lock:
                if not self._is_needed():
                    self._is_running = False
                    return
            self._beat()
