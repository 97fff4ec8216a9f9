"""Who computes a node, so that among all who want it one does.

A protocol without I/O: :class:`Claims` takes what happened and the time, and says what
to do; :mod:`.messages` has all that goes in and comes out.  :mod:`.ranking` tells every
machine the same order of arbiters for a node.

Nothing is promised but bounded cost.  Whatever is lost, late, repeated, forgotten or
made up, a run computes what it needs; it then happens that a node is computed twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer.lazy import load

if TYPE_CHECKING:
    from .claims import Claims
    from .ranking import position, rank
    from .settings import Settings

_HOMES = {
    "Claims": "claims",
    "Settings": "settings",
    "position": "ranking",
    "rank": "ranking",
}

__all__ = ["Claims", "Settings", "position", "rank"]


def __getattr__(name: str) -> object:
    return load(__name__, _HOMES, name)
