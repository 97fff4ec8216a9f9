# Paths here are plain strings: there are many files, and little to do with each.
# ruff: noqa: PTH103, PTH104, PTH108, PTH116, PTH118
"""Content files: the bytes of artifacts that are too long for the database.

A file is written under ``tmp/`` and renamed to ``blobs/ab/cdef….token`` when it is
complete.  The token makes every file's name unique, so that removing a file can never
hit one that another process has just written for the same artifact.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from .errors import explain_os_error


class BlobAge(NamedTuple):
    """A file that is old enough to be asked what it is for; unfinished: no name."""

    path: str
    name: str
    size_bytes: int


class Blobs:
    """The content files of one store."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._blobs = os.path.join(root, "blobs")
        self._tmp = os.path.join(root, "tmp")
        self._folders: set[str] = set()

    def create(self) -> BlobFile:
        """Begin a file.

        Raises:
            StoreFullError: no room.
            StoreUnusableError: not writable.
        """
        token = os.urandom(8).hex()
        path = f"{self._tmp}/{token}"
        try:
            self._make(self._tmp)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        except OSError as error:
            raise explain_os_error(error, self._root) from error
        return BlobFile(self, path, token, handle)

    def path(self, name: str) -> str:
        """Return where the file of that name is."""
        return f"{self._blobs}/{name}"

    def status(self, name: str) -> os.stat_result | None:
        """Return the state of a file, or None when it cannot be reached."""
        try:
            return os.stat(self.path(name))
        except OSError:
            return None

    def remove(self, name: str) -> None:
        """Remove a file; maps of it stay valid."""
        with suppress(OSError):  # a sweep will try again
            os.unlink(self.path(name))

    def older_than(self, age_s: float) -> Iterator[BlobAge]:
        """Yield the files, finished or not, that were last written so long ago."""
        before = time.time() - age_s
        for path, name in self._files():
            with suppress(FileNotFoundError):
                status = os.stat(path)
                if status.st_mtime < before:
                    yield BlobAge(path, name, status.st_size)

    def adopt(self, path: str, digest: bytes, token: str) -> str:
        """Give a finished file its final name, and return that."""
        text = digest.hex()
        name = f"{text[:2]}/{text[2:]}.{token}"
        self._make(f"{self._blobs}/{name[:2]}")
        os.rename(path, self.path(name))
        return name

    def _files(self) -> Iterator[tuple[str, str]]:
        for entry in _scan(self._tmp):
            yield entry.path, ""
        for folder in _scan(self._blobs):
            for entry in _scan(folder.path):
                yield entry.path, f"{folder.name}/{entry.name}"

    def _make(self, folder: str) -> None:
        if folder not in self._folders:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            self._folders.add(folder)


class BlobFile:
    """A content file that is being written."""

    def __init__(self, blobs: Blobs, path: str, token: str, handle: int) -> None:
        self._blobs = blobs
        self._path = path
        self._token = token
        self._handle = handle
        self.stored_bytes = 0

    def write(self, data: bytes | memoryview) -> None:
        """Append ``data``; raises ``OSError`` as the system does."""
        view = memoryview(data)
        while len(view):
            written = os.write(self._handle, view)
            self.stored_bytes += written
            view = view[written:]

    def keep(self, digest: bytes) -> str:
        """Finish the file and return its name."""
        self._close()
        return self._blobs.adopt(self._path, digest, self._token)

    def discard(self) -> None:
        """Drop the file."""
        self._close()
        with suppress(FileNotFoundError):
            os.unlink(self._path)

    def _close(self) -> None:
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


def file_state(status: os.stat_result) -> str:
    """Return what no change of a file's bytes leaves as it was."""
    # The time of change cannot be set by hand; a copy has it anew.
    return f"{status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}"


def _scan(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
