"""What was typed in earlier sessions: one private file for each user.

A line of the file is one entry, as a JSON string.  Sessions at the same time append
to it; when it has become long, its beginning is forgotten.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

KEPT_ENTRIES = 5000
"""Entries that are remembered from one session to the next."""

SLACK = 1000
"""How many more there may be before the file is made shorter."""


def default_history_file() -> Path:
    """Return where this user's history is."""
    from platformdirs import user_state_path

    return user_state_path("voxpeer") / "repl-history.jsonl"


class History:
    """The entries of earlier sessions, and of this one.

    A file that cannot be read or written is no hindrance: :attr:`problem` says what is
    wrong, and entries are remembered for this session alone.

    Args:
        file: where they are kept; None keeps nothing.
    """

    def __init__(self, file: Path | None) -> None:
        self.problem = ""
        self._file = file
        self.entries: list[str] = []
        if file is not None:
            try:
                self.entries = _read(file)
            except OSError as error:
                self._give_up(error)

    def add(self, entry: str) -> None:
        """Remember an entry; not one that begins with a blank, nor one twice in a row.

        Args:
            entry: as typed.
        """
        if entry[:1].isspace() or not entry or self.entries[-1:] == [entry]:
            return
        self.entries.append(entry)
        if self._file is not None:
            try:
                _append(self._file, entry)
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.problem = f"{self._file}: {error.strerror}; what you type is not kept"
        self._file = None


def _read(file: Path) -> list[str]:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return []
    with suppress(PermissionError):  # somebody else's file, which we may only read
        file.chmod(0o600)
    entries = list(_entries(content.splitlines()))
    is_torn = content[-1:] not in (b"", b"\n")  # somebody was stopped in the middle
    if is_torn or len(entries) > KEPT_ENTRIES + SLACK:
        entries = entries[-KEPT_ENTRIES:]
        _replace(file, entries)
    return entries


def _entries(lines: list[bytes]) -> Iterator[str]:
    for line in lines:
        with suppress(ValueError):  # a line that was not written to its end
            entry = json.loads(line)
            if isinstance(entry, str):
                yield entry


def _append(file: Path, entry: str) -> None:
    _make_folder(file)
    _write(file, os.O_APPEND, [entry])


def _replace(file: Path, entries: list[str]) -> None:
    shorter = file.with_name(f"{file.name}.{os.getpid()}")
    _write(shorter, os.O_TRUNC, entries)
    shorter.replace(file)


def _make_folder(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _write(file: Path, how: int, entries: list[str]) -> None:
    text = "".join(json.dumps(entry) + "\n" for entry in entries)
    # Nobody else may read it, from the first byte on.
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | how, 0o600)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)
