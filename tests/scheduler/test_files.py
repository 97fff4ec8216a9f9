"""Input files enter by content; their digests are remembered with care."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from primitives.errors import InputFileError
from scheduler.files import InputFiles
from store import NodeKey, SqliteStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def key(store: SqliteStore, folder: Path, name: str) -> NodeKey:
    return InputFiles(store, folder).resolve(name)[1]


def settle(path: Path) -> None:
    """Make a file look as if it had been left alone for a minute."""
    past = time.time_ns() - 60_000_000_000
    os.utime(path, ns=(past, past))


def test_copies_have_one_key(store: SqliteStore, folder: Path) -> None:
    (folder / "a.txt").write_text("x")
    (folder / "b.txt").write_text("x")
    assert key(store, folder, "a.txt") == key(store, folder, "b.txt")


def test_the_format_is_in_the_key(store: SqliteStore, folder: Path) -> None:
    (folder / "a.txt").write_text("x")
    (folder / "a.csv").write_text("x")
    assert key(store, folder, "a.txt") != key(store, folder, "a.csv")


def test_a_touched_file_keeps_its_key(store: SqliteStore, folder: Path) -> None:
    path = folder / "a.txt"
    path.write_text("x")
    before = key(store, folder, "a.txt")
    settle(path)
    assert key(store, folder, "a.txt") == before
    os.utime(path)
    assert key(store, folder, "a.txt") == before


def test_a_changed_byte_changes_the_key(store: SqliteStore, folder: Path) -> None:
    path = folder / "a.txt"
    path.write_text("x")
    before = key(store, folder, "a.txt")
    path.write_text("y")
    assert key(store, folder, "a.txt") != before


def test_a_change_that_hides_its_time_is_noticed(
    store: SqliteStore, folder: Path
) -> None:
    path = folder / "a.txt"
    path.write_text("x")
    settle(path)
    before = key(store, folder, "a.txt")
    times = path.stat()
    path.write_text("y")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    # The time of the change of the inode cannot be set back.
    assert key(store, folder, "a.txt") != before


def test_a_file_changed_within_a_moment_is_not_trusted(
    store: SqliteStore, folder: Path
) -> None:
    path = folder / "a.txt"
    for text in ("x", "y", "z"):
        path.write_text(text)
        seen = key(store, folder, "a.txt")
        (folder / "copy.txt").write_text(text)
        assert seen == key(store, folder, "copy.txt")


@pytest.mark.parametrize("name", ["missing.nii.gz", "."])
def test_what_is_no_file_is_refused(
    name: str, store: SqliteStore, folder: Path
) -> None:
    with pytest.raises(InputFileError):
        InputFiles(store, folder).resolve(name)


def test_a_header_counts_with_its_data_file(store: SqliteStore, folder: Path) -> None:
    header = (
        "ObjectType = Image\nNDims = 2\nDimSize = 2 2\nElementType = MET_UCHAR\n"
        "ElementDataFile = a.raw\n"
    )
    (folder / "a.mhd").write_text(header)
    (folder / "a.raw").write_bytes(bytes(4))
    before = key(store, folder, "a.mhd")
    (folder / "a.raw").write_bytes(bytes([1, 0, 0, 0]))
    assert key(store, folder, "a.mhd") != before
