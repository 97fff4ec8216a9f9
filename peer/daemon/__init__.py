"""The daemon of a store: what neighbours have is brought here, and theirs to them.

It composes identity, discovery, exchange and the store, and never computes.  The names
are imported at their first use, because the network's libraries are heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer.lazy import load

if TYPE_CHECKING:
    from .daemon import Daemon
    from .errors import DaemonError, PortTakenError
    from .leaving import leave
    from .options import DaemonOptions
    from .running import run_daemon

_HOMES = {
    "Daemon": "daemon",
    "DaemonError": "errors",
    "DaemonOptions": "options",
    "PortTakenError": "errors",
    "leave": "leaving",
    "run_daemon": "running",
}

__all__ = [
    "Daemon",
    "DaemonError",
    "DaemonOptions",
    "PortTakenError",
    "leave",
    "run_daemon",
]


def __getattr__(name: str) -> object:
    return load(__name__, _HOMES, name)
