"""Messages on a stream socket: four bytes of length, little-endian, then the bytes.

Each end may send from several threads; one thread receives.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress

from .errors import FrameError

MAX_FRAME_BYTES = 16 << 20
"""Longest message: offers for all the keys of the longest question fit in it."""

LENGTH = struct.Struct("<I")


class Frames:
    """One end of a connection."""

    def __init__(self, connection: socket.socket, send_timeout_s: float) -> None:
        """Take over ``connection``.

        Args:
            connection: connected, blocking.
            send_timeout_s: a message that the other end does not take within this
                time ends the connection.
        """
        self._socket = connection
        self._sending = threading.Lock()
        seconds = int(send_timeout_s)
        # A time-out of the socket's own would hold for receiving too.
        connection.setsockopt(
            socket.SOL_SOCKET,
            socket.SO_SNDTIMEO,
            struct.pack("@ll", seconds, int((send_timeout_s - seconds) * 1e6)),
        )

    def send(self, message: bytes) -> None:
        """Send one message.

        Raises:
            OSError: the other end is gone or takes nothing; the connection is over.
        """
        try:
            with self._sending:
                self._socket.sendall(LENGTH.pack(len(message)) + message)
        except OSError:
            self.close()
            raise

    def receive(self) -> bytes | None:
        """Return the next message, or None at the end of the connection.

        Raises:
            FrameError: the other end announces more than any message has.
        """
        head = self._exactly(LENGTH.size)
        if head is None:
            return None
        (length,) = LENGTH.unpack(head)
        if length > MAX_FRAME_BYTES:
            self.close()
            raise FrameError(f"a message of {length} bytes is too long")
        return self._exactly(length)

    def set_timeout(self, seconds: float | None) -> None:
        """Let every step of receiving end the connection after ``seconds``."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """End the connection; whoever receives from it is told so at once."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def free(self) -> None:
        """Close the descriptor; for the thread that receives, when it is done."""
        with self._sending, suppress(OSError):
            self._socket.close()

    def _exactly(self, count: int) -> bytes | None:
        # Grows as the bytes come: an announced length costs nothing by itself.
        data = bytearray()
        while len(data) < count:
            try:
                part = self._socket.recv(min(count - len(data), 1 << 18))
            except OSError:
                return None
            if not part:
                return None
            data += part
        return bytes(data)
