"""The daemon's end of the private socket: one thread for each connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count as counting
from pathlib import Path
from typing import TypeAlias

import msgspec

from .errors import FrameError, LocalError
from .frames import Frames
from .messages import VERSION, AnyAnswer, AnyRequest, Greet, Greeting, Refused
from .place import DaemonPlace

MAX_CONNECTIONS = 256
SEND_TIMEOUT_S = 5.0
"""A process that takes no answers for this long is not talked to any more."""

STOP_S = 2.0

_encode = msgspec.msgpack.Encoder().encode


class Reply:
    """The way back over one connection.

    Attributes:
        connection: number of the connection; no other of this server has it.
    """

    def __init__(self, connection: int, frames: Frames) -> None:
        self.connection = connection
        self._frames = frames

    def __call__(self, answer: AnyAnswer) -> None:
        """Send an answer, from any thread; one that nobody waits for is dropped."""
        with suppress(OSError):
            self._frames.send(_encode(answer))


Handle: TypeAlias = Callable[[AnyRequest, Reply], None]
"""Takes one request; may answer later and several times, must not raise."""


class LocalServer:
    """Listens in a place and hands over what is asked there."""

    def __init__(
        self,
        place: DaemonPlace,
        store_id: str,
        handle: Handle,
        count: Callable[[str], object] = lambda name: None,
        on_end: Callable[[int], object] = lambda connection: None,
        node_id: str = "",
    ) -> None:
        """Prepare to listen.

        Args:
            place: where; stays the caller's.
            store_id: said to who connects.
            handle: called for every request, on the connection's thread.
            count: called with ``local_junk`` for whoever sends what is no message,
                ``local_versions`` for who is of another version of voxpeer, and
                ``local_crowd`` for each connection that was one too many.
            on_end: called with the number of each connection that asked something,
                after its last request.
            node_id: said to who connects; of the store's identity.
        """
        self._place = place
        self._store_id = store_id
        self._handle = handle
        self._count = count
        self._on_end = on_end
        self._node_id = node_id
        self._neighbours = 0
        self._arbiters: tuple[str, ...] = ()
        self._numbers = counting(1)
        self._connections: set[Frames] = set()
        self._lock = threading.Lock()
        # What is said last of who is there has to be what is so.
        self._greeting_lock = threading.Lock()
        self._is_stopping = False
        self._threads: set[threading.Thread] = set()
        self._socket = _listen(place.socket_path)
        self._accepting = threading.Thread(
            target=self._accept, name="local-accept", daemon=True
        )

    def start(self) -> None:
        """Listen, and let others know where."""
        self._accepting.start()
        self._place.announce()

    def set_neighbours(self, count: int, arbiters: Sequence[str] = ()) -> None:
        """Tell every connection, when it changes, who is there.

        Args:
            count: how many neighbours there are.
            arbiters: node ids of those who decide about claims.
        """
        with self._lock:
            if (count, tuple(arbiters)) == (self._neighbours, self._arbiters):
                return
            self._neighbours, self._arbiters = count, tuple(arbiters)
            connections = list(self._connections)
        with self._greeting_lock:
            message = _encode(self._greeting(0))
            for connection in connections:
                with suppress(OSError):
                    connection.send(message)

    def stop(self) -> None:
        """Close every connection and listen no more."""
        self._is_stopping = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with self._lock:
            connections, threads = list(self._connections), list(self._threads)
        for connection in connections:
            connection.close()
        for thread in (self._accepting, *threads):
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(STOP_S)

    def _accept(self) -> None:
        while not self._is_stopping:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                if self._is_stopping:
                    return
                threading.Event().wait(0.1)  # out of descriptors, say
                continue
            if len(self._connections) >= MAX_CONNECTIONS:
                self._count("local_crowd")
                connection.close()
                continue
            thread = threading.Thread(
                target=self._serve,
                args=(Frames(connection, SEND_TIMEOUT_S),),
                name="local-connection",
                daemon=True,
            )
            with self._lock:
                self._threads.add(thread)
            thread.start()

    def _serve(self, frames: Frames) -> None:
        reply = Reply(next(self._numbers), frames)
        with self._lock:
            self._connections.add(frames)
        try:
            self._converse(frames, reply)
        except (FrameError, msgspec.DecodeError):
            self._count("local_junk")  # whoever sends such things is no process of ours
        except OSError:
            pass
        finally:
            with self._lock:
                self._connections.discard(frames)
                self._threads.discard(threading.current_thread())
            frames.close()
            self._on_end(reply.connection)
            frames.free()

    def _converse(self, frames: Frames, reply: Reply) -> None:
        decoder = msgspec.msgpack.Decoder(AnyRequest)
        while not self._is_stopping and (data := frames.receive()) is not None:
            request: AnyRequest = decoder.decode(data)
            if not isinstance(request, Greet):
                self._handle(request, reply)
            elif request.version == VERSION:
                with self._greeting_lock:
                    reply(self._greeting(request.id))
            else:
                self._count("local_versions")
                reason = "the daemon is of another version of voxpeer; restart it"
                reply(Refused(id=request.id, reason=reason))
                return

    def _greeting(self, request_id: int) -> Greeting:
        with self._lock:
            neighbours, arbiters = self._neighbours, self._arbiters
        return Greeting(
            id=request_id,
            store_id=self._store_id,
            neighbours=neighbours,
            node_id=self._node_id,
            arbiters=arbiters,
        )


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise LocalError(
            f"{path}: cannot be listened at: {error.strerror or error}"
        ) from error
    return listener
