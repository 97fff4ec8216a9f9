"""Opening the store of this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import scheduler
import store
from store.place import default_path

from .schema import MIGRATIONS

if TYPE_CHECKING:
    from store import SqliteStore

    from .config import Config


def store_path(config: Config) -> Path:
    """Return the folder of the store that ``config`` names."""
    return Path(config.store) if config.store else default_path()


def open_store(
    path: str | os.PathLike[str] | None = None, cap_bytes: int | None = None
) -> SqliteStore:
    """Open a store, making it if there is none.

    Args:
        path: its folder; the user's own by default.
        cap_bytes: bytes that it may take; a fifth of the free space by default.

    Raises:
        StoreError: it cannot be made, is not ours, or is from a newer version.
    """
    return store.open_store(
        None if path is None else Path(path),
        cap_bytes=cap_bytes,
        migrations=[scheduler.MIGRATIONS, MIGRATIONS],
    )
