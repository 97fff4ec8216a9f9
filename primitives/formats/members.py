"""Files whose voxels lie in further files, which belong to the input as well."""

from __future__ import annotations

from pathlib import Path

from primitives.errors import InputFileError
from primitives.files import require_readable

from .suffixes import normalized_suffix

_HEADER_LIMIT = 65536


def input_members(path: Path) -> list[Path]:
    """Return the further files whose bytes belong to the file at ``path``.

    A ``.mhd`` or ``.nhdr`` header names its data file; ``.hdr`` and ``.img`` belong
    together.  Other formats are one file.

    Raises:
        InputFileError: a member is missing, or lies outside the header's folder.
    """
    suffix = normalized_suffix(path)
    if suffix in (".hdr", ".img", ".img.gz"):
        return [_other_half(path, suffix)]
    if suffix in (".mhd", ".mha"):
        return _named_in(path, "elementdatafile")
    if suffix in (".nhdr", ".nrrd"):
        return _named_in(path, "data file") or _named_in(path, "datafile")
    return []


def text_header(path: Path) -> dict[str, str]:
    """Return the fields of a MetaImage or NRRD header, names in lower case.

    Raises:
        InputFileError: the file cannot be read.
    """
    require_readable(path)
    with path.open("rb") as file:
        head = file.read(_HEADER_LIMIT)
    separator = ":" if head.startswith(b"NRRD") else "="
    fields: dict[str, str] = {}
    for line in head.split(b"\n"):
        text = line.decode("latin-1").strip()
        if separator == ":" and not text:
            break
        name, found, value = text.partition(separator)
        if found:
            fields[name.strip().lower()] = value.strip()
        if name.strip().lower() == "elementdatafile":
            break
    return fields


def _other_half(path: Path, suffix: str) -> Path:
    stem = path.name[: -len(suffix)]
    wanted = [".img", ".img.gz"] if suffix == ".hdr" else [".hdr"]
    for other in wanted:
        for spelled in (other, other.upper()):
            candidate = path.with_name(stem + spelled)
            if candidate.exists():
                return candidate
    raise InputFileError(
        f"'{path}' belongs together with '{stem}{wanted[0]}', which is not beside it"
    )


def _named_in(path: Path, field: str) -> list[Path]:
    name = text_header(path).get(field, "")
    if not name or name.upper() == "LOCAL":
        return []
    if name.upper().startswith("LIST") or "%" in name:
        raise InputFileError(
            f"'{path}' spreads its voxels over several files, which is not supported; "
            "save it as one file"
        )
    member = path.parent / name
    if not member.resolve().is_relative_to(path.parent.resolve()):
        raise InputFileError(
            f"'{path}' names the data file '{name}' outside its folder; "
            "put both in one folder"
        )
    if not member.is_file():
        raise InputFileError(f"'{path}' names the data file '{name}', which is missing")
    return [member]
