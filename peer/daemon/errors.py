"""Errors of the daemon.

``DaemonError``
    ``PortTakenError``  another program listens where the daemon should
"""

from __future__ import annotations

from peer.errors import PeerError


class DaemonError(PeerError):
    """Base of the daemon's errors."""


class PortTakenError(DaemonError):
    """Another program listens where the daemon should."""
