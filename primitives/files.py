"""Files that programs read: how a reader gets one, and what belongs to it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .errors import InputChangedError, InputFileError
from .formats.suffixes import normalized_suffix


class FileSignature(NamedTuple):
    """What tells, without reading, that a file is still the same.

    Attributes:
        size: in bytes.
        mtime_ns: time of the last change, in nanoseconds.
        ino: number of the file in its file system.
    """

    size: int
    mtime_ns: int
    ino: int


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to be read; what a primitive with ``reads`` gets instead of a path.

    Attributes:
        path: where it is.
        suffix: its format in lower case, such as ``".nii.gz"``.
        digest: of its bytes, when known.
        expected: what the file and its members looked like when they were hashed.
    """

    path: Path
    suffix: str
    digest: bytes | None = None
    expected: tuple[tuple[Path, FileSignature], ...] = ()

    @staticmethod
    def at(path: str | Path) -> InputFile:
        """Return the file at ``path`` as it is now.

        Raises:
            InputFileError: there is no file that can be read.
        """
        where = Path(path)
        require_readable(where)
        return InputFile(where, normalized_suffix(where))

    def check_unchanged(self) -> None:
        """Check that the file and its members are still those that were hashed.

        Raises:
            InputChangedError: one of them changed or is gone.
        """
        for path, signature in self.expected:
            try:
                same = file_signature(path) == signature
            except InputFileError:
                same = False
            if not same:
                raise InputChangedError(f"'{path}' changed while it was being read")


def file_signature(path: Path) -> FileSignature:
    """Return the signature of a file.

    Raises:
        InputFileError: it cannot be looked at.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from None
    return FileSignature(found.st_size, found.st_mtime_ns, found.st_ino)


def require_readable(path: Path) -> None:
    """Check that ``path`` is a file that may be read.

    Raises:
        InputFileError: it is not; the message says why.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise _unreadable(path, error) from None
    if stat.S_ISDIR(mode):
        raise InputFileError(f"'{path}' is a folder, not a file; name a file in it")
    if not stat.S_ISREG(mode):
        raise InputFileError(f"'{path}' is not a regular file")
    if not os.access(path, os.R_OK):
        raise InputFileError(f"'{path}' may not be read; check its permissions")


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        InputFileError: it cannot be read.
    """
    require_readable(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> InputFileError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return InputFileError(f"there is no file '{path}'; check the path")
    return InputFileError(f"'{path}' cannot be read: {error.strerror or error}")
