"""One line in the log for each thing that happened, as ``event name=value ...``."""

from __future__ import annotations

import logging

_log = logging.getLogger("voxpeer.daemon")


def event(name: str, *, level: int = logging.INFO, **details: object) -> None:
    """Log that something happened.

    Args:
        name: what, one word.
        level: of :mod:`logging`.
        details: named values; never digests, keys or paths of data as they are.
    """
    words = [name]
    for key, value in details.items():
        text = str(value)
        is_plain = text and not any(char.isspace() or char in '"=' for char in text)
        words.append(f"{key}={text}" if is_plain else f"{key}={text!r}")
    _log.log(level, " ".join(words))


def mistake(where: str, error: Exception) -> None:
    """Log an error that nobody foresaw; it ends nothing but what it was part of."""
    event("mistake", level=logging.ERROR, where=where, problem=repr(error))
    _log.debug("in %s", where, exc_info=error)
