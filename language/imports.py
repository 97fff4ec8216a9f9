"""Where imports come from: files beside the program, and the bundled libraries."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from .source import Source

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
    folders = [Path(beside)] if beside else []
    folders.append(directory)
    found = []
    for folder in folders:
        for name in (path, path + ".imgql"):
            file = folder / Path(name).expanduser()
            if file not in found:
                found.append(file)
    return found


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
