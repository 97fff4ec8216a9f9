"""Files that programs read: how a reader gets one, and what belongs to it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .errors import InputChangedError, InputFileError
from .formats.suffixes import (
    DATA_SUFFIXES,
    DICOM,
    DICOM_SERIES,
    DICOM_SUFFIXES,
    IMAGE_SUFFIXES,
    NNUNET_MODEL,
    normalized_suffix,
)

_NEVER_DICOM = frozenset((*IMAGE_SUFFIXES, *DATA_SUFFIXES))


class FileSignature(NamedTuple):
    """What tells, without reading, that a file is still the same.

    Attributes:
        size: in bytes.
        mtime_ns: time of the last change, in nanoseconds.
        ino: number of the file in its file system.
        ctime_ns: time of the last change of its content or description, which no
            program can set: copying tools set ``mtime_ns`` to what it was.
    """

    size: int
    mtime_ns: int
    ino: int
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to be read; what a primitive with ``reads`` gets instead of a path.

    Attributes:
        path: where it is.
        suffix: its format in lower case, such as ``".nii.gz"``; or a word for formats
            that are not told by the name.
        digest: of its bytes, when known.
        expected: what the file and its members looked like when they were hashed.
        slices: the files of a DICOM series, which ``path`` names together; in no
            particular order.
    """

    path: Path
    suffix: str
    digest: bytes | None = None
    expected: tuple[tuple[Path, FileSignature], ...] = ()
    slices: tuple[Path, ...] = ()

    @staticmethod
    def at(path: str | Path) -> InputFile:
        """Return the file at ``path`` as it is now, or the DICOM series.

        Args:
            path: of a file, of a folder that holds one DICOM series, or such a folder
                and the UID of a series in it.

        Raises:
            InputFileError: there is no file that can be read, or no single series.
        """
        where = Path(path)
        suffix = normalized_suffix(where)
        if suffix in _NEVER_DICOM and not where.is_dir():
            require_readable(where)
            return InputFile(where, suffix)
        if (where / "plans.json").is_file() and (where / "dataset.json").is_file():
            return InputFile(where, NNUNET_MODEL)
        from .formats.dicom_series import is_dicom_file, series_named

        slices = series_named(where)
        if slices is not None and len(slices) > 1:
            return InputFile(where, DICOM_SERIES, slices=tuple(slices))
        if slices is not None:
            return InputFile(where, DICOM, slices=tuple(slices))
        require_readable(where)
        if suffix in DICOM_SUFFIXES or is_dicom_file(where):
            return InputFile(where, DICOM, slices=(where,))
        return InputFile(where, suffix)

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
    return FileSignature(
        found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns
    )


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
