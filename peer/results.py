"""Finding held results by what people call them, and reading their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler import list_goals

from .errors import NoMatchError
from .quantities import suggestion

if TYPE_CHECKING:
    from primitives.values import Value
    from store import NodeKey, Result, SqliteStore

SHORT_KEY = 12
"""Hexadecimal digits of a key that are shown."""

MAX_GOALS = 100_000
"""How many goals of earlier runs are looked through for labels."""

MIN_PREFIX = 4
SHOWN_CANDIDATES = 10

_PREFIX = re.compile(rf"[0-9a-fA-F]{{{MIN_PREFIX},64}}")


@dataclass(frozen=True, slots=True)
class Naming:
    """Where a held result was a goal, last.

    Attributes:
        label: of the goal.
        program: path as given to the run.
        started_ms: when that run began, milliseconds since 1970.
    """

    label: str
    program: str
    started_ms: int


def find_result(store: SqliteStore, name: str) -> Result:
    """Return the result that ``name`` means: a goal's label, or a key's beginning.

    The label means the newest goal of that label whose result is held.

    Raises:
        NoMatchError: nothing held is called so, or more than one key begins so.
    """
    labelled = _by_label(store, name)
    if labelled is not None:
        return labelled
    if _PREFIX.fullmatch(name):
        return _by_prefix(store, name.lower())
    labels = sorted({row.label for row in list_goals(store)})
    if name in labels:
        raise NoMatchError(
            f"no result of '{name}' is held: it failed, or was removed since; run its "
            "program again"
        )
    raise NoMatchError(
        f"no held result is called '{name}'{suggestion(name, labels)}; "
        "'voxpeer results list' shows what is held"
    )


def _by_label(store: SqliteStore, label: str) -> Result | None:
    for row in list_goals(store, label=label):
        if row.key is not None:
            found = store.lookup([row.key])
            if row.key in found:
                return _with_kind(store, found[row.key].result)
    return None


def _by_prefix(store: SqliteStore, prefix: str) -> Result:
    found = store.resolve(prefix, limit=SHOWN_CANDIDATES + 1)
    if len(found) == 1:
        return _with_kind(store, found[0])
    if not found:
        raise NoMatchError(
            f"no held result has a key that begins with {prefix}; "
            "'voxpeer results list' shows what is held"
        )
    shown = [
        f"  {result.key.hex()[:24]}  {_with_kind(store, result).kind}"
        for result in found[:SHOWN_CANDIDATES]
    ]
    if len(found) > SHOWN_CANDIDATES:
        shown.append("  and more")
    lines = "\n".join(shown)
    raise NoMatchError(
        f"several results have a key that begins with {prefix}; "
        f"give more of it:\n{lines}"
    )


def _with_kind(store: SqliteStore, result: Result) -> Result:
    """Return ``result`` with its kind, which small ones are kept without."""
    if result.kind:
        return result
    from primitives.encoding import kind_of_payload

    found = store.lookup([result.key]).get(result.key)
    if found is None or found.payload is None:
        return result
    return replace(result, kind=kind_of_payload(found.payload))


def namings(store: SqliteStore, keys: Iterable[NodeKey]) -> dict[NodeKey, Naming]:
    """Return where each of ``keys`` was a goal, as far as it was one."""
    wanted = set(keys)
    found: dict[NodeKey, Naming] = {}
    for row in list_goals(store, limit=MAX_GOALS):  # newest first
        if row.key in wanted:
            found.setdefault(row.key, Naming(row.label, row.program, row.started_ms))
    return found


def read_value(store: SqliteStore, result: Result) -> Value:
    """Return the value of a held result, verified.

    Raises:
        CorruptArtifactError: its bytes are not what its name says.
    """
    from primitives.encoding import decode
    from store import Digest

    def fetch(digest: bytes) -> memoryview:
        return store.open(Digest(digest)).view()

    # Small results are kept by their keys alone.
    found = store.lookup([result.key]).get(result.key)
    payload = None if found is None else found.payload
    return decode(fetch(result.digest) if payload is None else payload, fetch)


def listed(
    store: SqliteStore, prefix: str, limit: int, *, only_goals: bool
) -> tuple[list[tuple[Result, Naming | None]], int]:
    """Return up to ``limit`` held results with their names, and how many there are.

    Raises:
        NoMatchError: ``prefix`` cannot begin a key.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{0,64}", prefix):
        raise NoMatchError(f"'{prefix}' cannot begin a key: keys are hexadecimal")
    found: list[Result] = []
    unlisted = 0
    for result in store.results(prefix.lower()):
        # The small ones come last, and there may be millions.
        if result.kind or len(found) < limit or only_goals:
            found.append(result)
        else:
            unlisted += 1
    names = namings(store, [result.key for result in found])
    if only_goals:
        found = [result for result in found if result.key in names]
    # Goals first, newest first; then what was dearest to compute.
    found.sort(
        key=lambda result: (
            -names[result.key].started_ms if result.key in names else 0,
            -result.cost_s,
        )
    )
    shown = [
        (_with_kind(store, result), names.get(result.key)) for result in found[:limit]
    ]
    return shown, len(found) + unlisted


def pin_name(key: NodeKey) -> str:
    """Return the name under which ``results pin`` protects a result."""
    return f"result {key.hex()}"


def export_results(
    store: SqliteStore,
    results: Sequence[Result],
    folder: Path,
    *,
    provenance: bool = False,
    with_names: bool = True,
) -> Iterator[Path]:
    """Write each result and an ``index.json`` into ``folder``; yield the paths.

    Args:
        store: that holds them.
        results: to be exported.
        folder: made if need be.
        provenance: whether to write ``provenance.json`` and ``methods.txt`` too.
        with_names: whether these tell the names of input files, and the index the
            folders of programs.

    Raises:
        OutputFileError: a file cannot be written.
    """
    from primitives.formats.write import write_value

    names = namings(store, [result.key for result in results])
    index = []
    for result in results:
        naming = names.get(result.key)
        suffix = ".nii.gz" if result.kind in ("image", "mask") else ".json"
        path = folder / (_file_stem(result, naming) + suffix)
        write_value(read_value(store, result), path)
        index.append(
            {
                "file": path.name,
                "key": result.key.hex(),
                "digest": result.digest.hex(),
                "kind": result.kind,
                "label": naming.label if naming else "",
                "program": _program_shown(naming, with_names=with_names),
            }
        )
        yield path
    path = folder / "index.json"
    write_value(tuple(index), path)
    yield path
    if provenance:
        names_of = [str(entry["file"]) for entry in index]
        files = list(zip(results, names_of, strict=True))
        yield from _write_provenance(store, files, folder, with_names=with_names)


def _write_provenance(
    store: SqliteStore,
    files: Sequence[tuple[Result, str]],
    folder: Path,
    *,
    with_names: bool,
) -> Iterator[Path]:
    from msgspec import to_builtins

    from primitives.formats.write import write_text, write_value

    from .citing import describe, methods_text

    document = describe(store, files, with_names=with_names)
    path = folder / "provenance.json"
    write_value(to_builtins(document), path)
    yield path
    path = folder / "methods.txt"
    write_text(methods_text(document), path)
    yield path


def _program_shown(naming: Naming | None, *, with_names: bool) -> str:
    if naming is None:
        return ""
    return naming.program if with_names else Path(naming.program).name


def _file_stem(result: Result, naming: Naming | None) -> str:
    key = result.key.hex()[:SHORT_KEY]
    if naming is None:
        return key
    label = re.sub(r"[^\w-]+", "_", Path(naming.label).name).strip("_")
    return f"{label}-{key}" if label else key
