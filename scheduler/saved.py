"""What was saved where: the value of each file, and how it is made again.

A file that was written from a value is not written again while it is as it was left.
Where the value rests on somebody's word, the recipe of its node is kept with it, and
the plan is pinned: should the word turn out to be wrong, the value leaves the store,
and the file can still be made right.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from store import Digest, NodeKey, Reliance, SqliteStore

from .files import State, state_of
from .queries import parts

COLUMNS = """path, digest, key, run_id, position, recipe, plan, relies_on,
  corrected_ms, device, inode, size_bytes, mtime_ns, ctime_ns"""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Reliance, ...])


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file that a program saved a value to.

    Attributes:
        path: where it is.
        digest: of the value.
        key: its node; None where it has no key, or is not known.
        run_id: of the run that saved it.
        position: of the goal, in that run.
        recipe: how the value is made, for :func:`scheduler.rebuilding.rebuild`; empty
            if it rests on nobody's word.
        plan: the plan that ``recipe`` names.
        relies_on: on whose word the value rests.
        state: of the file as it was left.
        corrected_ms: when it was written anew because it was wrong, in milliseconds
            since 1970; 0 if it was not, or a run has said so.
    """

    path: Path
    digest: Digest
    key: NodeKey | None
    run_id: str
    position: int
    recipe: bytes
    plan: Digest | None
    relies_on: tuple[Reliance, ...]
    state: State
    corrected_ms: int = 0

    @property
    def is_untouched(self) -> bool:
        """Whether the file is as it was left."""
        try:
            return state_of(self.path) == self.state
        except OSError:
            return False


class SavedFiles:
    """Remembers which value a saved file was written from."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def current(self, path: Path, digest: Digest) -> SavedFile | None:
        """Return what is known of a file that still is what this value was saved as."""
        with self._store.database.read() as connection:
            known = _find(connection, path)
        if known is None or known.digest != digest or not known.is_untouched:
            return None
        return known

    def remember(self, saved: SavedFile) -> Future[object]:
        """Note what a file was just written from; the future ends when durable."""
        path = os.fspath(saved.path)
        row = (
            *(path, saved.digest, saved.key, saved.run_id, saved.position),
            *(saved.recipe or None, saved.plan if saved.recipe else None),
            _encoder.encode(saved.relies_on) if saved.relies_on else None,
            saved.corrected_ms,
            *saved.state,
        )
        with self._store.database.read() as connection:
            before = _find(connection, saved.path)
        if before is not None and before.plan is not None:
            self._store.unpin(pin_name(path))
        if saved.recipe and saved.plan is not None:
            self._store.pin(pin_name(path), [saved.plan])
        query = f"""INSERT OR REPLACE INTO saved_files ({COLUMNS})
          VALUES ({",".join("?" * len(row))})"""
        return self._store.database.write(lambda c: c.execute(query, row))


def saved_from(store: SqliteStore, keys: Iterable[NodeKey]) -> list[SavedFile]:
    """Return the files that programs saved results of ``keys`` to, as far as known.

    Args:
        store: where it is written down.
        keys: nodes, whether their results are still here or not.
    """
    found: dict[Path, SavedFile] = {}
    with store.database.read() as connection:
        for part in parts(list(keys)):
            marks = ",".join("?" * len(part))
            # What was saved long ago has no key, and is known by its value alone.
            query = f"""SELECT {COLUMNS} FROM saved_files WHERE key IN ({marks})
              UNION SELECT {COLUMNS} FROM saved_files WHERE key IS NULL AND digest IN
              (SELECT digest FROM run_goals WHERE key IN ({marks}))"""
            for row in connection.execute(query, (*part, *part)):
                saved = _saved(row)
                found[saved.path] = saved
    return [found[path] for path in sorted(found)]


def saved_relying(store: SqliteStore) -> list[SavedFile]:
    """Return the files whose values rest on somebody's word, by path."""
    query = f"""SELECT {COLUMNS} FROM saved_files WHERE relies_on IS NOT NULL
      ORDER BY path"""
    with store.database.read() as connection:
        return [_saved(row) for row in connection.execute(query)]


def saved_corrected(store: SqliteStore) -> list[SavedFile]:
    """Return the files that were written anew because they were wrong, by path."""
    query = f"""SELECT {COLUMNS} FROM saved_files WHERE corrected_ms > 0
      ORDER BY path"""
    with store.database.read() as connection:
        return [_saved(row) for row in connection.execute(query)]


def forget_corrections(store: SqliteStore, paths: Iterable[Path]) -> None:
    """Note that somebody was told that these files had been wrong."""
    query = "UPDATE saved_files SET corrected_ms = 0 WHERE path = ?"
    rows = [(os.fspath(path),) for path in paths]
    store.database.write(lambda c: c.executemany(query, rows)).result()


def pin_name(path: str) -> str:
    """Return the name under which the plan of a saved file is pinned."""
    return f"saved {path}"


def _find(connection: sqlite3.Connection, path: Path) -> SavedFile | None:
    query = f"SELECT {COLUMNS} FROM saved_files WHERE path = ?"
    row = connection.execute(query, (os.fspath(path),)).fetchone()
    return None if row is None else _saved(row)


def _saved(row: tuple[Any, ...]) -> SavedFile:
    path, digest, key, run_id, position, recipe, plan, relied, corrected, *state = row
    return SavedFile(
        path=Path(path),
        digest=digest,
        key=key,
        run_id=run_id,
        position=position,
        recipe=recipe or b"",
        plan=plan,
        relies_on=_decoder.decode(relied) if relied else (),
        state=tuple(state),
        corrected_ms=corrected,
    )
