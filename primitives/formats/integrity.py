"""Checks that a file is whole, for formats whose readers do not notice.

ITK gives zeros for the missing end of a truncated NIfTI, TIFF or JPEG, and ignores a
wrong checksum of compressed data; some of its readers write to standard error.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from primitives.errors import InputFileError
from primitives.files import read_bytes

from .members import input_members, text_header

_MOST_BYTES = 1 << 40
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_TIFF_STRIPS, _TIFF_TILES = (273, 279), (324, 325)
_TIFF_PLACES = (*_TIFF_STRIPS, *_TIFF_TILES)
_TIFF_INTEGERS = {3: "H", 4: "I", 16: "Q"}
_TIFF_BYTES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_TIFF_BYTES.update({16: 8, 17: 8, 18: 8})
_ELEMENT_BYTES = {
    "MET_CHAR": 1,
    "MET_UCHAR": 1,
    "MET_SHORT": 2,
    "MET_USHORT": 2,
    "MET_INT": 4,
    "MET_UINT": 4,
    "MET_LONG": 4,
    "MET_ULONG": 4,
    "MET_LONG_LONG": 8,
    "MET_ULONG_LONG": 8,
    "MET_FLOAT": 4,
    "MET_DOUBLE": 8,
}


def check_whole(path: Path, suffix: str) -> None:
    """Check that a picture or MetaImage file is complete.

    Raises:
        InputFileError: it is damaged, cut short, or another format.
    """
    check = _CHECKS.get(suffix)
    if check is not None:
        try:
            check(path)
        except (struct.error, IndexError):
            raise damaged(path, "it is cut short") from None


def damaged(path: Path, why: str) -> InputFileError:
    """Return the error for a file that is not whole."""
    return InputFileError(f"'{path}' is damaged: {why}; copy or export it again")


def gunzip(path: Path, data: bytes, limit: int) -> bytes:
    """Return the decompressed bytes of a gzip file after checking its checksums.

    Args:
        path: for messages.
        data: the file.
        limit: bytes beyond which it is not decompressed.

    Raises:
        InputFileError: the file is cut short, damaged, or larger than ``limit``.
    """
    parts: list[bytes] = []
    room = limit
    while data:
        stream = zlib.decompressobj(wbits=31)
        try:
            part = stream.decompress(data, room + 1)
        except zlib.error as error:
            raise damaged(path, f"it cannot be decompressed ({error})") from None
        if len(part) > room:
            raise damaged(path, f"it holds more than the {limit} bytes it announces")
        if not stream.eof:
            raise damaged(path, "it is cut short")
        parts.append(part)
        room -= len(part)
        # Some programs pad the end with zeros.
        data = stream.unused_data.lstrip(b"\0")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _check_png(path: Path) -> None:
    data = read_bytes(path)
    if not data.startswith(_PNG_MAGIC):
        raise damaged(path, "it does not begin as a PNG file")
    at = len(_PNG_MAGIC)
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(memoryview(data)[at + 4 : at + 8 + length]) != checksum:
            raise damaged(path, "a checksum is wrong")
        at += 12 + length


def _check_jpeg(path: Path) -> None:
    data = read_bytes(path)
    if not data.startswith(b"\xff\xd8"):
        raise damaged(path, "it does not begin as a JPEG file")
    if b"\xff\xd9" not in data[-4096:]:
        raise damaged(path, "it is cut short")


def _check_bmp(path: Path) -> None:
    data = read_bytes(path)
    if not data.startswith(b"BM"):
        raise damaged(path, "it does not begin as a BMP file")
    start, _header, width, height, _planes, bits, compression = struct.unpack_from(
        "<IIiiHHI", data, 10
    )
    row_bytes = (width * bits + 31) // 32 * 4
    if compression == 0 and len(data) < start + row_bytes * abs(height):
        raise damaged(path, "it is cut short")


def _check_tiff(path: Path) -> None:
    """Walk all directories; the voxels they point to must lie in the file."""
    data = read_bytes(path)
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        raise damaged(path, "it does not begin as a TIFF file")
    (version,) = struct.unpack_from(order + "H", data, 2)
    if version not in (42, 43):
        raise damaged(path, "it does not begin as a TIFF file")
    word = order + ("I" if version == 42 else "Q")
    (at,) = struct.unpack_from(word, data, 4 if version == 42 else 8)
    seen: set[int] = set()
    while at:
        if at in seen:
            raise damaged(path, "its directories go in a circle")
        seen.add(at)
        at = _check_tiff_directory(path, data, at, order, version == 43)


def _check_tiff_directory(
    path: Path, data: bytes, at: int, order: str, is_big: bool
) -> int:
    count_format, entry_bytes = ("Q", 20) if is_big else ("H", 12)
    word = "Q" if is_big else "I"
    (count,) = struct.unpack_from(order + count_format, data, at)
    at += struct.calcsize(order + count_format)
    places: dict[int, tuple[int, ...]] = {}
    for entry in range(count):
        tag, kind, length = struct.unpack_from(
            f"{order}HH{word}", data, at + entry * entry_bytes
        )
        field = at + entry * entry_bytes + (12 if is_big else 8)
        size = length * _TIFF_BYTES.get(kind, 1)
        if size > (8 if is_big else 4):
            (field,) = struct.unpack_from(order + word, data, field)
        if field + size > len(data):
            raise damaged(path, "it is cut short")
        if tag in _TIFF_PLACES and kind in _TIFF_INTEGERS:
            form = f"{order}{length}{_TIFF_INTEGERS[kind]}"
            places[tag] = struct.unpack_from(form, data, field)
    for offsets, sizes in (_TIFF_STRIPS, _TIFF_TILES):
        pairs = zip(places.get(offsets, ()), places.get(sizes, ()), strict=False)
        if any(offset + size > len(data) for offset, size in pairs):
            raise damaged(path, "it is cut short")
    (following,) = struct.unpack_from(order + word, data, at + count * entry_bytes)
    return int(following)


def _check_metaimage(path: Path) -> None:
    fields = text_header(path)
    if "elementdatafile" not in fields or "dimsize" not in fields:
        raise damaged(path, "it does not begin as a MetaImage file")
    count = int(fields.get("elementnumberofchannels", "1"))
    for size in fields["dimsize"].split():
        count *= int(size)
    expected = count * _ELEMENT_BYTES.get(fields.get("elementtype", ""), 0)
    members = input_members(path)
    payload = read_bytes(members[0] if members else path)
    if not members:
        payload = payload.partition(b"ElementDataFile")[2].partition(b"\n")[2]
    if fields.get("compresseddata", "").lower() == "true":
        try:
            payload = zlib.decompress(payload)
        except zlib.error as error:
            raise damaged(path, f"it cannot be decompressed ({error})") from None
    if len(payload) < expected:
        raise damaged(path, f"it holds {len(payload)} of {expected} bytes of voxels")


def _check_nrrd(path: Path) -> None:
    data = read_bytes(path)
    if not data.startswith(b"NRRD"):
        raise damaged(path, "it does not begin as a NRRD file")
    fields = text_header(path)
    if fields.get("encoding", "").lower() not in ("gzip", "gz"):
        return
    members = input_members(path)
    start = 0 if members else _end_of_header(data)
    payload = read_bytes(members[0]) if members else data
    gunzip(path, payload[start:], _MOST_BYTES)


def _end_of_header(data: bytes) -> int:
    ends = [data.find(blank) + len(blank) for blank in (b"\n\n", b"\r\n\r\n")]
    found = [end for end in ends if end > 3]
    return min(found) if found else len(data)


_CHECKS: dict[str, Callable[[Path], None]] = {
    ".png": _check_png,
    ".jpg": _check_jpeg,
    ".jpeg": _check_jpeg,
    ".bmp": _check_bmp,
    ".tif": _check_tiff,
    ".tiff": _check_tiff,
    ".nrrd": _check_nrrd,
    ".nhdr": _check_nrrd,
    ".mha": _check_metaimage,
    ".mhd": _check_metaimage,
}
