"""Errors of the store.

``StoreError``
    ``ArtifactNotFoundError``   the bytes are not here; compute or fetch them
    ``CorruptArtifactError``    bytes were here and were damaged; they are dropped
    ``ChunkMismatchError``      a chunk is not what its manifest says
    ``IncompleteArtifactError`` not all chunks have arrived
    ``ManifestError``           a chunk manifest is malformed
    ``StoreFullError``          the disk or the cap leaves no room
    ``StoreNewerError``         written by a newer version; not touched
    ``ForeignStoreError``       not a store; not touched
    ``NetworkFileSystemError``  a store cannot lie on a network file system
    ``StoreUnusableError``      unreadable, unwritable, damaged or closed
"""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class StoreError(Exception):
    """Base of all errors of this room; its text is for people."""


class ArtifactNotFoundError(StoreError):
    """No such artifact is here."""

    def __init__(self, digest: bytes) -> None:
        super().__init__(
            f"artifact {digest.hex()[:16]} is not in the store;"
            " run the program that makes it again"
        )
        self.digest = digest


class CorruptArtifactError(StoreError):
    """The bytes of an artifact no longer match its name; it was dropped."""

    def __init__(self, digest: bytes, problem: str) -> None:
        super().__init__(
            f"artifact {digest.hex()[:16]} was damaged ({problem}) and has been"
            " dropped; run the program again to compute it again"
        )
        self.digest = digest
        self.problem = problem


class ChunkMismatchError(StoreError):
    """A chunk that arrived is not what its manifest says; it was not kept."""

    def __init__(self, digest: bytes, index: int, problem: str) -> None:
        super().__init__(
            f"chunk {index} of artifact {digest.hex()[:16]} {problem};"
            " get it from somewhere else"
        )
        self.digest = digest
        self.index = index


class IncompleteArtifactError(StoreError):
    """An artifact cannot be stored because chunks of it have not arrived."""

    def __init__(self, digest: bytes, missing: int) -> None:
        super().__init__(
            f"artifact {digest.hex()[:16]} is not complete; chunks missing: {missing}"
        )
        self.digest = digest


class ManifestError(StoreError):
    """A chunk manifest is malformed, or the artifact is too long for one."""


class StoreFullError(StoreError):
    """The disk, or the store's cap, leaves no room."""


class StoreNewerError(StoreError):
    """The store was written by a newer version of the program."""

    def __init__(self, path: Path, room: str, version: int) -> None:
        super().__init__(
            f"{path}: this store has version {version} of the {room} tables, which is"
            " newer than this program knows; update voxpeer, or name another folder"
        )


class ForeignStoreError(StoreError):
    """A folder or file that is not a store; nothing in it was changed."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"{path}: {problem}; nothing was changed. Name an empty folder, or one that"
            " does not exist yet"
        )


class NetworkFileSystemError(StoreError):
    """A store cannot lie on a network file system."""

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(
            f"{path}: this folder is on a network file system ({kind}), where several"
            " processes cannot safely share a database; name a folder on a local disk"
            " with --store or VOXPEER_STORE"
        )


class StoreUnusableError(StoreError):
    """The store cannot be read or written, is damaged, or was closed."""


def explain_os_error(error: OSError, path: Path) -> StoreError:
    """Return what an operating system error means for the store at ``path``."""
    if error.errno in FULL_ERRNOS:
        return StoreFullError(
            f"{path}: no room left ({error.strerror}); free some space, or run"
            " `voxpeer store gc --cap` with a smaller cap"
        )
    return StoreUnusableError(
        f"{error.filename or path}: {error.strerror or error};"
        " check the permissions and the disk"
    )


def is_trouble(error: BaseException) -> bool:
    """Return whether the database has failed, and not the statement it was given."""
    wrong = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.NotSupportedError)
    return isinstance(error, sqlite3.Error) and not isinstance(error, wrong)


def explain_sqlite_error(error: sqlite3.Error, path: Path) -> StoreError:
    """Return what a database error means for the store at ``path``."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreFullError(
            f"{path}: no room left for the database; free some space on this disk"
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreUnusableError(
            f"{path}: another process has kept the store busy for too long; try again"
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreUnusableError(
            f"{path}: the database is damaged ({error}); move the folder away or"
            " restore one of its backups; what is missing is computed again"
        )
    return StoreUnusableError(
        f"{path}: the database cannot be used ({error});"
        " check the permissions and the disk"
    )
