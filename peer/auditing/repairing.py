"""Making saved files right that rest on the word of somebody who was found wrong.

The value is computed from nothing of others', and written in place of the file, if that
still is what a program left there.  What somebody has changed since is theirs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from primitives.errors import PrimitivesError
from scheduler.files import state_of
from scheduler.jobs import load, needs_loading
from scheduler.options import Progress
from scheduler.passes import Computed, Stop, StoppedError, compute
from scheduler.rebuilding import ImpossibleError, rebuild
from scheduler.saved import SavedFile, SavedFiles
from store import Digest, StoreError

from .doubtful import doubtful_files

if TYPE_CHECKING:
    from primitives.registry import Registry
    from primitives.values import Value
    from store import SqliteStore

Begin = Callable[[Path, Progress], None]
"""Called when a file is looked after, with the counters that computing it writes."""

End: TypeAlias = Literal["replaced", "right", "left"]


@dataclass(frozen=True, slots=True)
class Repair:
    """What became of a saved file.

    Attributes:
        path: the file.
        end: ``"replaced"``, it was wrong; ``"right"``, it turned out to be true;
            ``"left"``, nothing could be done.
        reason: why it was left, for people.
    """

    path: Path
    end: End
    reason: str = ""


def repair(
    store: SqliteStore, registry: Registry, stop: Stop, begin: Begin
) -> Iterator[Repair]:
    """Make right whatever can be; yield what became of each file.

    What was left is found again by the next call.

    Args:
        store: of the programs that saved.
        registry: the primitives.
        stop: may be wanted at any time; then it ends.
        begin: told of each file.

    Raises:
        StoreError: the store cannot be written.
    """
    for saved in doubtful_files(store):
        if stop.is_wanted:
            return
        progress = Progress()
        begin(saved.path, progress)
        try:
            yield Repair(saved.path, _repair(store, registry, saved, stop, progress))
        except StoppedError:
            return
        except (ImpossibleError, PrimitivesError, OSError) as error:
            yield Repair(saved.path, "left", str(error))


def _repair(
    store: SqliteStore,
    registry: Registry,
    saved: SavedFile,
    stop: Stop,
    progress: Progress,
) -> End:
    """Compute what a file should hold, and write it if it holds something else.

    Raises:
        ImpossibleError: it cannot be computed, or the file is not ours any more.
    """
    _require_untouched(saved)
    digest, value = _compute(store, registry, saved, stop, progress)
    own = replace(saved, digest=digest, recipe=b"", plan=None, relies_on=())
    if digest == saved.digest:
        SavedFiles(store).remember(own).result()
        return "right"
    from primitives.formats.write import write_value

    _require_untouched(saved)
    write_value(value, saved.path)
    now_ms = time.time_ns() // 1_000_000
    own = replace(own, state=state_of(saved.path), corrected_ms=now_ms)
    SavedFiles(store).remember(own).result()
    return "replaced"


def _require_untouched(saved: SavedFile) -> None:
    if not saved.is_untouched:
        raise ImpossibleError("it was changed since it was saved")


def _compute(
    store: SqliteStore,
    registry: Registry,
    saved: SavedFile,
    stop: Stop,
    progress: Progress,
) -> tuple[Digest, Value]:
    if not saved.recipe:
        raise ImpossibleError("how it was made was not written down in full")
    made = rebuild(store, registry, saved)
    done = compute(
        *(made.graph, made.ref, made.plan, store),
        afresh=False,
        stop=stop,
        progress=progress,
    )
    if done.failure is not None:
        raise ImpossibleError(f"its value fails here: {done.failure.message}")
    if done.graph.keys[made.ref] != saved.key:
        raise ImpossibleError("something that it was made from is not what it was")
    return done.digests[made.ref], _loaded(done, store)


def _loaded(done: Computed, store: SqliteStore) -> Value:
    try:
        return load(done.value, store) if needs_loading(done.value) else done.value
    except StoreError as error:
        raise ImpossibleError(str(error)) from error
