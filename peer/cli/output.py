"""Writing to standard output and standard error."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence

from peer.errors import OutputError


def write_line(text: str) -> None:
    """Write one line of results to standard output at once.

    When the reader of a pipe has gone, this and all further lines go nowhere: what
    the command does besides (files to save, results to keep) is done all the same.

    Raises:
        OutputError: standard output cannot be written, on a full disk for example.
    """
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_stdout()
    except UnicodeEncodeError:
        _write_escaped(text)
    except OSError as error:
        _discard_stdout()
        raise OutputError(
            f"standard output cannot be written: {error.strerror}"
        ) from error


def format_time(milliseconds: int) -> str:
    """Return a moment, in milliseconds since 1970, as local date and time."""
    local = time.localtime(milliseconds / 1000)
    return time.strftime("%Y-%m-%d %H:%M:%S", local)


def write_json(value: object) -> None:
    """Write one JSON value to standard output."""
    import json

    write_line(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def note(text: str) -> None:
    """Write a message for people to standard error."""
    try:
        print(text, file=sys.stderr, flush=True)
    except UnicodeEncodeError:
        print(text.encode("ascii", "backslashreplace").decode(), file=sys.stderr)
    except OSError:
        pass  # nobody listens


def write_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write aligned columns to standard output."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        write_line("  ".join(cells).rstrip())


def _write_escaped(text: str) -> None:
    """Write what the terminal's encoding cannot show as escapes."""
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()


def _discard_stdout() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
