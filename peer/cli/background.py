"""Starting the daemon of a store in the background."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from peer.errors import RealmError
from peer.quantities import format_duration

if TYPE_CHECKING:
    from peer.local.messages import Status

LOG = Path("realm", "daemon.log")
"""Where a daemon in the background writes, in the store's folder."""

READY_S = 30.0
LOOK_AGAIN_S = 0.05
SHOWN_BYTES = 4000


def start_in_background(store_path: Path, words: Sequence[str]) -> Status:
    """Run ``voxpeer`` with ``words`` detached; return its status once it is ready.

    Args:
        store_path: folder of the daemon's store.
        words: of a command that runs the daemon in the foreground.

    Raises:
        RealmError: it ended at once, or is not ready in time.
    """
    log = store_path / LOG
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    before = os.fstat(handle).st_size
    try:
        # -P: a folder of the current directory is no package of ours.
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "voxpeer", *words],
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            start_new_session=True,
        )
    finally:
        os.close(handle)
    return _ready(store_path, process, before)


def _ready(store_path: Path, process: subprocess.Popen[bytes], before: int) -> Status:
    from peer.local import LocalError, status

    log = store_path / LOG
    deadline = time.monotonic() + READY_S
    while process.poll() is None:
        try:
            found = status(store_path)
        except LocalError:
            found = None
        if found is not None and found.pid == process.pid:
            process.returncode = 0  # it lives on, and nobody is to wait for it
            return found
        if time.monotonic() > deadline:
            process.terminate()
            raise RealmError(
                f"the daemon was not ready within {format_duration(READY_S)} and was "
                f"stopped; {log} says what it did"
            )
        time.sleep(LOOK_AGAIN_S)
    raise RealmError(f"the daemon could not be started: {_said(log, before)}")


def _said(log: Path, before: int) -> str:
    """Return what was written to the log since it had ``before`` bytes."""
    with log.open("rb") as file:
        file.seek(before)
        data = file.read(SHOWN_BYTES)
    text = data.decode("utf-8", "replace").strip()
    return text.removeprefix("error: ") or f"{log} does not say why"
