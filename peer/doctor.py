"""Checks of the machine and the installation, each with what to do about it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .findings import Finding
from .installation import library_versions, voxpeer_version
from .network_checks import examine_network
from .quantities import format_size
from .stores import open_store, store_path

if TYPE_CHECKING:
    from .config import Config

MIN_SQLITE = (3, 37)
"""First version with STRICT tables."""

LOW_SPACE_BYTES = 2 * 10**9


def examine(config: Config) -> Iterator[Finding]:
    """Yield what each check finds."""
    yield _python()
    yield from _libraries()
    yield _sqlite()
    yield _itk()
    yield _temporary_folder()
    yield from _store(config)
    yield from examine_network(config)


def _python() -> Finding:
    # An older Python than we need could not even import this module.
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", True, f"{found} at {sys.executable}")


def _libraries() -> Iterator[Finding]:
    yield Finding("voxpeer", True, voxpeer_version())
    for name, version in library_versions().items():
        if name in ("Python", "SQLite"):
            continue
        if version:
            yield Finding(name, True, version)
        else:
            advice = f"install it: {sys.executable} -m pip install {name}"
            yield Finding(name, False, "not installed", advice)


def _sqlite() -> Finding:
    import sqlite3

    found = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < MIN_SQLITE:
        advice = "use a Python that is built with SQLite 3.37 or newer"
        return Finding("SQLite", False, found, advice)
    return Finding("SQLite", True, found)


def _itk() -> Finding:
    def work() -> str:
        import SimpleITK as sitk

        image = sitk.Image(4, 4, 4, sitk.sitkUInt8)
        voxels = sitk.GetArrayViewFromImage(sitk.BinaryThreshold(image, 0, 1)).sum()
        return f"works ({voxels} voxels computed)"

    advice = "install SimpleITK again, in an environment of voxpeer's own"
    return _tried("image kernels", work, advice)


def _temporary_folder() -> Finding:
    def work() -> str:
        with tempfile.TemporaryFile() as file:
            file.write(b"voxpeer")
        return tempfile.gettempdir()

    return _tried(
        "temporary folder", work, "set TMPDIR to a folder that can be written"
    )


def _store(config: Config) -> Iterator[Finding]:
    path = store_path(config)
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    yield _writable(path, nearest)
    yield _space(nearest)
    if path.exists():
        yield _opened(path, config.store_cap)


def _writable(path: Path, nearest: Path) -> Finding:
    if not nearest.is_dir():
        return Finding(
            "store", False, f"{nearest} is a file", "name a folder with --store"
        )
    if not os.access(nearest, os.W_OK | os.X_OK):
        advice = "change its permissions, or name another folder with VOXPEER_STORE"
        return Finding("store", False, f"{nearest} cannot be written", advice)
    state = "" if nearest == path else ", made by the first run"
    return Finding("store", True, f"{path}{state}")


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    text = f"{format_size(free)} free"
    if free < LOW_SPACE_BYTES:
        advice = "make room, or run 'voxpeer store gc --cap SIZE'"
        return Finding("disk of the store", False, text, advice)
    return Finding("disk of the store", True, text)


def _opened(path: Path, cap_bytes: int | None) -> Finding:
    def work() -> str:
        with open_store(path, cap_bytes) as opened:
            stats = opened.stats()
        return f"{stats.results} results in {format_size(stats.bytes_stored)}"

    return _tried("store content", work, "name another folder with --store")


def _tried(name: str, work: Callable[[], str], advice: str) -> Finding:
    try:
        return Finding(name, True, work())
    except Exception as error:
        # A broken installation may fail in any way; here this is what is asked.
        return Finding(name, False, str(error) or type(error).__name__, advice)
