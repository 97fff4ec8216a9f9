"""Reading single settings: from texts of variables and options, or TOML values.

Each reader raises :class:`~peer.errors.ConfigError` for what it cannot use.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from .addresses import parse_address, parse_listen
from .errors import ConfigError
from .quantities import parse_duration_s, parse_size, suggestion

MAX_NAME = 64
"""Characters that a machine's name may have, as the wire contract promises."""


def read_path(value: object) -> str:
    """Read the path of a folder."""
    if not isinstance(value, str) or not value:
        raise ConfigError("must be the path of a folder")
    return str(Path(value).expanduser())


def read_size(value: object) -> int:
    """Read bytes."""
    size = value if type(value) is int else parse_size(str(value))
    if size <= 0:
        raise ConfigError("must be more than nothing; write for example 20GB")
    return size


def read_duration(value: object) -> float:
    """Read seconds."""
    return parse_duration_s(str(value))


def read_count(value: object) -> int:
    """Read a whole number of at least 1."""
    try:
        count = int(str(value))
    except ValueError:
        count = 0
    if count < 1:
        raise ConfigError(f"'{value}' is not a whole number of at least 1")
    return count


def read_share(value: object) -> float:
    """Read a part of a whole: a number from 0 to 1, or a percentage."""
    text = str(value).strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise ConfigError(f"'{value}' is no share; write for example 2% or 0.02")
    return share


def read_boolean(value: object) -> bool:
    """Read true or false."""
    found = {"true": True, "1": True, "false": False, "0": False}.get(
        str(value).lower()
    )
    if found is None:
        raise ConfigError(f"'{value}' is neither true nor false")
    return found


def read_name(value: object) -> str:
    """Read what people call a machine."""
    name = str(value).strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise ConfigError(
            f"'{value}' cannot name a machine; write 1 to {MAX_NAME} characters"
        )
    return name


def _words(value: object) -> tuple[str, ...]:
    """Read a list, or a text with commas, as variables give it."""
    if isinstance(value, str):
        return tuple(word for part in value.split(",") if (word := part.strip()))
    if not isinstance(value, list | tuple) or not all(
        isinstance(word, str) for word in value
    ):
        raise ConfigError("must be a list of texts")
    return tuple(value)


def read_seeds(value: object) -> tuple[str, ...]:
    """Read addresses."""
    return tuple(dict.fromkeys(parse_address(word) for word in _words(value)))


def read_listen(value: object) -> str:
    """Read an address to listen at."""
    return parse_listen(str(value))


def read_interfaces(value: object) -> tuple[str, ...]:
    """Read names of interfaces; none for "auto"."""
    words = _words(value)
    if words == ("auto",):
        return ()
    if not words:
        raise ConfigError('must be "auto" or name at least one interface')
    return words


def one_of(literal: object) -> Callable[[object], str]:
    """Return a reader of one of the words of a literal type."""
    words: tuple[str, ...] = get_args(literal)

    def read(value: object) -> str:
        if value not in words:
            raise ConfigError(
                f"'{value}' is not offered{suggestion(str(value), words)}; "
                f"there is {', '.join(words)}"
            )
        return str(value)

    return read
