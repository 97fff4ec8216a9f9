"""The connections of a link: one for questions, and one for what takes long to send.

A chunk that is on its way fills the buffers of its connection.  On a slow network a
question over the same connection would be answered after what is in them, later than
anybody waits for a claim.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc

from peer.identity import NodeId, dns_name

from .credentials import dial


class Lane:
    """One connection of a link, made anew whenever the credentials are others.

    Args:
        node_id: whom to reach.
        address: where.
        credentials: returns what to show just now.
    """

    def __init__(
        self,
        node_id: NodeId,
        address: str,
        credentials: Callable[[], grpc.ChannelCredentials],
    ) -> None:
        self._name = dns_name(node_id)
        self._address = address
        self._credentials = credentials
        self._lock = threading.Lock()
        self._open: _Channel | None = None

    @contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        """Use the channel, which is there until the end."""
        taken, give_back = self.take()
        try:
            yield taken
        finally:
            give_back()

    def take(self) -> tuple[grpc.Channel, Callable[[], None]]:
        """Return the channel, and what is to be called once when it was used."""
        with self._lock:
            current = self._credentials()
            if self._open is not None and self._open.credentials is not current:
                self._open.retire()
                self._open = None
            if self._open is None:
                made = dial(self._address, self._name, current)
                self._open = _Channel(made, current)
            taken = self._open
            taken.users += 1
        return taken.channel, lambda: self._give_back(taken)

    def close(self) -> None:
        """Let the connection go; calls that run are finished."""
        with self._lock:
            taken, self._open = self._open, None
            if taken is not None:
                taken.retire()

    def cut(self) -> None:
        """Let the connection go at once; calls that run fail."""
        with self._lock:
            taken, self._open = self._open, None
        if taken is not None:
            taken.channel.close()

    def _give_back(self, taken: _Channel) -> None:
        with self._lock:
            taken.leave()


class _Channel:
    """A channel, and how many calls use it; the lane's lock is held."""

    def __init__(
        self, channel: grpc.Channel, credentials: grpc.ChannelCredentials
    ) -> None:
        self.credentials = credentials
        self.channel = channel
        self.users = 0
        self._is_retired = False

    def retire(self) -> None:
        """Close it once nobody uses it."""
        self._is_retired = True
        self._close_if_unused()

    def leave(self) -> None:
        """Count one user less."""
        self.users -= 1
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._is_retired and not self.users:
            self.channel.close()
