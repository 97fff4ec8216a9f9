"""Computing here what others have computed, and what follows if it is not the same.

``voxpeer audit`` is the process that does it.  The names are imported at their first
use, because kernels are heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer.lazy import load

if TYPE_CHECKING:
    from .acting import clean
    from .background import end_with_input, take_idle_priority
    from .doubtful import doubtful_files
    from .repairing import Repair
    from .session import Summary, View, audit, request_everything
    from .working import Limits

_HOMES = {
    "Limits": "working",
    "Repair": "repairing",
    "Summary": "session",
    "View": "session",
    "audit": "session",
    "clean": "acting",
    "doubtful_files": "doubtful",
    "end_with_input": "background",
    "request_everything": "session",
    "take_idle_priority": "background",
}

__all__ = [
    "Limits",
    "Repair",
    "Summary",
    "View",
    "audit",
    "clean",
    "doubtful_files",
    "end_with_input",
    "request_everything",
    "take_idle_priority",
]


def __getattr__(name: str) -> object:
    return load(__name__, _HOMES, name)
