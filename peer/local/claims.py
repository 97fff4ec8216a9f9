"""Claims that a run has at the daemon."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from scheduler.neighbours import Arrived, Claim, ClaimAnswer, Free, Granted, OnClaimed
from store import NodeKey

BEAT_S = 2.0
"""How often a run with claims says that it lives."""


class Grants:
    """What a run was granted and has not ended, whichever daemon it was.

    A daemon that begins anew knows nothing of what the one before it granted, until it
    is claimed from it again.  Any thread may use it.
    """

    def __init__(self) -> None:
        self._granted: dict[NodeKey, tuple[Claim, OnClaimed]] = {}
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        """Return whether there are any."""
        with self._lock:
            return bool(self._granted)

    def __contains__(self, key: NodeKey) -> bool:
        """Return whether a node was granted."""
        with self._lock:
            return key in self._granted

    def add(self, claim: Claim, answer: OnClaimed) -> None:
        """Take a claim that was granted, and who is told of it."""
        with self._lock:
            self._granted[claim.key] = claim, answer

    def end(self, keys: Iterable[NodeKey]) -> None:
        """Forget claims that have ended."""
        with self._lock:
            for key in keys:
                self._granted.pop(key, None)

    def all(self) -> list[tuple[Claim, OnClaimed]]:
        """Return the claims, and who is told of each."""
        with self._lock:
            return list(self._granted.values())


@dataclass(slots=True)
class _Open:
    """One claimed node.

    Attributes:
        number: of the message that claimed it.
        claim: what was claimed.
        answer: who is told.
        is_granted: whether the run was told to compute it.
    """

    number: int
    claim: Claim
    answer: OnClaimed
    is_granted: bool = False


class OpenClaims:
    """The claims over one connection that have not ended.  Any thread may use it."""

    def __init__(self, grants: Grants) -> None:
        """Begin with none.

        Args:
            grants: takes what is granted.
        """
        self._grants = grants
        self._open: dict[NodeKey, _Open] | None = {}
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        """Return whether there are any."""
        with self._lock:
            return bool(self._open)

    def add(self, number: int, claims: Iterable[Claim], answer: OnClaimed) -> bool:
        """Take claims that are to be sent; False once the connection is over."""
        with self._lock:
            if self._open is None:
                return False
            for claim in claims:
                is_granted = claim.key in self._grants
                self._open[claim.key] = _Open(number, claim, answer, is_granted)
            return True

    def forgotten(self) -> list[tuple[Claim, OnClaimed]]:
        """Return what was granted, and not over this connection."""
        with self._lock:
            known = self._open
        return [
            each
            for each in self._grants.all()
            if known is not None and each[0].key not in known
        ]

    def take(self, number: int, said: ClaimAnswer) -> None:
        """Hand an answer to who claimed; one to an earlier claim is dropped."""
        with self._lock:
            known = (self._open or {}).get(said.key)
            if self._open is None or known is None or known.number != number:
                return
            if isinstance(said, Free | Arrived):
                del self._open[said.key]
                self._grants.end([said.key])
            elif isinstance(said, Granted):
                known.is_granted = True
                self._grants.add(known.claim, known.answer)
        known.answer(said)

    def end(self, keys: Sequence[NodeKey]) -> None:
        """Forget claims that the run ends itself."""
        with self._lock:
            self._grants.end(keys)  # one may have been granted just now
            if self._open:
                for key in keys:
                    self._open.pop(key, None)

    def refuse(self, number: int) -> None:
        """The daemon does not take what one message claimed."""
        with self._lock:
            refused = [
                key
                for key, known in (self._open or {}).items()
                if known.number == number
            ]
        for key in refused:
            self.take(number, Free(key))

    def give_up(self) -> None:
        """The connection is over: what was not granted is free."""
        with self._lock:
            left, self._open = self._open or {}, None
        for key, known in left.items():
            if not known.is_granted:
                known.answer(Free(key))


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
