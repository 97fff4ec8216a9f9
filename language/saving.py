"""Which values a file can hold, by its name."""

from __future__ import annotations

from primitives.errors import OutputFileError
from primitives.formats.suffixes import (
    DATA_SUFFIXES,
    check_output_suffix,
    normalized_suffix,
    output_suffixes,
)
from primitives.registry import KINDS

from .value_types import FUNCTION_KIND, IMAGES, Type, describe

NUMBER_PLACE = "{}"
"""Where the name of a file holds the number of an image."""
_DATA_FILES = "use .json, .txt or .csv"


def unsavable(path: str, saved: Type) -> tuple[str, str] | None:
    """Return why no value of a type can be saved to a file, and what to do.

    Args:
        path: of the file, as the program gives it.
        saved: what is known of the value.
    """
    if "\0" in path:
        return "no file can have this name", "there is a character in it without a form"
    kinds = sorted(saved.kinds - {FUNCTION_KIND})
    if not kinds:
        return None
    suffix = normalized_suffix(path)
    refusals = [_refusal(path, kind) for kind in kinds]
    if saved.kinds == KINDS:
        refusals = [_refusal(path, "any")]
    if all(refusals):
        return _no_format(path, suffix, saved)
    if suffix in DATA_SUFFIXES:
        return None
    possible = {kind for kind, no in zip(kinds, refusals, strict=False) if not no}
    if possible == {"sequence"}:
        return _unsavable_sequence(path, suffix, saved)
    is_overlay = saved.fields is None or "layers" in dict(saved.fields)
    if possible == {"record"} and not is_overlay:
        return f"'{path}': a record cannot be saved as '{suffix}'", _DATA_FILES
    return None


def _no_format(path: str, suffix: str, saved: Type) -> tuple[str, str]:
    what = "a value" if saved.kinds == KINDS else describe(saved.kinds)
    kind = "any" if saved.kinds == KINDS else min(saved.kinds)
    how = f"as '{suffix}'" if suffix else "in a file whose name has no ending"
    known = output_suffixes(kind)
    listed = f"{', '.join(known[:-1])} or {known[-1]}" if known[1:] else known[0]
    return f"'{path}': {what} cannot be saved {how}", f"use {listed}"


def _refusal(path: str, kind: str) -> str:
    try:
        check_output_suffix(path, kind)
    except OutputFileError as error:
        return str(error)
    return ""


def _unsavable_sequence(path: str, suffix: str, saved: Type) -> tuple[str, str] | None:
    if saved.length == 0 or not saved.item.kinds & IMAGES:
        items = describe(saved.item.kinds)
        what = f"a sequence whose items are {items}" if items else "an empty sequence"
        return f"'{path}': {what} cannot be saved as '{suffix}'", _DATA_FILES
    name = path.replace("\\", "/").rpartition("/")[2]
    if NUMBER_PLACE not in name:
        return (
            f"'{path}': the images of a sequence need a name each",
            "put {} where the number shall be, such as "
            f"'{name[: -len(suffix)]}_{{}}{suffix}'",
        )
    return None
