"""Where imports come from: files beside the program, and the bundled libraries."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from .lexis import defined_operators
from .source import Source

_IMPORT = re.compile(r'\bimport\s*"([^"\r\n]*)"')
_FOLDER = Path(__file__).parent / "library"
BUNDLED = {
    "vox1": "vox1",
    "stdlib": "vox1",
    "stdlib.imgql": "vox1",
    "RegionCalculus": "RegionCalculus",
    "RegionCalculus.imgql": "RegionCalculus",
}
"""Names that programs import, and the library that each means."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that decided what the plan of a program is.

    Attributes:
        path: absolute path.
        sha256: of its bytes; None if it was looked for and is not there.
    """

    path: Path
    sha256: bytes | None


class UnreadableError(Exception):
    """A file of the program cannot be read; the text says why, for people."""


def bundled(library: str) -> Source:
    """Return the text of a bundled library."""
    name = f"{library}.imgql"
    text = (_FOLDER / name).read_text(encoding="utf-8")
    return Source(f"<{name}>", text, bundled=True)


def candidates(path: str, beside: str, directory: Path) -> list[Path]:
    """List the files that an import may mean, in order.

    Args:
        path: as written.
        beside: folder of the file that imports, or empty.
        directory: the current directory.
    """
    if "\0" in path:
        return []  # no file can have such a name
    folders = [Path(beside)] if beside else []
    folders.append(directory)
    found = []
    for folder in folders:
        for name in (path, path + ".imgql"):
            file = folder / _at_home(name)
            if file not in found:
                found.append(file)
    return found


def is_there(path: Path, *, is_any: bool = False) -> bool:
    """Return whether there is a file at a path, or anything at all.

    A name that is too long names nothing.
    """
    try:
        return path.is_file() or (is_any and path.exists())
    except OSError:
        return False


def _at_home(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError:  # nobody is called so
        return Path(name)


def read(path: Path, name: str) -> tuple[Source, SourceFile]:
    """Read a file of a program.

    Raises:
        UnreadableError: it is not there, is no file, or is not UTF-8 text.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UnreadableError(f"there is no file '{name}'") from None
    except IsADirectoryError:
        raise UnreadableError(f"'{name}' is a folder, not a program") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableError(f"'{name}' cannot be read: {reason}") from error
    digest = hashlib.sha256(content).digest()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableError(
            f"'{name}' is not UTF-8 text: line {line} holds the byte "
            f"0x{content[error.start]:02x}; save it as UTF-8"
        ) from error
    absolute = Path(path).absolute()
    source = Source(name, text, str(absolute.parent))
    return source, SourceFile(absolute, digest)


def operators_of_imports(source: Source, directory: Path) -> set[str]:
    """Return the operators with capital letters that the files a text imports define.

    They must be known before the text can be cut into words.

    Args:
        source: the text.
        directory: the current directory.
    """
    found: set[str] = set()
    seen: set[Path] = set()
    todo = [source]
    while todo:
        importing = todo.pop()
        for match in _IMPORT.finditer(importing.text):
            path = _first_file(match[1], importing.directory, directory)
            if path is not None and path not in seen:
                seen.add(path)
                imported = _text_of(path)
                found |= defined_operators(imported)
                todo.append(Source(str(path), imported, str(path.parent)))
    return found


def _first_file(path: str, beside: str, directory: Path) -> Path | None:
    try:
        places = candidates(path, beside, directory)
        return next((place.resolve() for place in places if place.is_file()), None)
    except (OSError, RuntimeError, ValueError):
        return None  # reported where the import is carried out


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
