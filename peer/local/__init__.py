"""What processes of one store say to its daemon, over a private socket.

The names are imported at their first use: a run needs :class:`DaemonNeighbours` and
nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer.lazy import load

if TYPE_CHECKING:
    from .client import ask, forget, nudge, revoke, status, stop, trust
    from .errors import (
        AlreadyRunningError,
        DaemonRefusedError,
        LocalError,
        NoDaemonError,
    )
    from .neighbours import DaemonNeighbours
    from .place import DaemonPlace
    from .server import LocalServer

_MODULES = {
    "client": ("ask", "forget", "nudge", "revoke", "status", "stop", "trust"),
    "errors": (
        "AlreadyRunningError",
        "DaemonRefusedError",
        "LocalError",
        "NoDaemonError",
    ),
    "neighbours": ("DaemonNeighbours",),
    "place": ("DaemonPlace",),
    "server": ("LocalServer",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "AlreadyRunningError",
    "DaemonNeighbours",
    "DaemonPlace",
    "DaemonRefusedError",
    "LocalError",
    "LocalServer",
    "NoDaemonError",
    "ask",
    "forget",
    "nudge",
    "revoke",
    "status",
    "stop",
    "trust",
]


def __getattr__(name: str) -> object:
    return load(__name__, _HOMES, name)
