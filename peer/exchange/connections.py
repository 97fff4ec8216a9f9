"""How many connect to a server, and how many of them ever have something to ask.

gRPC says nothing of connections that shake no hands, or show no certificate of the
realm.  Every connection asks for what is to be shown to it, and that can be counted.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from peer.wire import limits

from .counters import Counters

REMEMBERED = 2 * limits.CONNECTIONS
"""Connections that are known to have been used; there are never so many at a time."""


class Connections:
    """Counts the connections of one server.  Any thread may use it.

    Args:
        counters: get ``NAME``, every connection, and ``NAME_used``, those over which
            somebody who was let in has asked something.
        name: what to count under.
    """

    def __init__(self, counters: Counters, name: str) -> None:
        self._counters = counters
        self._name = name
        self._lock = threading.Lock()
        self._used: OrderedDict[str, None] = OrderedDict()

    def begun(self) -> None:
        """Count one more, of which nothing is known yet."""
        self._counters.add(self._name)

    def used(self, where: str) -> None:
        """Take note of a call over the connection from an address and port."""
        with self._lock:
            is_new = where not in self._used
            self._used[where] = None
            self._used.move_to_end(where)
            if len(self._used) > REMEMBERED:
                self._used.popitem(last=False)
        if is_new:
            self._counters.add(f"{self._name}_used")
