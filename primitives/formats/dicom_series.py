"""DICOM series in folders: which files belong together, and how one is named.

A folder stands for its only series; ``folder/UID`` for one of several.  Files that
hold no DICOM picture, such as a DICOMDIR, a report or a thumbnail, are passed over.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from itertools import islice
from pathlib import Path

from primitives.errors import InputFileError

from .dicom import PREAMBLE_BYTES, is_dicom
from .dicom_header import Membership, read_membership
from .integrity import damaged
from .suffixes import DICOM_SUFFIXES, normalized_suffix

SHOWN_SERIES = 30
SHOWN_FOLDERS = 3
_LOOKED_AT = 20
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")

Members = list[tuple[Path, Membership]]


def is_dicom_file(path: Path) -> bool:
    """Return whether a file is a DICOM file, by its first bytes.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(PREAMBLE_BYTES)
    return is_dicom(head, is_named_so=normalized_suffix(path) in DICOM_SUFFIXES)


def is_uid(text: str) -> bool:
    """Return whether a text is a UID, such as series have."""
    return _UID.fullmatch(text) is not None


def names_series(path: Path) -> bool:
    """Return whether a path is a folder and, behind it, what may be a series' UID."""
    return is_uid(path.name) and path.parent.is_dir() and not path.exists()


def series_named(path: Path) -> list[Path] | None:
    """Return the files of the series that ``path`` names, in no particular order.

    Args:
        path: a folder, or the UID of a series behind one.

    Returns:
        None if it is neither.

    Raises:
        InputFileError: there is no such series, or several, or files in the folder
            cannot be read.
    """
    if path.is_dir():
        return _only_series(path)
    if names_series(path):
        return _one_series(path.parent, path.name)
    return None


def series_around(path: Path) -> list[Path]:
    """Return the files of the series that a DICOM file is of, in its folder.

    Raises:
        InputFileError: the file, or another one in its folder, cannot be read.
    """
    folder = path.absolute().parent
    for members in _series_in(folder).values():
        files = [member for member, _ in members]
        if folder / path.name in files:
            return files
    return [path]


def _only_series(folder: Path) -> list[Path]:
    found = _series_in(folder)
    if not found:
        raise InputFileError(_nothing_in(folder))
    if len(found) > 1:
        example = min(filter(is_uid, found), default="UID")
        raise InputFileError(
            f"'{folder}' is a folder with {len(found)} DICOM series; name the one that "
            f'is meant behind the folder, such as load("{folder / example}"):'
            f"{_listed(found)}"
        )
    (members,) = found.values()
    return [path for path, _ in members]


def _one_series(folder: Path, uid: str) -> list[Path]:
    found = _series_in(folder)
    if uid not in found:
        has = f"; it has{_listed(found)}" if found else ""
        raise InputFileError(f"'{folder}' has no DICOM series {uid}{has}")
    return [path for path, _ in found[uid]]


def _series_in(folder: Path) -> dict[str, Members]:
    """Return the series of a folder by UID."""
    found: dict[str, Members] = {}
    for path in _files_of(folder):
        try:
            if is_dicom_file(path):
                membership = read_membership(path)
            elif _is_lost(path):
                raise damaged(path, "it is named as a DICOM file, and is none")
            else:
                continue
        except OSError as error:
            raise InputFileError(
                f"'{path}' cannot be read: {error.strerror or error}"
            ) from None
        if membership is not None:
            found.setdefault(membership.series, []).append((path, membership))
    return found


def _files_of(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [
                Path(entry.path)
                for entry in sorted(entries, key=lambda entry: entry.name)
                if not entry.name.startswith(".") and _may_be_slice(entry)
            ]
    except OSError as error:
        raise InputFileError(
            f"'{folder}' cannot be read: {error.strerror or error}"
        ) from None


def _may_be_slice(entry: os.DirEntry[str]) -> bool:
    """Return whether to look into a file; a link to nothing is one that is missing."""
    return entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists())


def _is_lost(path: Path) -> bool:
    """Return whether a file that is no DICOM file seems to have been one.

    A slice that was not copied to its end must not be missing without a word.
    """
    suffix = normalized_suffix(path)
    if suffix in DICOM_SUFFIXES:
        return True
    with path.open("rb") as file:
        is_blank = not any(file.read(PREAMBLE_BYTES))
    return is_blank and (not suffix or suffix[1:].isdigit())


def _listed(found: dict[str, Members]) -> str:
    lines = [_described(uid, found[uid]) for uid in sorted(found)[:SHOWN_SERIES]]
    if len(found) > SHOWN_SERIES:
        lines.append(f"and {len(found) - SHOWN_SERIES} more")
    return "".join(f"\n  {line}" for line in lines)


def _described(uid: str, members: Members) -> str:
    """Return a series in words that tell nothing of the patient."""
    sizes = Counter((each.columns, each.rows) for _, each in members)
    pixels = " and ".join(f"{columns}x{rows}" for columns, rows in sorted(sizes))
    pictures = sum(each.frames for _, each in members)
    word = "slice" if pictures == 1 else "slices"
    shown = uid if is_uid(uid) else "(without a UID)"
    return f"{shown}  {pictures} {word} of {pixels}"


def _nothing_in(folder: Path) -> str:
    """Say that a folder holds no series, and which folders in it do."""
    inside = [path for path in _folders_of(folder) if _has_dicom(path)]
    if not inside:
        return (
            f"'{folder}' is a folder without DICOM images; name a file in it, or list "
            "its files with dir"
        )
    names = ", ".join(f"'{path}'" for path in inside[:SHOWN_FOLDERS])
    more = " and more" if len(inside) > SHOWN_FOLDERS else ""
    return (
        f"'{folder}' is a folder without DICOM images of its own; name the folder in "
        f"it that holds them: {names}{more}"
    )


def _folders_of(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        return sorted(
            Path(each.path) for each in islice(entries, 1000) if each.is_dir()
        )


def _has_dicom(folder: Path) -> bool:
    """Return whether one of the first files below a folder is a DICOM file."""
    looked_at = 0
    for root, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            looked_at += 1
            try:
                path = Path(root, name)
                if path.is_file() and is_dicom_file(path):
                    return True
            except OSError:
                pass
            if looked_at >= _LOOKED_AT:
                return False
    return False
