"""Sizes, times and program parameters as people type and read them."""

from __future__ import annotations

import re

from .errors import ConfigError

_SIZE_UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
_TIME_UNITS = {"": 1.0, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPANS = ((86_400, "day"), (3600, "hour"), (60, "minute"))
_NUMBER_AND_UNIT = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)\s*")
_NUMBERED = re.compile(r"0\d+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse_size(text: str) -> int:
    """Return the bytes that ``"512MB"``, ``"8 GiB"`` or ``"1000"`` stand for.

    Raises:
        ConfigError: the text is no size.
    """
    found = _NUMBER_AND_UNIT.fullmatch(text)
    factor = _SIZE_UNITS.get(found[2].upper()) if found else None
    if found is None or factor is None:
        raise ConfigError(f"'{text}' is not a size; write for example 512MB or 8GiB")
    return int(float(found[1]) * factor)


def parse_duration_s(text: str) -> float:
    """Return the seconds that ``"90s"``, ``"5m"``, ``"1.5h"`` or ``"90"`` stand for.

    Raises:
        ConfigError: the text is no duration, or is zero.
    """
    found = _NUMBER_AND_UNIT.fullmatch(text)
    factor = _TIME_UNITS.get(found[2]) if found else None
    if found is None or factor is None:
        raise ConfigError(f"'{text}' is not a duration; write for example 90s or 5m")
    seconds = float(found[1]) * factor
    if seconds <= 0:
        raise ConfigError(
            f"a duration of '{text}' leaves no time; write for example 5m"
        )
    return seconds


def parse_parameter(text: str) -> tuple[str, float | bool | str]:
    """Return name and value of ``NAME=VALUE``.

    ``true`` and ``false`` are booleans, what reads as a number is a double, all else
    is a string; so are digits that begin with 0, such as ``007``, and a value in
    double quotes whatever it reads as.

    Raises:
        ConfigError: the text has no ``=`` or its left side is no name.
    """
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals:
        raise ConfigError(f"'{text}' gives no value; write NAME=VALUE, e.g. cut=0.8")
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"'{name}' cannot name a parameter; names are letters, digits and '_'"
        )
    return name, _parameter_value(value)


def _parameter_value(text: str) -> float | bool | str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    # 007 is the name of a case: as a number it would lose its zeros.
    if _NUMBER.fullmatch(text) and not _NUMBERED.fullmatch(text):
        return float(text)
    return text


def format_size(size_bytes: float) -> str:
    """Return a size for people: ``"34.2 MB"``."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size_bytes) < 1000:
            return f"{size_bytes:.0f} B" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def format_duration(seconds: float) -> str:
    """Return a duration for people: ``"3 ms"``, ``"1.25 s"``, ``"4 min 10 s"``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def format_span(seconds: float) -> str:
    """Return a time to wait or since then, at most ``seconds``: ``"90 minutes"``."""
    for size, unit in _SPANS:
        count = int(seconds // size)
        if count >= 2 or (count == 1 and seconds == size):
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{int(seconds)} s"


def suggestion(name: str, known: list[str] | tuple[str, ...]) -> str:
    """Return ``"; did you mean 'near'?"`` or nothing."""
    import difflib

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""
