"""Versions of voxpeer and of what it stands on."""

from __future__ import annotations

import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = (
    "SimpleITK",
    "numpy",
    "click",
    "cryptography",
    "grpcio",
    "lark",
    "msgspec",
    "platformdirs",
    "prompt_toolkit",
    "protobuf",
    "psutil",
    "rich",
    "zeroconf",
    "zstandard",
)
"""Distributions that voxpeer needs at run time."""


def voxpeer_version() -> str:
    """Return the installed version, or say that voxpeer is run from its sources."""
    try:
        return version("voxpeer")
    except PackageNotFoundError:
        return "from sources, not installed"


def library_versions() -> dict[str, str]:
    """Return the version of Python, SQLite and each library; ``""`` when missing."""
    versions = {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = ""
    return versions
