"""Digests of input files.

A memo is trusted only while every field of the file's state is what it was, and a
digest only if the file had been left alone for a while before it was hashed: a file
that changes twice within one tick of the clock would otherwise look unchanged.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from primitives.errors import InputFileError
from primitives.files import FileSignature, InputFile
from primitives.formats.suffixes import DICOM, DICOM_SERIES, NNUNET_MODEL
from store import Digest, NodeKey, SqliteStore, digest_of

from .keys import file_key

SETTLED_NS = 2_000_000_000
"""A file must be this old, in nanoseconds, for its digest to be remembered."""

READ_BYTES = 1 << 22

READING = -1
"""Stands for files that are read where a node stands for what is computed."""

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
    """Names the content of input files; implements ``graph.InputResolver``.

    Args:
        store: where digests are remembered.
        directory: what relative paths are relative to.
        running: where to say what is being read, as ``Progress.running`` has it.
    """

    def __init__(
        self,
        store: SqliteStore,
        directory: Path,
        running: dict[int, tuple[str, float]] | None = None,
    ) -> None:
        self._store = store
        self._directory = directory
        self._running = {} if running is None else running
        self._digests: dict[Path, _Known] = {}

    def resolve(self, path: str) -> tuple[InputFile, NodeKey]:
        """Return the file behind ``path`` and the key of its content.

        Args:
            path: absolute, or relative to the run's directory; ``~`` is the home.

        Raises:
            InputFileError: there is no such readable file, or a file that belongs
                to it is missing.
        """
        try:
            where = self._directory / Path(path).expanduser()
        except RuntimeError:
            raise InputFileError(f"there is no home folder of '{path}'") from None
        started = time.monotonic()
        self._running[READING] = (f"reading {where.name}", started)
        try:
            found = InputFile.at(where)
            if found.slices:
                return self._resolve_slices(found, started)
            return self._resolve_file(where, found)
        except (OSError, ValueError) as error:  # a name that no file can have
            reason = getattr(error, "strerror", None) or error
            raise InputFileError(f"'{path}' cannot be read: {reason}") from None
        finally:
            self._running.pop(READING, None)

    def resolve_slices(
        self, folder: Path, slices: Sequence[Path]
    ) -> tuple[InputFile, NodeKey]:
        """Return the DICOM series that some files in a folder are, and its key.

        Raises:
            InputFileError: one of them cannot be read.
        """
        found = InputFile(folder, DICOM_SERIES, slices=tuple(slices))
        return self._resolve_slices(found, time.monotonic())

    def _resolve_file(self, where: Path, found: InputFile) -> tuple[InputFile, NodeKey]:
        if found.suffix == NNUNET_MODEL:
            return self._resolve_model(found)
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

    def _resolve_slices(
        self, found: InputFile, started: float
    ) -> tuple[InputFile, NodeKey]:
        """Name the slices of a DICOM series by what they hold, and not by their names.

        A slice that is there twice is one; a series of one file is that file.
        """
        known = {}
        for at, path in enumerate(found.slices):
            text = f"reading {found.path.name}, {at} of {len(found.slices)} files"
            self._running[READING] = (text, started)
            known[path] = self._digest(path)
        by_digest = {digest: path for path, (digest, _) in sorted(known.items())}
        kept = tuple(by_digest[digest] for digest in sorted(by_digest))
        digest, media = min(by_digest), DICOM
        if len(by_digest) > 1:
            digest, media = digest_of([b"".join(sorted(by_digest))]), DICOM_SERIES
        expected = tuple((path, known[path][1]) for path in kept)
        file = replace(
            found, suffix=media, digest=digest, expected=expected, slices=kept
        )
        return file, file_key(digest, media)

    def _resolve_model(self, found: InputFile) -> tuple[InputFile, NodeKey]:
        """Name a trained network by what its files hold and their places in it."""
        from primitives.formats.nnunet_model import model_files

        known = {path: self._digest(path) for path in model_files(found.path)}
        named = [
            (path.relative_to(found.path).as_posix(), digest)
            for path, (digest, _) in known.items()
        ]
        plans, *members = named
        expected = tuple((path, known[path][1]) for path in known)
        file = replace(found, digest=plans[1], expected=expected)
        return file, file_key(plans[1], found.suffix, members)

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
        _, inode, size, mtime_ns, ctime_ns = known.state
        return known.digest, FileSignature(size, mtime_ns, inode, ctime_ns)

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
