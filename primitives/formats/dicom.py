"""DICOM data sets as elements: tags, and where their values lie.

No value is kept that is not asked for by its tag.  Sequences are stepped over, or
entered by :func:`items`.

Source: DICOM PS3.5, sections 7 (data sets) and A (transfer syntaxes); PS3.10,
section 7 (files).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

PREAMBLE_BYTES = 132
"""A DICOM file begins with 128 bytes of anything and the letters DICM."""

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"

UNDEFINED = 0xFFFFFFFF
"""The length of what goes on to a delimiter."""

MAX_DEPTH = 16
"""Deepest nesting of sequences that is followed."""

MAX_INFLATED = 1 << 32
"""A deflated data set is not inflated beyond so many bytes."""

_TRANSFER_SYNTAX = 0x00020010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_FORMS = frozenset(
    [*(b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV"),
     *(b"UC", b"UN", b"UR", b"UT", b"UV")]
)  # fmt: skip


class CutShortError(Exception):
    """The bytes end before the data set does, or are no data set."""


class Element(NamedTuple):
    """One element of a data set.

    Attributes:
        tag: group in the upper, element in the lower 16 bits.
        start: of its value in the bytes.
        length: of its value, :data:`UNDEFINED` for pixels in fragments.
        end: of the whole element, delimiters included.
    """

    tag: int
    start: int
    length: int
    end: int


@dataclass(frozen=True, slots=True)
class DataSet:
    """Bytes, and how the elements in them are written.

    Attributes:
        data: all bytes of the file, inflated if they were deflated.
        start: of the first element behind the file's own description.
        order: ``"<"`` or ``">"``.
        is_explicit: whether elements say of what type they are.
    """

    data: bytes
    start: int
    order: str
    is_explicit: bool


def is_dicom(head: bytes, *, is_named_so: bool) -> bool:
    """Return whether a file that begins with ``head`` is a DICOM file.

    Args:
        head: the first :data:`PREAMBLE_BYTES`, fewer if there are not so many.
        is_named_so: whether its name says so; then old files, which begin with their
            first element, count too.
    """
    if head[128:PREAMBLE_BYTES] == b"DICM":
        return True
    if not is_named_so or len(head) < 8:
        return False
    group, element, length = struct.unpack_from("<HHI", head)
    is_plain = group in (2, 8) and element <= 0x20
    return is_plain and (length < 256 or head[4:6] in (b"UL", b"UI", b"CS"))


def open_data_set(data: bytes) -> DataSet:
    """Return the data set of a file's bytes, which may be its beginning only.

    Raises:
        CutShortError: the bytes end within the file's own description.
    """
    start = PREAMBLE_BYTES if data[128:PREAMBLE_BYTES] == b"DICM" else 0
    syntax = ""
    meta = DataSet(data, start, "<", True)
    for element in elements(meta, last=0x0002FFFF):
        if element.tag >> 16 != 2:
            break
        start = element.end
        if element.tag == _TRANSFER_SYNTAX:
            syntax = text(meta, element)
    if not syntax:  # no description: the elements themselves show how they are written
        is_explicit = data[start + 4 : start + 6].isalpha()
        return DataSet(data, start, "<", is_explicit)
    if syntax == DEFLATED_LITTLE:
        data = data[:start] + _inflated(data[start:])
    order = ">" if syntax == EXPLICIT_BIG else "<"
    return DataSet(data, start, order, syntax != IMPLICIT_LITTLE)


def elements(
    source: DataSet,
    start: int | None = None,
    end: int | None = None,
    last: int = 0xFFFFFFFF,
    depth: int = 0,
) -> Iterator[Element]:
    """Yield the elements from ``start`` up to ``end``, or up to the tag ``last``.

    Raises:
        CutShortError: the bytes end within an element.
    """
    data, is_explicit = source.data, source.is_explicit
    at = source.start if start is None else start
    stop = len(data) if end is None else end
    brief = struct.Struct(source.order + "HH2sH").unpack_from
    plain = struct.Struct(source.order + "HHI").unpack_from
    word = struct.Struct(source.order + "I").unpack_from
    while at < stop:
        try:
            if is_explicit:
                group, element, form, length = brief(data, at)
                at += 8
                if group == 0xFFFE:
                    return
                if form in _LONG_FORMS:
                    (length,) = word(data, at)
                    at += 4
            else:
                group, element, length = plain(data, at)
                form = b""
                at += 8
        except struct.error:
            raise CutShortError from None
        tag = group << 16 | element
        if tag > last or tag == _ITEM_END:
            return
        if length != UNDEFINED:
            yield Element(tag, at, length, at + length)
            at += length
            continue
        inner = source
        if form == b"UN":  # a private sequence that was written in another syntax
            inner = DataSet(data, 0, "<", False)
        past = _past_sequence(inner, at, depth)
        yield Element(tag, at, UNDEFINED, past)
        at = past
    if at > stop:
        raise CutShortError


def items(
    source: DataSet, sequence: Element, depth: int = 0
) -> Iterator[tuple[int, int]]:
    """Yield start and end of what is in each item of a sequence.

    Raises:
        CutShortError: the bytes end within it.
    """
    plain = struct.Struct(source.order + "HHI").unpack_from
    at = sequence.start
    while at < sequence.end:
        try:
            group, element, length = plain(source.data, at)
        except struct.error:
            raise CutShortError from None
        tag = group << 16 | element
        if tag != _ITEM:
            return
        at += 8
        end = _past_item(source, at, depth) if length == UNDEFINED else at + length
        yield at, end
        at = end


def text(source: DataSet, element: Element) -> str:
    """Return a value of characters.

    Raises:
        CutShortError: the bytes end within it.
    """
    value = source.data[element.start : element.end]
    if len(value) < element.length:
        raise CutShortError
    return value.decode("latin-1").strip(" \0")


def number(source: DataSet, element: Element) -> int:
    """Return a value of 16 bits, 0 if there is none.

    Raises:
        CutShortError: the bytes end within it.
    """
    if element.length < 2:
        return 0
    try:
        return int(
            struct.unpack_from(source.order + "H", source.data, element.start)[0]
        )
    except struct.error:
        raise CutShortError from None


def decimals(source: DataSet, element: Element) -> tuple[float, ...]:
    """Return the numbers of a value of characters, none if it has others.

    Raises:
        CutShortError: the bytes end within it.
    """
    try:
        return tuple(float(part) for part in text(source, element).split("\\") if part)
    except ValueError:
        return ()


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(-15).decompress(data, MAX_INFLATED)
    except zlib.error:
        raise CutShortError from None


def _past_sequence(source: DataSet, at: int, depth: int) -> int:
    """Return the end of a sequence, or of fragments, that goes on to a delimiter."""
    if depth > MAX_DEPTH:
        raise CutShortError
    plain = struct.Struct(source.order + "HHI").unpack_from
    while True:
        try:
            group, element, length = plain(source.data, at)
        except struct.error:
            raise CutShortError from None
        tag = group << 16 | element
        at += 8
        if tag == _SEQUENCE_END:
            return at
        if tag != _ITEM:
            raise CutShortError
        at = _past_item(source, at, depth) if length == UNDEFINED else at + length


def _past_item(source: DataSet, at: int, depth: int) -> int:
    """Return the end of an item that goes on to a delimiter."""
    for element in elements(source, at, depth=depth + 1):
        at = element.end
    try:
        group, tag, _ = struct.unpack_from(source.order + "HHI", source.data, at)
    except struct.error:
        raise CutShortError from None
    if (group << 16 | tag) != _ITEM_END:
        raise CutShortError
    return at + 8
