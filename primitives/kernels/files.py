"""Kernels that read files and list folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from primitives.context import Context
from primitives.errors import InputFileError, KernelError, KernelTypeError
from primitives.files import InputFile, read_bytes
from primitives.formats.suffixes import IMAGE_SUFFIXES, TEXT_SUFFIXES
from primitives.values import Value

from .operators import INT_MAX, INT_MIN, a_kind, truth


def load(context: Context, file: InputFile | Value) -> Value:
    """Return what a file holds, by its suffix; a sequence as it is.

    Image formats give an image, ``.json`` its values, ``.txt`` and ``.csv`` the
    sequence of lines, anything else the bytes.

    Raises:
        InputFileError: the file cannot be read as what its suffix says.
        InputChangedError: the file changed since it was hashed.
        KernelTypeError: the argument is neither a file nor a sequence.
    """
    if type(file) is tuple:
        return file
    if not isinstance(file, InputFile):
        raise KernelTypeError(f"load takes the path of a file, not {a_kind(file)}")
    if file.slices or file.suffix in IMAGE_SUFFIXES:
        from primitives.formats.read_image import read_image

        return read_image(file, context.check)
    file.check_unchanged()
    data = read_bytes(file.path)
    file.check_unchanged()
    if file.suffix == ".json":
        return _parsed(data, file.path)
    if file.suffix in TEXT_SUFFIXES:
        return tuple(_lines(_text(data, file.path)))
    return data


def list_folder(
    context: Context,
    root: str,
    pattern: str = "*",
    recursive: Value = False,
    full: Value = False,
) -> Value:
    """Return the names in a folder that match a pattern, sorted.

    Args:
        context: says what a relative ``root`` is relative to.
        root: the folder; ``~`` is the home folder.
        pattern: shell pattern of the names.
        recursive: whether to look into its folders as well.
        full: whether to give absolute paths instead of names relative to ``root``.

    Raises:
        KernelError: there is no such folder, or the pattern is not one.
    """
    try:
        folder = context.directory / Path(root).expanduser()
        is_folder = folder.is_dir()
    except (RuntimeError, ValueError, OSError) as error:
        raise KernelError(f"'{root}' cannot be listed: {error}") from None
    if not is_folder:
        what = "is not a folder" if folder.exists() else "does not exist"
        raise KernelError(f"'{root}' {what}; dir lists a folder")
    search = folder.rglob if truth(recursive, "recursive") else folder.glob
    is_full = truth(full, "full")
    try:
        found = list(search(pattern))
    except (ValueError, NotImplementedError, OSError) as error:
        raise KernelError(
            f"'{root}' cannot be listed by '{pattern}': {error}"
        ) from None
    names = (
        str(path.resolve()) if is_full else path.relative_to(folder).as_posix()
        for path in found
        if path != folder
    )
    return tuple(sorted(names))


def _text(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputFileError(
            f"'{path}' is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _parsed(data: bytes, path: Path) -> Value:
    try:
        return _value_of_json(json.loads(_text(data, path), parse_int=_parse_int))
    except json.JSONDecodeError as error:
        raise InputFileError(
            f"'{path}' is not JSON: {error.msg} "
            f"at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise InputFileError(f"'{path}' is nested too deeply") from None


def _parse_int(text: str) -> int | float:
    if len(text) > 20:
        return float(text)
    number = int(text)
    return number if INT_MIN <= number <= INT_MAX else float(text)


def _value_of_json(item: Any) -> Value:
    if isinstance(item, list):
        return tuple([_value_of_json(each) for each in item])
    if isinstance(item, dict):
        return {key: _value_of_json(each) for key, each in item.items()}
    return item
