"""Forgetting an input file: whatever was computed from it, here and in a realm.

The realm is told keyed ids of the file's own keys and of all results that are known
here.  Another member finds by the former what *it* has computed from the file, which
nobody else could know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.erasing import erase
from scheduler.provenance import computed_from, input_keys, known_inputs
from scheduler.saved import saved_from

from .results import Naming, namings

if TYPE_CHECKING:
    from store import NodeKey, Result, SqliteStore

    from .identity import Identity

PART = 500
"""Keys that are asked for at a time."""

ForgottenAmong = Callable[[Sequence["NodeKey"]], list["NodeKey"]]
"""Tells which of some keys the realm has to forget; ``Standing.forgotten_among``."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What a store has of an input file.

    Attributes:
        files: the keys that the file's content may have.
        keys: of whatever was computed from it, held still or not.
        results: those that are held, each with where it was a goal.
        saved: files that programs saved such results to.
    """

    files: tuple[NodeKey, ...]
    keys: tuple[NodeKey, ...]
    results: tuple[tuple[Result, Naming | None], ...]
    saved: tuple[Path, ...]


def find_traces(store: SqliteStore, path: Path) -> Traces:
    """Return what ``store`` has of the content of a file.

    Raises:
        InputFileError: the file cannot be read.
    """
    files = input_keys(store, path)
    keys = tuple(sorted(computed_from(store, files)))
    named = namings(store, keys)
    held = [
        found.result for part in _parts(keys) for found in store.lookup(part).values()
    ]
    return Traces(
        files=files,
        keys=keys,
        results=tuple((result, named.get(result.key)) for result in held),
        saved=tuple(each.path for each in saved_from(store, keys)),
    )


def tell_realm(store: SqliteStore, identity: Identity, traces: Traces) -> bool:
    """Have the realm forget; return whether a daemon runs that tells it at once.

    Without one the statement is kept, and told when the daemon is started.

    Raises:
        PeerError: there are too many such statements already.
    """
    from .identity import Standing
    from .local import NoDaemonError, forget

    keys = [*traces.files, *traces.keys]
    try:
        forget(store.path, keys)
    except NoDaemonError:
        Standing(store, identity).forget(keys)
        return False
    return True


def drop(store: SqliteStore, traces: Traces) -> int:
    """Remove traces of a file from a store; return how many results there were."""
    from .trust.attestations import remove_keys

    removed = store.remove(traces.keys)
    remove_keys(store, traces.keys)
    erase(store, traces.files)
    return removed


def drop_forgotten(
    store: SqliteStore,
    forgotten_among: ForgottenAmong,
    remove: Callable[[Sequence[NodeKey]], int],
) -> int:
    """Remove what a realm has to forget, and whatever was computed here from it.

    Args:
        store: of a member that heard of it.
        forgotten_among: tells which of some keys are meant.
        remove: removes results and what was signed about them; returns how many.

    Returns:
        how many results were removed.
    """
    removed = 0
    keys = (result.key for result in store.results())
    while part := list(islice(keys, PART)):
        removed += remove(forgotten_among(part))
    files = forgotten_among(known_inputs(store))
    if files:
        removed += remove(tuple(computed_from(store, files)))
        erase(store, files)
    return removed


def _parts(keys: Sequence[NodeKey]) -> Iterable[list[NodeKey]]:
    for start in range(0, len(keys), PART):
        yield list(keys[start : start + PART])
