"""Connecting to the daemon of a store."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import DaemonRefusedError, NoDaemonError
from .frames import Frames
from .place import holder_pid, noted_socket

if TYPE_CHECKING:
    from .messages import Greeting


def connect(
    store_path: Path, *, timeout_s: float, send_timeout_s: float
) -> tuple[Frames, Greeting]:
    """Connect to the daemon of the store at ``store_path`` and exchange greetings.

    Args:
        store_path: folder of the store.
        timeout_s: for connecting and for its greeting, each.
        send_timeout_s: as for :class:`Frames`.

    Raises:
        NoDaemonError: none runs, or it does not answer in time.
        DaemonRefusedError: it is of another version.
    """
    path = noted_socket(store_path)
    if path is None:
        raise _no_daemon(store_path)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout_s)
    try:
        connection.connect(str(path))
        frames = Frames(connection, send_timeout_s)
        greeting = _greet(frames)
        frames.set_timeout(None)
    except OSError as error:
        connection.close()
        raise _no_daemon(store_path) from error
    except BaseException:
        connection.close()
        raise
    if greeting is None:
        connection.close()
        raise NoDaemonError(
            f"{store_path}: the daemon of this store does not answer; if it still does"
            f" not in a minute, end it with '{_kill(store_path)}' and start it again"
        )
    return frames, greeting


def _greet(frames: Frames) -> Greeting | None:
    import msgspec

    from .messages import AnyAnswer, Greet, Greeting, Refused

    frames.send(msgspec.msgpack.encode(Greet(id=0)))
    data = frames.receive()
    if data is None:
        return None
    try:
        answer: AnyAnswer = msgspec.msgpack.decode(data, type=AnyAnswer)
    except msgspec.DecodeError:
        return None
    if isinstance(answer, Refused):
        raise DaemonRefusedError(answer.reason)
    return answer if isinstance(answer, Greeting) else None


def _no_daemon(store_path: Path) -> NoDaemonError:
    return NoDaemonError(
        f"{store_path}: no daemon runs for this store; 'voxpeer join' starts it"
    )


def _kill(store_path: Path) -> str:
    return f"kill -9 {holder_pid(store_path) or 'PID'}"
