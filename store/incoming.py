"""Files of artifacts that are arriving.

A file is ``incoming/<digest>.<token>``, as long as its artifact and full of holes where
chunks are missing.  Whoever receives holds the file's lock, so two receptions never
share one, and a dead receiver is known at once.  When a reception is suspended, the
chunks that are there are noted with the state of the file; if it is in any other state
later, as after a crash, every chunk in it is hashed anew.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .blobs import BlobAge, Blobs, file_state
from .boot import boot_id
from .contract import Digest
from .database import Database
from .errors import StoreFullError, explain_os_error
from .manifest import CHUNK_BYTES, Manifest, manifest_of

FOLDER = "incoming"
ABANDONED_S = 24 * 3600.0
"""A file that was last written so long ago is dropped."""


class Incoming:
    """The artifacts that are arriving at one store."""

    def __init__(self, root: Path, database: Database, blobs: Blobs) -> None:
        self._root = root
        self._folder = root / FOLDER
        self._database = database
        self._blobs = blobs

    def open(self, manifest: Manifest) -> IncomingFile:
        """Take up a file that an earlier reception left, or begin one.

        Raises:
            StoreFullError: the disk has no room for what is missing.
            StoreUnusableError: not writable.
        """
        try:
            for path in self._paths():
                is_ours = path.stem == manifest.digest.hex()
                if is_ours and (handle := _lock(path)) is not None:
                    return self._take_up(IncomingFile(path, handle, manifest))
            self._require_disk(manifest.size_bytes)
            return self._create(manifest)
        except OSError as error:
            raise explain_os_error(error, self._root) from error

    def sweep(self, age_s: float = ABANDONED_S, is_dry: bool = False) -> list[BlobAge]:
        """Drop, or only list, what nobody has gone on with for so long."""
        swept = []
        before = time.time() - age_s
        for path in self._paths():
            with suppress(OSError):
                status = path.stat()
                if status.st_mtime < before and (is_dry or _drop_left(path)):
                    swept.append(BlobAge(str(path), "", status.st_size))
        if not is_dry:
            self._forget_gone()
        return swept

    def note(self, file: IncomingFile) -> None:
        """Note what has arrived in a file that will not be written for now."""
        values = (file.path.name, file.state(), bytes(file.present))
        self._database.transact(
            lambda c: c.execute(
                "INSERT OR REPLACE INTO receptions VALUES (?, ?, ?)", values
            )
        )

    def adopt(self, file: IncomingFile, digest: Digest) -> str:
        """Make a whole file a content file, and return its name there."""
        os.fchmod(file.handle, 0o400)
        os.utime(file.handle)  # or it might be taken for something that was left over
        return self._blobs.adopt(str(file.path), digest, file.path.suffix[1:])

    def _paths(self) -> list[Path]:
        try:
            return list(self._folder.iterdir())
        except OSError:  # most likely there is none yet
            return []

    def _take_up(self, file: IncomingFile) -> IncomingFile:
        try:
            noted = self._noted(file)
            if noted is not None and len(noted) == len(file.present):
                file.present[:] = noted
            else:
                os.ftruncate(file.handle, file.manifest.size_bytes)
                file.verify()
            self._require_disk(file.present.count(0) * CHUNK_BYTES)
        except BaseException:
            file.close()
            raise
        return file

    def _noted(self, file: IncomingFile) -> bytes | None:
        query = "SELECT present FROM receptions WHERE file = ? AND state = ?"
        with self._database.read() as connection:
            values = (file.path.name, file.state())
            row = connection.execute(query, values).fetchone()
        return row[0] if row else None

    def _create(self, manifest: Manifest) -> IncomingFile:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        while True:
            name = f"{manifest.digest.hex()}.{os.urandom(8).hex()}"
            path = self._folder / name
            handle = _lock(path, os.O_CREAT | os.O_EXCL)
            if handle is not None:  # else another has taken it up already
                break
        file = IncomingFile(path, handle, manifest)
        try:
            os.ftruncate(handle, manifest.size_bytes)
        except OSError:
            file.drop()
            file.close()
            raise
        return file

    def _require_disk(self, size_bytes: int) -> None:
        disk = os.statvfs(self._root)
        if disk.f_bavail * disk.f_frsize < size_bytes:
            raise StoreFullError(
                f"{self._root}: the disk has no room for an artifact of {size_bytes}"
                " bytes; free some space"
            )

    def _forget_gone(self) -> None:
        there = {path.name for path in self._paths()}
        with self._database.read() as connection:
            noted = connection.execute("SELECT file FROM receptions").fetchall()
        gone = [row for row in noted if row[0] not in there]
        if gone:
            query = "DELETE FROM receptions WHERE file = ?"
            self._database.write(lambda c: c.executemany(query, gone).rowcount)


class IncomingFile:
    """A file that an artifact arrives in, open and locked.

    Attributes:
        present: 1 for each chunk that is known to be right, else 0.
    """

    def __init__(self, path: Path, handle: int, manifest: Manifest) -> None:
        self.path = path
        self.handle = handle
        self.manifest = manifest
        self.present = bytearray(len(manifest.chunks))

    def write(self, index: int, data: memoryview) -> None:
        """Write a chunk; raises ``OSError`` as the system does."""
        at = index * CHUNK_BYTES
        while data:
            written = os.pwrite(self.handle, data, at)
            at += written
            data = data[written:]

    def view(self) -> memoryview:
        """Return the file's bytes, as they are."""
        size = self.manifest.size_bytes
        return memoryview(mmap.mmap(self.handle, size, access=mmap.ACCESS_READ))

    def verify(self) -> None:
        """Hash what is in the file, to see which chunks are right."""
        view = self.view()
        for chunks in self._written():
            part = view[chunks.start * CHUNK_BYTES : chunks.stop * CHUNK_BYTES]
            for index, digest in zip(chunks, manifest_of([part]).chunks, strict=True):
                self.present[index] = digest == self.manifest.chunks[index]

    def state(self) -> str:
        """Return what changes when the file is written, or the machine restarted."""
        status = os.fstat(self.handle)
        # The bytes were never synchronised; after a power cut they may be others.
        return f"{boot_id()} {file_state(status)}"

    def drop(self) -> None:
        """Remove the file; it still has to be closed."""
        with suppress(OSError):  # a sweep will try again
            self.path.unlink()

    def close(self) -> None:
        """Let go of the file and its lock."""
        handle, self.handle = self.handle, -1
        if handle >= 0:
            os.close(handle)

    def _written(self) -> Iterator[range]:
        """Yield the chunks that are not wholly in holes of the file."""
        at, size = 0, self.manifest.size_bytes
        while at < size:
            start, stop = _data_after(self.handle, at, size)
            if start < stop:
                last = -(-stop // CHUNK_BYTES)
                yield range(start // CHUNK_BYTES, last)
                stop = last * CHUNK_BYTES
            at = stop


def _data_after(handle: int, at: int, size: int) -> tuple[int, int]:
    if not hasattr(os, "SEEK_DATA"):
        return at, size
    try:
        start = os.lseek(handle, at, os.SEEK_DATA)
        return start, min(size, os.lseek(handle, start, os.SEEK_HOLE))
    except OSError as error:
        if error.errno == errno.ENXIO:  # nothing but a hole
            return size, size
        raise


def _lock(path: Path, flags: int = 0) -> int | None:
    """Open a file and take its lock; None if it is gone or somebody has it."""
    try:
        handle = os.open(path, os.O_RDWR | flags, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had it may have made it a content file, or removed it.
        if os.path.samestat(path.stat(), os.fstat(handle)):
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None


def _drop_left(path: Path) -> bool:
    handle = _lock(path)
    if handle is None:
        return False
    try:
        path.unlink()
    finally:
        os.close(handle)
    return True
