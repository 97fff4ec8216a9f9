"""Deleting every trace of a file in the records of runs, for who must forget it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from primitives.formats.suffixes import DICOM, normalized_suffix
from store import Digest, NodeKey, SqliteStore

from .audits import forget_audits
from .keys import file_key
from .provenance import computed_from
from .queries import parts
from .run_programs import erase_parameters
from .saved import pin_name

KEY_BYTES = 32


def erase(store: SqliteStore, files: Iterable[NodeKey]) -> None:
    """Delete every trace of files in the records of runs: keys, paths, labels.

    Compiled programs are dropped too, because they may hold a path.

    Args:
        store: whose records they are.
        files: keys of files' contents.
    """
    named = list(files)
    keys = [*named, *computed_from(store, named)]

    def work(connection: sqlite3.Connection) -> list[str]:
        paths = _paths(connection, set(named))
        _erase_paths(connection, paths)
        _erase_inside(connection, paths)
        pinned: list[str] = []
        for part in parts([*keys, *described_above(connection, keys)]):
            pinned += _erase(connection, part)
        connection.execute("DELETE FROM plans")
        return pinned

    for path in store.database.transact(work):
        store.unpin(pin_name(path))
    forget_audits(store, keys)


def described_above(
    connection: sqlite3.Connection, keys: Iterable[NodeKey]
) -> set[NodeKey]:
    """Return what is described as made of ``keys``, results or not."""
    above: dict[bytes, list[NodeKey]] = {}
    rows = connection.execute("SELECT key, arguments FROM node_descriptions")
    for key, arguments in rows:
        for at in range(0, len(arguments), KEY_BYTES):
            above.setdefault(arguments[at : at + KEY_BYTES], []).append(NodeKey(key))
    found: set[NodeKey] = set()
    todo = list(keys)
    while todo:
        for key in above.get(todo.pop(), ()):
            if key not in found:
                found.add(key)
                todo.append(key)
    return found


def _paths(connection: sqlite3.Connection, files: set[NodeKey]) -> set[str]:
    """Return the paths under which files are known."""
    described = connection.execute(
        "SELECT key, label FROM node_descriptions WHERE kind = 'file'"
    )
    found = {path for key, path in described if key in files}
    digests = connection.execute("SELECT digest, path FROM file_digests")
    found.update(
        path
        for digest, path in digests
        if any(
            file_key(Digest(digest), media) in files
            for media in (normalized_suffix(path), DICOM)
        )
    )
    return found


def _erase_inside(connection: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Delete the digests of what lies in folders, as the slices of a series do."""
    folders = {Path(path) for path in paths}
    folders |= {folder.parent for folder in folders if not folder.exists()}
    inside = [(f"{folder}/", f"{folder.resolve()}/") for folder in folders]
    connection.executemany(
        "DELETE FROM file_digests"
        " WHERE substr(path, 1, length(?1)) = ?1 OR substr(path, 1, length(?2)) = ?2",
        inside,
    )


def _erase_paths(connection: sqlite3.Connection, paths: set[str]) -> None:
    """Delete digests by path, and the texts in programs that name the files."""
    rows = [(path,) for path in paths]
    connection.executemany("DELETE FROM file_digests WHERE path = ?", rows)
    erase_parameters(connection, {Path(path).name for path in paths})
    names = [(name,) for name in {Path(path).name for path in paths}]
    connection.executemany(
        "DELETE FROM node_descriptions WHERE kind = 'constant' AND instr(label, ?) > 0",
        names,
    )


def _erase(connection: sqlite3.Connection, keys: Sequence[NodeKey]) -> list[str]:
    """Delete what names any of ``keys``; return the saved files whose plan is kept."""
    marks = ",".join("?" * len(keys))
    # Saved files are known by the digests of what was saved, too.
    goals = f"SELECT digest FROM run_goals WHERE key IN ({marks})"
    query = f"""DELETE FROM saved_files WHERE key IN ({marks}) OR digest IN ({goals})
      RETURNING path, plan"""
    saved = connection.execute(query, (*keys, *keys)).fetchall()
    for table in ("run_goals", "node_runs", "node_descriptions", "provenance"):
        connection.execute(f"DELETE FROM {table} WHERE key IN ({marks})", keys)
    connection.execute(f"DELETE FROM provenance WHERE file IN ({marks})", keys)
    return [path for path, plan in saved if plan is not None]
