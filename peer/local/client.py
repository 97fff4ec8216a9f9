"""What commands ask of the daemon of a store; each call is one short connection."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from store import NodeKey

from . import messages
from .connection import connect
from .errors import DaemonRefusedError, NoDaemonError
from .messages import AnyAnswer, AnyRequest, Done, Refused, Status
from .place import holder_pid

CONNECT_S = 2.0
ANSWER_S = 15.0
FORGET_KEYS = 100_000
"""Keys to forget in one message."""

A = TypeVar("A", Status, Done)


def status(store_path: Path) -> Status:
    """Return how the daemon of a store is.

    Raises:
        NoDaemonError: none runs, or it does not answer.
    """
    return ask(store_path, messages.GetStatus(id=1), Status)


def revoke(store_path: Path, node_id: str, from_sequence: int = 0) -> str:
    """End a membership; return what was done, for people.

    Raises:
        NoDaemonError: none runs, or it does not answer.
        DaemonRefusedError: it may not, or knows no such member.
    """
    request = messages.Revoke(id=1, node_id=node_id, from_sequence=from_sequence)
    return ask(store_path, request, Done).text


def trust(store_path: Path, node_id: str) -> str:
    """Have a member's results taken here again; return what was done, for people.

    Raises:
        NoDaemonError: none runs, or it does not answer.
        DaemonRefusedError: there is nothing against it.
    """
    return ask(store_path, messages.Trust(id=1, node_id=node_id), Done).text


def forget(store_path: Path, keys: Sequence[NodeKey]) -> str:
    """Have results forgotten here and in the realm; return what was done.

    Raises:
        NoDaemonError: none runs, or it does not answer.
        DaemonRefusedError: the store could not be written.
    """
    text = ""
    for start in range(0, len(keys), FORGET_KEYS):
        part = b"".join(keys[start : start + FORGET_KEYS])
        text = ask(store_path, messages.Forget(id=1, keys=part), Done).text
    return text


def nudge(store_path: Path) -> bool:
    """Have the daemon look at the realm's state again; return whether one runs."""
    with suppress(NoDaemonError):
        ask(store_path, messages.Nudge(id=1), Done)
        return True
    return False


def stop(store_path: Path) -> bool:
    """End the daemon, and wait until it has; return whether one ran.

    Raises:
        NoDaemonError: it was asked to end, and did not in time.
    """
    try:
        ask(store_path, messages.Stop(id=1), Done)
    except NoDaemonError:
        return False
    deadline = time.monotonic() + ANSWER_S
    while holder_pid(store_path) is not None:
        if time.monotonic() > deadline:
            raise NoDaemonError(
                f"{store_path}: the daemon of this store did not end within"
                f" {ANSWER_S:.0f} s; end process {holder_pid(store_path)} yourself"
            )
        time.sleep(0.05)
    return True


def ask(
    store_path: Path,
    request: AnyRequest,
    expected: type[A],
    timeout_s: float = ANSWER_S,
) -> A:
    """Return the daemon's answer to one request.

    Raises:
        NoDaemonError: none runs, or it does not answer within ``timeout_s``.
        DaemonRefusedError: it said that it cannot.
    """
    frames, _ = connect(store_path, timeout_s=CONNECT_S, send_timeout_s=CONNECT_S)
    try:
        frames.set_timeout(timeout_s)
        frames.send(msgspec.msgpack.encode(request))
        while (data := frames.receive()) is not None:
            answer: AnyAnswer = msgspec.msgpack.decode(data, type=AnyAnswer)
            if isinstance(answer, Refused):
                raise DaemonRefusedError(answer.reason)
            if isinstance(answer, expected):
                return answer
    except (OSError, msgspec.DecodeError):
        pass
    finally:
        frames.close()
        frames.free()
    raise NoDaemonError(
        f"{store_path}: the daemon of this store did not answer within"
        f" {timeout_s:.0f} s; restart it if that happens again"
    )
