"""Where the daemon of a store listens, and how others find it.

The socket lies in the user's runtime directory, because a path of a socket has at most
about a hundred bytes and a store may lie deep.  ``realm/daemon`` in the store says
where it is, so that a process with another runtime directory finds it too.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from .errors import AlreadyRunningError, LocalError

NOTE = Path("realm", "daemon")
LOCK = Path("realm", "daemon.lock")
MAX_PATH_BYTES = 100
"""Shorter than what any system allows for the path of a socket."""


class DaemonPlace:
    """The place of one store's daemon, held while the daemon runs."""

    def __init__(self, store_path: Path, store_id: str) -> None:
        """Take the place.

        Args:
            store_path: folder of the store.
            store_id: what names the store.

        Raises:
            AlreadyRunningError: another process has it.
            LocalError: there is no folder that only this user can write to.
        """
        self._store_path = store_path
        self._lock = _lock(store_path)
        try:
            name = hashlib.sha256(store_id.encode()).hexdigest()[:16]
            self.socket_path = _private_folder() / f"{name}.sock"
            with suppress(FileNotFoundError):
                self.socket_path.unlink()  # of a daemon that was killed
        except OSError as error:
            os.close(self._lock)
            raise LocalError(
                f"{error.filename}: the daemon's socket cannot be made there:"
                f" {error.strerror}"
            ) from error
        except BaseException:
            os.close(self._lock)
            raise

    def announce(self) -> None:
        """Write down where the socket is, once it is listened to."""
        note = self._store_path / NOTE
        unfinished = note.with_suffix(".new")
        unfinished.write_text(f"{self.socket_path}\n", encoding="utf-8")
        unfinished.replace(note)

    def leave(self) -> None:
        """Give the place up."""
        note = self._store_path / NOTE
        with suppress(OSError):
            # Another store may have come to the place where this one was.
            if note.read_text(encoding="utf-8").strip() == str(self.socket_path):
                note.unlink()
        with suppress(OSError):
            self.socket_path.unlink()
        os.close(self._lock)


def noted_socket(store_path: Path) -> Path | None:
    """Return the socket of the store's daemon, or None when none was noted.

    A socket that is not this user's own, or lies where others may write, is none.
    """
    try:
        path = Path((store_path / NOTE).read_text(encoding="utf-8").strip())
        is_ours = _is_private(path.parent) and path.stat().st_uid == os.geteuid()
    except (OSError, ValueError):
        return None
    return path if is_ours else None


def holder_pid(store_path: Path) -> int | None:
    """Return the process that holds the place, or None."""
    try:
        handle = os.open(store_path / LOCK, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        text = os.read(handle, 20)
        return int(text) if text.strip().isdigit() else 0
    finally:
        os.close(handle)
    return None


def _lock(store_path: Path) -> int:
    path = store_path / LOCK
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LocalError(
            f"{path}: cannot be opened for the daemon: {error.strerror}"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        text = os.read(handle, 20).decode("ascii", "replace").strip()
        os.close(handle)
        raise AlreadyRunningError(
            f"{store_path}: a daemon of this store is already running, pid"
            f" {text or 'unknown'}; 'voxpeer status' shows it, and 'kill"
            f" {text or 'PID'}' ends it"
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def _private_folder() -> Path:
    candidates = (
        _runtime_folder(),
        Path(tempfile.gettempdir(), f"voxpeer-{os.geteuid()}"),
    )
    for folder in candidates:
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            is_short = len(os.fsencode(folder)) + 24 <= MAX_PATH_BYTES
            if is_short and _is_private(folder):
                return folder
    raise LocalError(
        "no folder for the daemon's socket: neither "
        + " nor ".join(map(str, candidates))
        + " is a short path to a folder that belongs to this user alone;"
        " set XDG_RUNTIME_DIR to one"
    )


def _runtime_folder() -> Path:
    import warnings

    from platformdirs import user_runtime_path

    with warnings.catch_warnings():
        # That it is not set is nothing for the user to act on.
        warnings.simplefilter("ignore")
        return user_runtime_path("voxpeer")


def _is_private(folder: Path) -> bool:
    status = folder.lstat()
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and not status.st_mode & 0o077
    )
