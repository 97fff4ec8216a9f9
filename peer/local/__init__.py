"""What processes of one store say to its daemon, over a private socket.

The names are imported at their first use: a run needs :class:`DaemonNeighbours` and
nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .client import ask, forget, nudge, revoke, status, stop
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
    "client": ("ask", "forget", "nudge", "revoke", "status", "stop"),
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
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
