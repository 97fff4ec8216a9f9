"""Errors of talking to the daemon of a store.

``LocalError``
    ``NoDaemonError``        no daemon runs for the store, or it does not answer
    ``AlreadyRunningError``  a daemon runs for the store already
    ``DaemonRefusedError``   the daemon cannot do what was asked
    ``FrameError``           what came over the socket is no message
"""

from __future__ import annotations

from peer.errors import PeerError


class LocalError(PeerError):
    """Base of the errors of the private socket."""


class NoDaemonError(LocalError):
    """No daemon runs for the store, or it does not answer."""


class AlreadyRunningError(LocalError):
    """A daemon runs for the store already."""


class DaemonRefusedError(LocalError):
    """The daemon cannot do what was asked; the text says why."""


class FrameError(LocalError):
    """What came over the socket is no message of ours."""
