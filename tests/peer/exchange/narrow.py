"""A way to a peer that gets stuck once much has come over it."""

from __future__ import annotations

import socket
import threading

BLOCK = 16 * 1024


class NarrowWay:
    """Relays connections to an address; each brings so many bytes, and no more.

    What is over that stays where it is, like on a network that is busy: the connection
    is open, and nothing of it comes.
    """

    def __init__(self, address: str, most_bytes: int) -> None:
        host, _, port = address.rpartition(":")
        self._to = (host, int(port))
        self._most = most_bytes
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def address(self) -> str:
        """Where to dial."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """End all connections."""
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in list(self._threads):
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._to)
            for args in ((near, far, None), (far, near, self._most)):
                thread = threading.Thread(target=self._relay, args=args, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _relay(
        self, source: socket.socket, target: socket.socket, left: int | None
    ) -> None:
        with source, target:
            source.settimeout(0.1)
            while not self._over.is_set():
                if left is not None and left <= 0:
                    self._over.wait()
                    return
                try:
                    data = source.recv(BLOCK)
                    target.sendall(data)
                except TimeoutError:
                    continue
                except OSError:
                    return
                if not data:
                    return
                left = left if left is None else left - len(data)
