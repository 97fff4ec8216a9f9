"""Artifacts: bytes by digest, short ones in the database, longer ones in files.

Order of writes: an artifact's bytes are complete under their final name before its row
is queued, and its row is queued before any record that names it can be.  A crash
between the two leaves a file without a row, which the collector sweeps.

Bytes in the database are verified whenever they are read, a file when a process first
reads it.  That a file was found right is noted in its row with the file's state, which
no later change leaves as it was, so that other processes need not verify it again.
"""

from __future__ import annotations

import errno
import mmap
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from . import codec
from .blobs import BlobFile, Blobs, file_state
from .boot import boot_id
from .contract import Digest
from .database import Database
from .errors import (
    ArtifactNotFoundError,
    CorruptArtifactError,
    StoreFullError,
    explain_os_error,
)
from .manifest import Manifest, digest_of_bytes, manifest_of

T = TypeVar("T")

INLINE_BYTES = 32 * 1024
"""From this length on, as stored, a file is faster than a row."""

MAPPED_BYTES = 1024 * 1024
"""From this length on a file is mapped: a map costs a file handle as long as it lives,
and a process has few; below, a copy costs less than the verification."""

SETTLED_S = 2.0
"""A file changed more recently than this could change again within one tick."""

COLUMNS = """size_bytes, stored_bytes, codec, file, payload,
  written_boot, verified_boot, verified_state"""

INSERT = """INSERT INTO artifacts (digest, size_bytes, stored_bytes, codec, touched_ms,
  file, written_boot, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""

NOTE_MANIFEST = """INSERT OR REPLACE INTO manifests
  SELECT digest, ? FROM artifacts WHERE digest = ?"""


def now_ms() -> int:
    """Return milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """Where and how an artifact is stored."""

    size_bytes: int
    stored_bytes: int
    codec: str
    file: str | None
    payload: bytes | None
    written_boot: str | None = None
    verified_boot: str | None = None
    verified_state: str | None = None
    manifest: bytes | None = None

    @property
    def place(self) -> tuple[str | None, bytes | None]:
        """Where the bytes are."""
        return self.file, self.payload


@dataclass(frozen=True, slots=True)
class OpenArtifact:
    """Verified bytes of one artifact."""

    digest: Digest
    size_bytes: int
    _data: bytes | mmap.mmap

    def view(self) -> memoryview:
        """Return all bytes as one read-only view, without a copy."""
        return memoryview(self._data)


class DamagedError(Exception):
    """What is wrong with an artifact's bytes."""


class Artifacts:
    """Reads and writes the artifacts of one store."""

    def __init__(self, database: Database, blobs: Blobs, cap_bytes: int) -> None:
        self.cap_bytes = cap_bytes
        self._database = database
        self._blobs = blobs
        self._pending: dict[bytes, Row] = {}
        self._verified: dict[bytes, str] = {}
        self._lost: dict[bytes, BaseException] = {}
        self._queueing = threading.Lock()
        self._room_left: int | None = None

    # ---- reading -----------------------------------------------------------

    def open(self, digest: Digest) -> OpenArtifact:
        """Open an artifact, verified.

        Raises:
            ArtifactNotFoundError: not here.
            CorruptArtifactError: damaged; it and its records have been dropped.
        """
        return self._use(
            digest,
            lambda row: OpenArtifact(digest, row.size_bytes, self.load(digest, row)),
        )

    def manifest(self, digest: Digest) -> Manifest:
        """Return the manifest of an artifact; raises as :meth:`open`."""
        return self._use(digest, lambda row: self._manifest(digest, row))

    def _use(self, digest: Digest, use: Callable[[Row], T]) -> T:
        row = self.find(digest)
        while row is not None:
            try:
                return use(row)
            except DamagedError as error:
                read, row = row, self.find(digest)
                if row is not None and row.place == read.place:
                    self.drop_damaged(digest, read)
                    raise CorruptArtifactError(digest, str(error)) from None
                # Evicted, or another file took its place, since the row was read.
        raise ArtifactNotFoundError(digest)

    def find(self, digest: Digest) -> Row | None:
        """Return the row of an artifact, or None."""
        with self._queueing:
            pending = self._pending.get(digest)
        if pending is not None:
            return pending
        with self._database.read() as connection:
            return _select(connection, digest)

    def load(
        self, digest: Digest, row: Row, is_thorough: bool = False
    ) -> bytes | mmap.mmap:
        """Return an artifact's bytes, verified if they have to be.

        Args:
            is_thorough: verify whatever was verified before.

        Raises:
            DamagedError: they are not what they should be.
        """
        if row.file is None:
            assert row.payload is not None
            data = _expanded(row.payload, row)
            _require_match(digest, data)
            return data
        stored, status = self._read(row, row.file)
        data = _expanded(stored, row)
        state = file_state(status)
        if is_thorough or not self._is_trusted(digest, row, state):
            _require_match(digest, data)
            self._verified[digest] = state
            if digest not in self._pending:
                self._note_verified(digest, row.file, status)
        return data

    def _manifest(self, digest: Digest, row: Row) -> Manifest:
        if not self._is_whole(row):
            raise DamagedError("its file is missing or was cut short")
        noted = row.manifest or self._noted_manifest(digest)
        if noted is not None and sha256(noted).digest() == digest:
            return Manifest.parse(noted)
        manifest = manifest_of([memoryview(self.load(digest, row))])
        if manifest.digest != digest:
            raise DamagedError("its bytes do not match its name")
        if row.file is not None:
            encoded = manifest.encode()
            self._database.write(
                lambda c: c.execute(NOTE_MANIFEST, (encoded, digest)).rowcount
            )
        return manifest

    def _noted_manifest(self, digest: Digest) -> bytes | None:
        query = "SELECT manifest FROM manifests WHERE digest = ?"
        with self._database.read() as connection:
            row = connection.execute(query, (digest,)).fetchone()
        return row[0] if row else None

    def _read(self, row: Row, file: str) -> tuple[bytes | mmap.mmap, os.stat_result]:
        path = self._blobs.path(file)
        try:
            handle = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            raise DamagedError("its file is missing") from None
        except OSError as error:
            raise explain_os_error(error, self._database.path.parent) from error
        try:
            status = os.fstat(handle)
            size = status.st_size
            if size != row.stored_bytes:
                raise DamagedError(
                    f"its file has {size} bytes instead of {row.stored_bytes}"
                )
            if size < MAPPED_BYTES:
                data = os.read(handle, size)
                if len(data) != size:
                    raise DamagedError("its file was cut short")
                return data, status
            return mmap.mmap(handle, size, access=mmap.ACCESS_READ), status
        except OSError as error:
            if error.errno == errno.EIO:
                raise DamagedError("the disk cannot read its file") from None
            raise explain_os_error(error, self._database.path.parent) from error
        finally:
            os.close(handle)

    def _is_trusted(self, digest: Digest, row: Row, state: str) -> bool:
        if self._verified.get(digest) == state:
            return True
        if row.verified_boot == row.written_boot != boot_id():
            return False  # never read back from the disk
        return row.verified_state == state

    def _note_verified(self, digest: Digest, file: str, status: os.stat_result) -> None:
        changed_ns = max(status.st_mtime_ns, status.st_ctime_ns)
        if time.time_ns() - changed_ns < SETTLED_S * 1e9:
            return
        state = file_state(status)
        self._database.write(
            lambda connection: (
                connection.execute(
                    "UPDATE artifacts SET verified_boot = ?, verified_state = ?"
                    " WHERE digest = ? AND file = ?",
                    (boot_id(), state, digest, file),
                ).rowcount
            )
        )

    # ---- dropping ----------------------------------------------------------

    def drop_damaged(self, digest: Digest, read: Row | None) -> tuple[bytes, ...]:
        """Drop an artifact and every record that needs it; return their keys.

        Args:
            read: the row whose bytes are damaged or missing.  If another has taken
                its place meanwhile, nothing is dropped.
        """

        def is_as_read(connection: sqlite3.Connection) -> bool:
            held = _select(connection, digest)
            return held is None or (read is not None and held.place == read.place)

        return self._drop_if(digest, is_as_read)

    def drop_incomplete(self, digest: Digest) -> tuple[bytes, ...]:
        """Drop an artifact that is missing, or a part of it, and what needs it."""

        def is_incomplete(connection: sqlite3.Connection) -> bool:
            query = """SELECT NOT EXISTS (SELECT 1 FROM artifacts WHERE digest = ?1)
              OR EXISTS (SELECT 1 FROM artifact_parts p WHERE parent = ?1 AND NOT EXISTS
                (SELECT 1 FROM artifacts a WHERE a.digest = p.child))"""
            row = connection.execute(query, (digest,)).fetchone()
            return bool(row[0])

        return self._drop_if(digest, is_incomplete)

    def _drop_if(
        self, digest: Digest, is_still: Callable[[sqlite3.Connection], bool]
    ) -> tuple[bytes, ...]:
        # Another process may have written it anew since it was found to be damaged.
        def drop(connection: sqlite3.Connection) -> tuple[list[bytes], str | None]:
            if not is_still(connection):
                return [], None
            keys = remove_results_needing(connection, digest)
            connection.execute("DELETE FROM artifact_parts WHERE parent = ?", (digest,))
            return keys, delete_row(connection, digest)

        keys, file = self._database.transact(drop)
        self.forget(digest)
        if file is not None:
            self._blobs.remove(file)
        return tuple(keys)

    def forget(self, digest: bytes) -> None:
        """Forget what this process knows about an artifact that is gone."""
        self._verified.pop(digest, None)

    # ---- writing -----------------------------------------------------------

    def put_short(self, data: bytes) -> Digest:
        """Store an artifact that is short enough to be held in memory twice."""
        digest = digest_of_bytes(data)
        if self.is_held(digest):
            return digest
        stored, name = data, "raw"
        if codec.pays([memoryview(data)]):
            stored, name = codec.compress(data), "zstd"
        self.require_room(len(stored))
        file = None
        if len(stored) >= INLINE_BYTES:
            file = self._write_file(digest, stored)
        payload = stored if file is None else None
        self.add(digest, Row(len(data), len(stored), name, file, payload, boot_id()))
        return digest

    def begin_file(self) -> BlobFile:
        """Begin a content file."""
        return self._blobs.create()

    def is_held(self, digest: Digest) -> bool:
        """Return whether an artifact is stored and whole; it is kept for now."""
        row = self.find(digest)
        if row is None or not self._is_whole(row):
            return False
        if digest in self._pending:
            return True
        if row.file is None or row.written_boot != boot_id():
            try:
                self.load(digest, row)
            except DamagedError:
                self.drop_damaged(digest, row)
                return False
        self._touch(digest)
        return True

    def add(self, digest: Digest, row: Row) -> None:
        """Queue the row of an artifact whose bytes are complete."""
        # Whoever sees the row as pending may queue a record that needs it at once.
        with self._queueing:
            ticket = self._database.write(lambda c: self._insert(c, digest, row))
            self._pending[digest] = row
            self._lost.pop(digest, None)
            status = self._blobs.status(row.file) if row.file is not None else None
            if status is not None:
                self._verified[digest] = file_state(status)
        ticket.add_done_callback(lambda done: self._added(digest, row, done))

    def require_room(self, size: int) -> None:
        """Refuse what the cap leaves no room for.

        Raises:
            StoreFullError: nothing more can be evicted.
        """
        room = self._room_left
        if size > self.cap_bytes or (room is not None and size > room):
            raise StoreFullError(
                f"{self._database.path.parent}: the store has reached its cap of"
                f" {self.cap_bytes} bytes and the rest of it is pinned; raise the cap,"
                " or unpin results"
            )

    def why_missing(self, digest: bytes) -> BaseException:
        """Return why an artifact that a record names is not here."""
        return self._lost.get(digest) or ArtifactNotFoundError(digest)

    def set_room(self, room: int | None) -> None:
        """Say how many bytes can be added; None when eviction can make room."""
        self._room_left = room

    def _insert(self, connection: sqlite3.Connection, digest: Digest, row: Row) -> bool:
        held = _select(connection, digest)
        if held is not None:
            if self._is_whole(held):
                return False
            delete_row(connection, digest)
        # No sweep can come between this look and the commit: it takes the same lock.
        if not self._is_whole(row):
            raise ArtifactNotFoundError(digest)
        boot = row.written_boot if row.file is not None else None
        place = (row.file, boot, row.payload)
        sizes = (row.size_bytes, row.stored_bytes, row.codec, now_ms())
        connection.execute(INSERT, (digest, *sizes, *place))
        if row.manifest is not None:
            connection.execute(NOTE_MANIFEST, (row.manifest, digest))
        return True

    def _added(self, digest: Digest, row: Row, done: Future[bool]) -> None:
        failure = done.exception()
        with self._queueing:
            if self._pending.get(digest) is row:
                del self._pending[digest]
        if failure is not None:
            self._lost[digest] = failure
            self.forget(digest)
        # Last, because a pending row promises that its file is there.
        if row.file is not None and (failure is not None or not done.result()):
            self._blobs.remove(row.file)  # another writer was first

    def _is_whole(self, row: Row) -> bool:
        if row.file is None:
            return True
        status = self._blobs.status(row.file)
        return status is not None and status.st_size == row.stored_bytes

    def _touch(self, digest: Digest) -> None:
        self._database.write(
            lambda connection: (
                connection.execute(
                    "UPDATE artifacts SET touched_ms = ? WHERE digest = ?",
                    (now_ms(), digest),
                ).rowcount
            )
        )

    def _write_file(self, digest: Digest, data: bytes) -> str:
        file = self._blobs.create()
        try:
            file.write(data)
            return file.keep(digest)
        except OSError as error:
            file.discard()
            raise explain_os_error(error, self._database.path.parent) from error

    def explain(self, error: OSError) -> Exception:
        """Return what an operating system error means here."""
        return explain_os_error(error, self._database.path.parent)


def _expanded(stored: bytes | mmap.mmap, row: Row) -> bytes | mmap.mmap:
    if row.codec == "raw":
        return stored
    try:
        return codec.expand(memoryview(stored), row.size_bytes)
    except codec.DecodeError as error:
        raise DamagedError(f"what is stored {error}") from None


def _require_match(digest: Digest, data: bytes | mmap.mmap) -> None:
    if digest_of_bytes(memoryview(data)) != digest:
        raise DamagedError("its bytes do not match its name")


def delete_row(connection: sqlite3.Connection, digest: bytes) -> str | None:
    """Delete an artifact's row; return the name of the file to remove after."""
    row = connection.execute(
        "DELETE FROM artifacts WHERE digest = ? RETURNING file", (digest,)
    ).fetchone()
    return row[0] if row else None


def remove_results_needing(
    connection: sqlite3.Connection, digest: bytes
) -> list[bytes]:
    """Delete the records of an artifact and of all that refer to it; return keys."""
    return [
        key
        for (key,) in connection.execute(
            """
            WITH RECURSIVE needing (digest) AS (
              VALUES (?)
              UNION
              SELECT parent FROM artifact_parts JOIN needing ON child = digest
            )
            DELETE FROM results WHERE digest IN (SELECT digest FROM needing)
            RETURNING key
            """,
            (digest,),
        ).fetchall()
    ]


def _select(connection: sqlite3.Connection, digest: bytes) -> Row | None:
    row = connection.execute(
        f"SELECT {COLUMNS} FROM artifacts WHERE digest = ?", (digest,)
    ).fetchone()
    return None if row is None else Row(*row)
