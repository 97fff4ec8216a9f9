"""Values to files, by suffix: complete under their name, or not there at all."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from primitives.errors import OutputFileError
from primitives.text import format_value, to_json
from primitives.values import Image, Mask, Value, kind_of

from .suffixes import (
    DATA_SUFFIXES,
    PICTURE_SUFFIXES,
    check_output_suffix,
    normalized_suffix,
)

_NUMBER_PLACE = "{}"


def write_value(value: Value, path: Path) -> tuple[Path, ...]:
    """Save ``value`` to ``path`` in the format of its suffix.

    Folders on the way are made.  The file appears complete under its name, or an
    error is raised and nothing is left behind.

    Args:
        value: images and masks go to image formats, overlays to pictures, other
            values to ``.json``, ``.txt`` or ``.csv``.  A sequence of images goes to
            numbered files where the name of ``path`` has ``{}``.
        path: where to.

    Returns:
        The files written, data files of headers included.

    Raises:
        OutputFileError: the format cannot hold the value, or the file cannot be
            written.
    """
    images = _numbered_images(value, path)
    if images is None:
        return _write_one(value, path)
    digits = len(str(max(len(images) - 1, 0)))
    written: list[Path] = []
    for number, image in enumerate(images):
        name = path.name.replace(_NUMBER_PLACE, f"{number:0{digits}d}")
        written.extend(_write_one(image, path.with_name(name)))
    return tuple(written)


def write_text(text: str, path: Path) -> None:
    """Write a text as it is, complete under its name or not at all.

    Raises:
        OutputFileError: the file cannot be written.
    """
    _place(path, lambda target: _write_bytes(text.encode(), target))


def _numbered_images(value: Value, path: Path) -> tuple[Image | Mask, ...] | None:
    if type(value) is not tuple or normalized_suffix(path) in DATA_SUFFIXES:
        return None
    check_output_suffix(path, "sequence")
    if not value or not all(isinstance(item, Image | Mask) for item in value):
        raise OutputFileError(
            f"'{path}': only a sequence of images can be saved as images; "
            "use .json, .txt or .csv"
        )
    if _NUMBER_PLACE not in path.name:
        suffix = normalized_suffix(path)
        raise OutputFileError(
            f"'{path}': the {len(value)} images of a sequence need a name each; "
            f"put {{}} where the number shall be, such as "
            f"'{path.name[: -len(suffix)]}_{{}}{suffix}'"
        )
    return value


def _write_one(value: Value, path: Path) -> tuple[Path, ...]:
    kind = kind_of(value)
    check_output_suffix(path, kind)
    suffix = normalized_suffix(path)
    if kind in ("image", "mask"):
        from .write_image import write_image

        return _place(path, lambda target: write_image(value, target, suffix))
    if kind == "record" and suffix not in DATA_SUFFIXES:
        layers = _layers(value, path, suffix)
        from .write_image import write_overlay

        return _place(path, lambda target: write_overlay(layers, target, suffix))
    if kind == "bytes":
        return _place(path, lambda target: _write_bytes(value, target))
    data = _as_text(value, suffix).encode("utf-8", "surrogatepass")
    return _place(path, lambda target: _write_bytes(data, target))


def _layers(value: Value, path: Path, suffix: str) -> list[Image | Mask]:
    layers = value.get("layers")
    if type(layers) is not tuple:
        raise OutputFileError(
            f"'{path}': a record cannot be saved as '{suffix}'; use .json, .txt or .csv"
        )
    if suffix not in PICTURE_SUFFIXES:
        raise OutputFileError(
            f"'{path}': an overlay is a picture; use {', '.join(PICTURE_SUFFIXES)}"
        )
    return [layer["image"] for layer in layers]


def _as_text(value: Value, suffix: str) -> str:
    if suffix == ".json":
        return to_json(value, indent=2) + "\n"
    if suffix == ".csv":
        return _as_csv(value)
    lines = value if type(value) is tuple else (value,)
    return "".join(f"{format_value(line)}\n" for line in lines)


def _as_csv(value: Value) -> str:
    """Return rows: an item of a sequence each, or a key of a record with its value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if type(value) is tuple and value and all(type(row) is dict for row in value):
        columns = sorted({key for row in value for key in row})
        writer.writerow(columns)
        writer.writerows([_cell(row.get(key, "")) for key in columns] for row in value)
    elif type(value) is dict:
        writer.writerows([key, *_cells(value[key])] for key in sorted(value))
    else:
        rows = value if type(value) is tuple else (value,)
        writer.writerows(_cells(row) for row in rows)
    return text.getvalue()


def _cells(value: Value) -> list[str]:
    return [_cell(item) for item in (value if type(value) is tuple else (value,))]


def _cell(value: Value) -> str:
    return "" if value is None else format_value(value)


def _write_bytes(data: bytes, target: Path) -> None:
    target.write_bytes(data)


def _place(path: Path, write: Callable[[Path], None]) -> tuple[Path, ...]:
    """Have ``write`` make the file in a folder beside its place, then move it there.

    The move replaces an older file in one step.  A data file goes before the header
    that names it.
    """
    with _explained(path):
        if path.is_dir():
            raise OutputFileError(f"'{path}' is a folder; name a file in it")
        _make_folder(path.parent, path)
        folder = Path(tempfile.mkdtemp(prefix=".saving-", dir=path.parent))
        try:
            write(folder / path.name)
            made = sorted(folder.iterdir(), key=lambda made: made.name == path.name)
            for file in made:
                _flush(file)
            placed = tuple(path.with_name(file.name) for file in made)
            for file, final in zip(made, placed, strict=True):
                file.replace(final)
            _flush(path.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return placed


def _make_folder(folder: Path, path: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise OutputFileError(
            f"'{path}' cannot be written: '{folder}' is not a folder"
        ) from None


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputFileError(
            f"'{path}' cannot be written: {error.strerror or error}"
        ) from None


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
