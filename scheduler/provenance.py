"""Which results were computed from which input files.

A key tells nothing of what it was made of, so this is written down: one row for each
result and each file below it, before the result itself is committed.  A file is named
by the key of its content (:func:`scheduler.keys.file_key`), wherever it lay.

A run that is answered from the store adds nothing, because the run that computed the
result has; and the rows of what was evicted stay, because others may have it still.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from primitives.files import InputFile
from primitives.formats.suffixes import (
    DATA_SUFFIXES,
    DICOM,
    DICOM_SERIES,
    IMAGE_SUFFIXES,
)
from store import Digest, NodeKey, SqliteStore

from .files import InputFiles
from .graph import Graph
from .keys import file_key
from .plan import Ref, children
from .queries import parts

NOTHING: frozenset[NodeKey] = frozenset()


class Provenance:
    """Writes down the files below the results of one run."""

    def __init__(self, graph: Graph, store: SqliteStore) -> None:
        self._graph = graph
        self._store = store
        self._files: list[frozenset[NodeKey] | None] = []
        self._rows: list[tuple[NodeKey, NodeKey]] = []

    def note(self, key: NodeKey, refs: Sequence[Ref]) -> None:
        """Take note of a result that will be kept, or fetched.

        Args:
            key: of its node.
            refs: the node, or what it was computed from, all of which have keys.
        """
        if self._graph.files:
            for ref in refs:
                self._rows += [(file, key) for file in self._below(ref)]

    def rekeyed(self) -> None:
        """Take note that a file was found changed, and nodes have other keys."""
        self._files.clear()

    def write(self) -> None:
        """Hand what was noted to the store's writer, in front of what is kept next."""
        rows, self._rows = self._rows, []
        if rows:
            query = "INSERT OR IGNORE INTO provenance VALUES (?, ?)"
            self._store.database.write(lambda c: c.executemany(query, rows))

    def _below(self, ref: Ref) -> frozenset[NodeKey]:
        """Return the files below a node that has a key, as all below it then have."""
        known, nodes = self._files, self._graph.nodes
        known += [None] * (len(nodes) - len(known))
        todo = [ref]
        while todo:
            at = todo[-1]
            args = [arg for arg in children(nodes[at]) if known[arg] is None]
            if args and known[at] is None:
                todo += args
                continue
            todo.pop()
            if known[at] is None:
                known[at] = self._merged(at)
        return known[ref] or NOTHING

    def _merged(self, ref: Ref) -> frozenset[NodeKey]:
        own = self._graph.file_key(ref)
        found = NOTHING if own is None else frozenset({own})
        for arg in children(self._graph.nodes[ref]):
            below = self._files[arg] or NOTHING
            # Most nodes have the files of one argument, and then share its set.
            if not below <= found:
                found = below if found <= below else found | below
        return found


def input_keys(store: SqliteStore, path: Path) -> tuple[NodeKey, ...]:
    """Return the keys that the content of a file may have as an input.

    These are the one that it has under its own name, those of copies of it whose names
    end otherwise, and that of the series that it is a slice of.

    Raises:
        InputFileError: it cannot be read, or a file that belongs to it is missing.
    """
    inputs = InputFiles(store, Path.cwd())
    file, key = inputs.resolve(str(path))
    assert file.digest is not None
    digest = Digest(file.digest)
    if file.suffix == DICOM_SERIES:
        return (key,)
    suffixes = (*IMAGE_SUFFIXES, *DATA_SUFFIXES, DICOM, file.suffix)
    copies = (file_key(digest, suffix) for suffix in suffixes)
    series = _series_of(inputs, file) if file.suffix == DICOM else ()
    return tuple(dict.fromkeys((key, *copies, *series)))


def _series_of(inputs: InputFiles, file: InputFile) -> tuple[NodeKey, ...]:
    """Return the key of the series, as it is now, that a DICOM file is a slice of."""
    from primitives.formats.dicom_series import series_around

    (path,) = file.slices
    return (inputs.resolve_slices(path.parent, series_around(path))[1],)


def computed_from(store: SqliteStore, files: Iterable[NodeKey]) -> set[NodeKey]:
    """Return the keys of whatever was computed from files, as far as it was kept.

    Args:
        store: where it is written down.
        files: keys of files' contents.
    """
    found: set[NodeKey] = set()
    with store.database.read() as connection:
        for part in parts(list(files)):
            found.update(_computed_from(connection, part))
    return found


def known_inputs(store: SqliteStore) -> list[NodeKey]:
    """Return the keys of all files that results were computed from."""
    with store.database.read() as connection:
        rows = connection.execute("SELECT DISTINCT file FROM provenance").fetchall()
    return [NodeKey(file) for (file,) in rows]


def _computed_from(
    connection: sqlite3.Connection, files: Sequence[NodeKey]
) -> list[NodeKey]:
    marks = ",".join("?" * len(files))
    query = f"SELECT DISTINCT key FROM provenance WHERE file IN ({marks})"
    return [NodeKey(key) for (key,) in connection.execute(query, files)]
