"""Where a store may lie, and whether what lies there is one."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .database import APPLICATION_ID
from .errors import (
    ForeignStoreError,
    NetworkFileSystemError,
    StoreUnusableError,
    explain_os_error,
)

DATABASE = "store.db"
LOCK = "lock"
OURS = frozenset(
    {
        DATABASE,
        LOCK,
        f"{DATABASE}-wal",
        f"{DATABASE}-shm",
        f"{DATABASE}-journal",
        f"{DATABASE}.new",
        f"{DATABASE}.new-journal",
        "backups",
        "blobs",
        "incoming",
        "realm",
        "runs",
        "tmp",
    }
)
NETWORK = frozenset(
    (
        "9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "davfs2",
        "fuse.ceph", "fuse.davfs2", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone",
        "fuse.mfs", "fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs", "fuse.vmhgfs-fuse",
        "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2",
        "panfs", "prl_fs", "pvfs2", "smb", "smb2", "smb3", "smbfs", "vboxsf",
        "vmhgfs", "webdav", "wekafs",
    )
)  # fmt: skip

_recognised: set[tuple[int, int]] = set()
"""Device and inode numbers of the databases that were found to be ours."""

_looking = threading.Lock()


def default_path() -> Path:
    """Return where the store of this user is."""
    import platformdirs

    return platformdirs.user_data_path("voxpeer") / "store"


def refuse_network(path: Path, mounts: Sequence[tuple[str, str]]) -> None:
    """Refuse a folder on a network file system.

    Args:
        mounts: mount points with the kinds of their file systems.

    Raises:
        NetworkFileSystemError: SQLite's shared memory does not work there.
    """
    at = os.path.realpath(path)
    best, kind = "", ""
    for mount, file_system in mounts:
        is_inside = at == mount or at.startswith(mount.rstrip("/") + "/")
        if is_inside and len(mount) >= len(best):
            best, kind = mount, file_system
    if kind.lower() in NETWORK:
        raise NetworkFileSystemError(path, kind)


def is_store(path: Path) -> bool:
    """Return whether a store is at ``path``; False if one can be made there.

    Only reads.

    Raises:
        ForeignStoreError: something else is there.
        StoreUnusableError: it cannot be read.
    """
    try:
        names = {entry.name for entry in path.iterdir()}
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        raise ForeignStoreError(path, "this is a file, not a store") from None
    except OSError as error:
        raise explain_os_error(error, path) from error
    if DATABASE in names and _is_ours(path / DATABASE):
        return True
    if strange := sorted(names - OURS):
        raise ForeignStoreError(
            path, f"this folder is not a store, and not empty (it has {strange[0]!r})"
        )
    return False


def make_folder(path: Path) -> None:
    """Make the store's folder, for its owner only."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ForeignStoreError(path, "a file is in the way") from None
    except OSError as error:
        raise explain_os_error(error, path) from error


def require_writable(path: Path) -> None:
    """Refuse a store that this user may not write.

    Raises:
        StoreUnusableError: no permission.
    """
    for at in (path, path / DATABASE):
        if at.exists() and not os.access(at, os.W_OK):
            raise StoreUnusableError(
                f"{at}: no permission to write; change the permissions, or name another"
                " folder with --store or VOXPEER_STORE"
            )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file of the store, against other processes that set it up."""
    try:
        handle = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise explain_os_error(error, path) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_ours(database: Path) -> bool:
    """Return whether the file is a store's database; False when it is empty."""
    # Closing a handle of our own would let go of the locks that this process's
    # connections hold on the file, and another process could then remove the log under
    # them.  So a file is looked at once, before anything in this process connects.
    with _looking:
        try:
            status = database.stat()
            if not status.st_size:
                return False
            identity = (status.st_dev, status.st_ino)
            if identity in _recognised:
                return True
            with database.open("rb") as file:
                header = file.read(100)
        except OSError as error:
            raise explain_os_error(error, database) from error
        mark = int.from_bytes(header[68:72], "big")
        if not header.startswith(b"SQLite format 3\0") or mark != APPLICATION_ID:
            raise ForeignStoreError(database.parent, f"its {DATABASE} is not voxpeer's")
        _recognised.add(identity)
        return True


def mounted() -> list[tuple[str, str]]:
    """Return this machine's mount points with the kinds of their file systems."""
    if sys.platform == "linux":
        try:
            lines = Path("/proc/self/mounts").read_text(errors="replace").splitlines()
        except OSError:
            return []
        fields = [line.split(" ") for line in lines]
        return [(_unescaped(row[1]), row[2]) for row in fields if len(row) > 2]
    import psutil  # type: ignore[import-untyped]

    return [(part.mountpoint, part.fstype) for part in psutil.disk_partitions(True)]


def _unescaped(mount: str) -> str:
    for code, text in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n")):
        mount = mount.replace(code, text)
    return mount.replace(r"\134", "\\")
