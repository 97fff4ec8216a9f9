"""From a program's path to its plan, by the compiler or from the store.

A plan is kept in the store under the digest of everything that decided it, so that a
second run neither parses nor even imports the parser:

* the bytes of the program and of every file that it may import, with the paths at
  which imports are looked for and nothing was found;
* parameters, dialect, and the places that ``$dir`` and ``$cwd`` stand for;
* the sources of the language and of the tables of primitives, as installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import msgspec

from primitives.catalog import standard_registry
from primitives.environment import library_version
from primitives.errors import PrimitivesError
from scheduler import cached_plan, keep_plan
from scheduler.plan import Plan
from scheduler.run_programs import ProgramText

if TYPE_CHECKING:
    from language import Compiled, Diagnostic
    from store import SqliteStore

Dialect: TypeAlias = Literal["imgql", "vox1"]

Parameter: TypeAlias = float | bool | str
"""Value that the command line or a caller gives to a name of the program."""

_IMPORT = re.compile(
    rb'\bimport(?:[ \t\r\n\f\v]+|//[^\r\n]*)*"((?:[^"\\\r\n]|\\[^\r\n])*)"'
)
_DECIDING_FOLDERS = ("language", "primitives")
_DECIDING_SUFFIXES = (".py", ".lark", ".imgql", ".json", ".lock")


class Program(NamedTuple):
    """A program that can be run.

    Attributes:
        path: as given.
        plan: what it computes.
        warnings: what its author should know.
        text: of what text it was, to be written down with the run.
    """

    path: str
    plan: Plan
    warnings: tuple[Diagnostic, ...] = ()
    text: ProgramText | None = None


def compile_program(
    path: str | os.PathLike[str],
    *,
    parameters: Mapping[str, Parameter] | None = None,
    dialect: Dialect = "imgql",
) -> Program:
    """Compile a program from its text.

    Args:
        path: file of the program.
        parameters: values of its ``$NAME`` variables, as ``-p`` gives them.
        dialect: ``"vox1"`` for VoxLogicA 1's grouping of operators.

    Raises:
        ProgramError: the program is wrong; every mistake with its place.
    """
    compiled = _compile(path, parameters or {}, dialect)
    return Program(os.fspath(path), compiled.plan, compiled.warnings)


def load_program(
    path: str | os.PathLike[str],
    store: SqliteStore,
    *,
    parameters: Mapping[str, Parameter] | None = None,
    dialect: Dialect = "imgql",
) -> Program:
    """Return a program's plan from ``store``, or compile it and keep the plan there.

    Raises:
        ProgramError: the program is wrong; every mistake with its place.
    """
    files = dict(_files(Path(path)))
    source = _source_digest(path, files, parameters or {}, dialect)
    text: ProgramText | None = _text(Path(path), files, parameters or {})
    plan = cached_plan(store, source)
    if plan is not None:
        return Program(os.fspath(path), plan, text=text)
    compiled = _compile(path, parameters or {}, dialect)
    # Warnings are not kept with a plan: a program that has some is compiled, and they
    # are seen, every time.  A plan made of a file that changed meanwhile is not kept.
    is_of_files = all(
        files.get(file.path, b"?") == file.sha256 for file in compiled.sources
    )
    if is_of_files and not compiled.warnings:
        keep_plan(store, source, compiled.plan)
    if not is_of_files:
        text = None
    return Program(os.fspath(path), compiled.plan, compiled.warnings, text)


def _text(
    program: Path,
    files: Mapping[Path, bytes | None],
    parameters: Mapping[str, Parameter],
) -> ProgramText:
    own = program.absolute()
    order = sorted(files, key=lambda file: (file != own, str(file)))
    sources = [
        (file.name, digest.hex())
        for file in order
        if (digest := files[file]) is not None
    ]
    try:
        version = library_version("voxpeer")
    except PrimitivesError:  # run from its sources
        version = ""
    return ProgramText(tuple(sources), parameters, version)


def _compile(
    path: str | os.PathLike[str], parameters: Mapping[str, Parameter], dialect: Dialect
) -> Compiled:
    import language

    return language.compile_program(
        Path(path),
        parameters=parameters,
        registry=standard_registry(),
        dialect=dialect,
    )


def _source_digest(
    path: str | os.PathLike[str],
    files: Mapping[Path, bytes | None],
    parameters: Mapping[str, Parameter],
    dialect: str,
) -> bytes:
    """Return 32 bytes that differ whenever the plan could."""
    decided_by = (
        os.fspath(path),
        str(Path.cwd()),
        [(str(file), digest) for file, digest in files.items()],
        sorted(
            (name, type(value).__name__, value) for name, value in parameters.items()
        ),
        dialect,
        installed_sources(),
    )
    return hashlib.sha256(msgspec.msgpack.encode(decided_by)).digest()


def _files(program: Path) -> Iterator[tuple[Path, bytes | None]]:
    """Yield each file that the program may consist of, with the digest of its bytes.

    Every place where an import could be found counts, so that a file which appears
    earlier in the order of search is noticed.
    """
    namespaces = standard_registry().namespaces
    here = Path.cwd()
    waiting = [program.absolute()]
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        try:
            data = path.read_bytes()
        except OSError:
            yield path, None
            continue
        yield path, hashlib.sha256(data).digest()
        for found in _IMPORT.finditer(data):
            name = found[1].decode("utf-8", "replace")
            if name in namespaces:
                continue
            # Imported here: most programs import no files, and the language takes long.
            from language.imports import candidates

            for candidate in candidates(name, str(path.parent), here):
                file = candidate.absolute()
                if file not in seen:
                    seen.add(file)
                    waiting.append(file)


@cache
def installed_sources() -> bytes:
    """Return 32 bytes that change with any installed file that decides plans."""
    state = hashlib.sha256()
    for package in _DECIDING_FOLDERS:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        for entry in _source_files(Path(spec.origin).parent):
            status = entry.stat()
            state.update(
                f"{entry.path}|{status.st_size}|{status.st_mtime_ns}\n".encode()
            )
    return state.digest()


def _source_files(folder: Path) -> Iterator[os.DirEntry[str]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _source_files(Path(entry.path))
        elif entry.name.endswith(_DECIDING_SUFFIXES):
            yield entry
