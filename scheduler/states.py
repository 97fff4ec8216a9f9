"""Where a node of a run is on its way.

::

    UNSEEN -> ASKED -> WAITING -> READY -> RUNNING -> DONE
                 \\         \\        \\-> HELD (by another run) -> DONE
                  \\-> DONE  \\-> FAILED

A node is ASKED while the store, and then neighbours, are asked for it.  What comes
from a neighbour leads from any state between ASKED and HELD to DONE.  A HELD node is
READY again when it is to be computed here after all.  DONE goes back
to UNSEEN when a large value has no more use and is not stored.
"""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """Where a node is on its way."""

    UNSEEN = 0
    ASKED = 1
    WAITING = 2
    READY = 3
    RUNNING = 4
    HELD = 5
    DONE = 6
    FAILED = 7


UNSEEN, ASKED, WAITING, READY, RUNNING, HELD, DONE, FAILED = State
