"""A run's neighbours: the daemon of its store, if one runs.

What other machines have is the daemon's business; here, questions cross a socket and
answers come back.  Whenever the socket is gone the answer is "nobody", and after a
while the daemon is looked for again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.neighbours import Claim, Free, OnArrived, OnClaimed, OnLocated
from store import NodeKey

from .claims import Grants
from .questions import Delivery, Search

if TYPE_CHECKING:
    from .line import Line

CONNECT_S = 0.05
"""How long a run waits, once, for the daemon to greet."""

SEND_S = 0.1
RETRY_S = 5.0
LATER_CONNECT_S = 1.0

AGAIN_S = 0.2
"""Pause between two tries to reach a daemon that is to learn of what is computed here:
others may claim it meanwhile."""

AGAIN_FOR_S = 15.0
"""For how long that is tried; then everybody has forgotten."""

MAX_KEYS = 32_768
"""Keys in one message."""


class DaemonNeighbours:
    """Implements :class:`scheduler.neighbours.Neighbours` by asking the daemon."""

    def __init__(self, store_path: Path) -> None:
        """Prepare to ask the daemon of the store at ``store_path``, when there is one.

        Nothing is opened before the first question.
        """
        self._store_path = store_path
        self._line: Line | None = None
        self._lock = threading.Lock()
        self._connecting = threading.Lock()
        self._grants = Grants()
        self._closed = threading.Event()
        self._next_try = 0.0
        self._was_tried = False

    @property
    def is_alone(self) -> bool:
        """Whether no daemon is there, or it has no neighbours."""
        line = self._connected()
        return line is None or line.neighbours == 0

    def locate(self, keys: Sequence[NodeKey], answer: OnLocated) -> None:
        """Ask who has results of ``keys``."""
        parts = _parts(keys)
        line = self._connected() if parts else None
        if line is None:
            answer({})
            return
        search = Search(len(parts), answer)
        for part in parts:
            line.locate(search, part)

    def fetch(
        self, keys: Sequence[NodeKey], answer: OnArrived, spares_s: Sequence[float] = ()
    ) -> None:
        """Have located results fetched into the store; one answer for each key."""
        line = self._connected()
        spares = dict(zip(keys, spares_s, strict=False))
        for part in _parts(list(dict.fromkeys(keys))):
            delivery = Delivery(part, answer)
            if line is None:
                delivery.give_up()
            else:
                spared = tuple(spares.get(key, 0.0) for key in part) if spares else ()
                line.fetch(delivery, part, spared)

    def ranks(self, keys: Sequence[NodeKey]) -> list[int]:
        """Return the place of this machine among those that may compute each node."""
        line = self._connected()
        if line is None or len(line.arbiters) < 2:
            return [0] * len(keys)
        from peer.claims.ranking import position

        me, arbiters = line.node_id, line.arbiters
        return [position(key, me, arbiters) for key in keys]

    def claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
        """Ask whether to compute nodes whose arguments are here, or to wait."""
        line = self._connected() if claims else None
        if line is not None:
            line.claim(claims, answer)
            return
        for claim in claims:
            answer(Free(claim.key))

    def begin(self, keys: Sequence[NodeKey]) -> None:
        """Say that claimed nodes are being computed without having been granted."""
        line = self._connected()
        if line is not None:
            for part in _parts(keys):
                line.begin(part)

    def release(self, keys: Sequence[NodeKey], *, has_failed: bool = False) -> None:
        """End claims without a result."""
        self._grants.end(keys)
        line = self._connected()
        if line is not None:
            for part in _parts(keys):
                line.release(part, has_failed=has_failed)

    def publish(self, keys: Sequence[NodeKey]) -> None:
        """Say that results of ``keys`` were committed to the store; ends claims."""
        self._grants.end(keys)
        line = self._connected()
        if line is not None:
            for part in _parts(keys):
                line.publish(part)

    def close(self) -> None:
        """Ask no more; what was asked is answered with "nobody"; ends claims."""
        with self._lock:
            self._closed.set()
            line, self._line = self._line, None
        if line is not None:
            line.close()

    def _connected(self) -> Line | None:
        """Return the connection, or None; sees to it that there will be one."""
        line = self._line
        if line is not None or self._closed.is_set():
            return line
        if time.monotonic() < self._next_try or not self._connecting.acquire(False):
            return None
        self._next_try = time.monotonic() + RETRY_S
        if self._was_tried:
            # Only the first question may wait, and only a little.
            threading.Thread(
                target=self._connect,
                args=(LATER_CONNECT_S,),
                name="neighbours-connect",
                daemon=True,
            ).start()
            return None
        self._was_tried = True
        self._connect(CONNECT_S)
        return self._line

    def _connect(self, timeout_s: float) -> None:
        """Connect, or do not; the caller has taken the lock for it."""
        from .connection import connect
        from .errors import LocalError
        from .line import Line

        try:
            frames, greeting = connect(
                self._store_path, timeout_s=timeout_s, send_timeout_s=SEND_S
            )
            line = Line(frames, greeting, self._grants, self._on_over)
            with self._lock:
                if not self._closed.is_set():
                    self._line = line
            if self._line is not line:
                line.close()
            line.start()
        except (LocalError, OSError):
            pass
        finally:
            self._connecting.release()

    def _on_over(self, line: Line) -> None:
        with self._lock:
            if self._line is line:
                self._line = None
                self._next_try = time.monotonic() + RETRY_S
        if self._grants and not self._closed.is_set():
            threading.Thread(
                target=self._connect_again, name="neighbours-again", daemon=True
            ).start()

    def _connect_again(self) -> None:
        """Look for the daemon that follows, while something granted is computed."""
        until = time.monotonic() + AGAIN_FOR_S
        while (
            not self._closed.wait(AGAIN_S)
            and self._line is None
            and self._grants
            and time.monotonic() < until
        ):
            if self._connecting.acquire(blocking=False):
                self._connect(LATER_CONNECT_S)


def _parts(keys: Sequence[NodeKey]) -> list[Sequence[NodeKey]]:
    return [keys[start : start + MAX_KEYS] for start in range(0, len(keys), MAX_KEYS)]
