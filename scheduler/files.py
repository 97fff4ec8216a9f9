"""Digests of input files.

A memo is trusted only while every field of the file's state is what it was, and a
digest only if the file had been left alone for a while before it was hashed: a file
that changes twice within one tick of the clock would otherwise look unchanged.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from primitives.errors import InputFileError
from primitives.files import FileSignature, InputFile
from store import Digest, NodeKey, SqliteStore, digest_of

from .keys import file_key

SETTLED_NS = 2_000_000_000
"""A file must be this old, in nanoseconds, for its digest to be remembered."""

READ_BYTES = 1 << 22

State: TypeAlias = tuple[int, int, int, int, int]
"""Device, inode, size in bytes, mtime and ctime in nanoseconds."""


def state_of(path: Path) -> State:
    """Return what tells that a file is unchanged.

    Raises:
        OSError: there is no such file.
    """
    found = path.stat()
    return (
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )


def _digest_of_file(path: Path) -> Digest:
    with path.open("rb") as file:
        return digest_of(iter(lambda: file.read(READ_BYTES), b""))


@dataclass(frozen=True, slots=True)
class _Known:
    state: State
    digest: Digest


class InputFiles:
    """Names the content of input files; implements ``graph.InputResolver``."""

    def __init__(self, store: SqliteStore, directory: Path) -> None:
        self._store = store
        self._directory = directory
        self._digests: dict[Path, _Known] = {}

    def resolve(self, path: str) -> tuple[InputFile, NodeKey]:
        """Return the file behind ``path`` and the key of its content.

        Args:
            path: absolute, or relative to the run's directory; ``~`` is the home.

        Raises:
            InputFileError: there is no such readable file, or a file that belongs
                to it is missing.
        """
        where = self._directory / Path(path).expanduser()
        found = InputFile.at(where)
        members = self._members(where, found.suffix)
        digest, signature = self._digest(where)
        expected = [(where, signature)]
        named = []
        for member in members:
            member_digest, member_signature = self._digest(member)
            named.append((member.name, member_digest))
            expected.append((member, member_signature))
        file = InputFile(where, found.suffix, digest, tuple(expected))
        return file, file_key(digest, found.suffix, named)

    def _members(self, path: Path, suffix: str) -> list[Path]:
        if suffix in (".nii", ".nii.gz", ".png", ".json", ".txt", ".csv"):
            return []
        from primitives.formats.members import input_members

        return input_members(path)

    def _digest(self, path: Path) -> tuple[Digest, FileSignature]:
        real = path.resolve()
        try:
            state = state_of(real)
            known = self._digests.get(real) or self._remembered(real)
            if known is None or known.state != state:
                known = _Known(state, _digest_of_file(real))
                if state_of(real) != state:
                    raise InputFileError(
                        f"'{path}' changes while it is read; run again when it is done"
                    )
                self._remember(real, known)
        except OSError as error:
            raise InputFileError(
                f"'{path}' cannot be read: {error.strerror or error}"
            ) from None
        self._digests[real] = known
        _, inode, size, mtime_ns, _ = known.state
        return known.digest, FileSignature(size, mtime_ns, inode)

    def _remembered(self, path: Path) -> _Known | None:
        with self._store.database.read() as connection:
            row = connection.execute(
                "SELECT device, inode, size_bytes, mtime_ns, ctime_ns, digest"
                " FROM file_digests WHERE path = ?",
                (os.fspath(path),),
            ).fetchone()
        return None if row is None else _Known(tuple(row[:5]), Digest(row[5]))

    def _remember(self, path: Path, known: _Known) -> None:
        age_ns = time.time_ns() - max(known.state[3:])
        if age_ns < SETTLED_NS:
            return
        row = (os.fspath(path), *known.state, known.digest)
        self._store.database.write(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO file_digests VALUES (?, ?, ?, ?, ?, ?, ?)", row
            )
        )
