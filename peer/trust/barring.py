"""Who sends bytes that are not what their digest promises is not asked for any more.

A broken disk is no lie: what such a member has signed counts as before.  It is asked
again after a day.  Nothing here does I/O.
"""

from __future__ import annotations

import threading

from peer.identity import NodeId
from store import Digest

STRIKES = 3
"""Artifacts of which wrong bytes came, until their server is not asked any more."""

DAY_S = 86_400.0


class Barring:
    """Counts what came wrong, by who sent it.  Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._strikes: dict[NodeId, dict[Digest, float]] = {}
        self._barred: dict[NodeId, float] = {}

    def strike(self, server: NodeId, artifact: Digest, now: float) -> bool:
        """Note that wrong bytes came; return whether the server is barred by that.

        Args:
            server: who sent them.
            artifact: what they were to be; it counts once.
            now: seconds, monotonic.
        """
        with self._lock:
            if self.is_barred(server, now):
                return False
            earlier = self._strikes.get(server, {}).items()
            strikes = {digest: at for digest, at in earlier if at > now - DAY_S}
            strikes[artifact] = now
            self._strikes[server] = strikes
            if len(strikes) < STRIKES:
                return False
            del self._strikes[server]
            self._barred[server] = now + DAY_S
            return True

    def is_barred(self, server: NodeId, now: float) -> bool:
        """Return whether a server is not to be asked for artifacts."""
        with self._lock:
            until = self._barred.get(server)
            if until is not None and until <= now:
                del self._barred[server]
                return False
            return until is not None

    def barred(self, now: float) -> frozenset[NodeId]:
        """Return everybody who is not to be asked."""
        return frozenset(it for it in list(self._barred) if self.is_barred(it, now))

    def pardon(self, server: NodeId) -> None:
        """Ask a server again from now on."""
        with self._lock:
            self._strikes.pop(server, None)
            self._barred.pop(server, None)
