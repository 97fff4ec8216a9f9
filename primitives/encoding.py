"""Canonical encoding of values: equal values, equal bytes.

An artifact begins with four bytes that say what follows:

==============  ============================================================
``VXd`` 0x01    data: everything but images and masks, as canonical MessagePack
``VXi`` 0x01    image: a header and raw voxels (:mod:`primitives.image_encoding`)
``VXm`` 0x01    mask: a header and one bit per voxel
==============  ============================================================

An image inside a sequence or record is an artifact of its own; the data holds its
32-byte digest.  The bytes are final and described in ``docs/reference/encoding.md``.
This module does not import numpy until an image is met.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import msgspec

from .errors import ValueEncodingError
from .values import Image, Mask, Value, kind_of

DATA_MAGIC = b"VXd\x01"
IMAGE_MAGIC = b"VXi\x01"
MASK_MAGIC = b"VXm\x01"
IMAGE_EXT = 1
MASK_EXT = 2
DIGEST_BYTES = 32
MAX_DEPTH = 200
"""Deepest nesting of sequences and records; the same everywhere, whatever the stack."""
INT_MIN, INT_MAX = -(2**63), 2**63 - 1

Buffer: TypeAlias = bytes | memoryview
Put: TypeAlias = Callable[[Value], bytes]
Fetch: TypeAlias = Callable[[bytes], Value]

_NAN = float("nan")
_PLAIN = frozenset({type(None), bool, int, str, bytes, float})
_NESTED = frozenset({tuple, list, dict})
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder()


def encode(value: Value, put: Put) -> tuple[Buffer, ...]:
    """Return the canonical bytes of ``value`` in pieces, voxels without a copy.

    Args:
        value: of any kind.
        put: keeps an image or mask that stands inside a sequence or record, and
            returns its digest of 32 bytes.

    Raises:
        ValueEncodingError: the value has no canonical form, such as an integer
            beyond 64 bits.
    """
    if isinstance(value, Image | Mask):
        from .image_encoding import encode_image

        return encode_image(value)
    try:
        return (DATA_MAGIC + _encoder.encode(_to_wire(value, put)),)
    except UnicodeEncodeError as error:
        raise ValueEncodingError(f"a string is not valid Unicode: {error}") from None


def decode(payload: Buffer, fetch: Fetch) -> Value:
    """Return the value of canonical bytes; an image borrows them without a copy.

    Args:
        payload: a whole artifact.
        fetch: returns the image or mask with a given digest.

    Raises:
        ValueEncodingError: the bytes are not the canonical encoding of a value.
    """
    view = memoryview(payload)
    magic = bytes(view[:4])
    if magic in (IMAGE_MAGIC, MASK_MAGIC):
        from .image_encoding import decode_image

        return decode_image(view, is_mask=magic == MASK_MAGIC)
    wire = _decode_data(view)
    try:
        value = _from_wire(wire, fetch)
        again = _encoder.encode(_to_wire(wire, _no_image))
    except (RecursionError, UnicodeEncodeError) as error:
        raise ValueEncodingError(f"not a value: {error}") from None
    if again != view[4:]:
        raise ValueEncodingError("data is not in canonical form")
    return value


def children(payload: Buffer) -> tuple[bytes, ...]:
    """Return the digests of the images that a value refers to, in order.

    Raises:
        ValueEncodingError: the bytes are not the encoding of a value.
    """
    view = memoryview(payload)
    ext_header = bytes((0xC7, DIGEST_BYTES))
    if bytes(view[:4]) != DATA_MAGIC or ext_header not in bytes(view):
        return ()
    found: list[bytes] = []
    todo = [_decode_data(view)]
    while todo:
        item = todo.pop()
        if isinstance(item, msgspec.msgpack.Ext):
            found.append(bytes(item.data))
        elif isinstance(item, list):
            todo.extend(reversed(item))
        elif isinstance(item, dict):
            todo.extend(reversed(item.values()))
    return tuple(found)


def kind_of_payload(payload: Buffer) -> str:
    """Return the kind of an encoded value from its first bytes.

    Raises:
        ValueEncodingError: these are no bytes of a value.
    """
    head = bytes(memoryview(payload)[:5])
    if head.startswith(IMAGE_MAGIC):
        return "image"
    if head.startswith(MASK_MAGIC):
        return "mask"
    if head.startswith(DATA_MAGIC) and len(head) == 5:
        for kind, firsts in _FIRST_BYTES:
            if head[4] in firsts:
                return kind
    raise ValueEncodingError("these bytes are no value")


_FIRST_BYTES: tuple[tuple[str, frozenset[int]], ...] = (
    ("null", frozenset({0xC0})),
    ("bool", frozenset({0xC2, 0xC3})),
    ("int", frozenset({*range(0x80), *range(0xCC, 0xD4), *range(0xE0, 0x100)})),
    ("double", frozenset({0xCB})),
    ("string", frozenset({*range(0xA0, 0xC0), 0xD9, 0xDA, 0xDB})),
    ("bytes", frozenset({0xC4, 0xC5, 0xC6})),
    ("sequence", frozenset({*range(0x90, 0xA0), 0xDC, 0xDD})),
    ("record", frozenset({*range(0x80, 0x90), 0xDE, 0xDF})),
)


def _to_wire(value: Any, put: Put, depth: int = 0) -> Any:
    """Return what MessagePack encodes for ``value``: canonical, images by digest."""
    kind = type(value)
    if kind is float:
        return _NAN if math.isnan(value) else value
    if kind is int:
        return _checked_int(value)
    if kind in _PLAIN:
        return value
    if depth == MAX_DEPTH and kind in _NESTED:
        raise ValueEncodingError(f"sequences are nested more than {MAX_DEPTH} deep")
    if kind is tuple or kind is list:
        if _is_canonical(value):
            return value
        return [_to_wire(item, put, depth + 1) for item in value]
    if kind is dict:
        return {
            _key(key): _to_wire(value[key], put, depth + 1) for key in _sorted(value)
        }
    if kind is msgspec.msgpack.Ext:
        return value
    if kind is Image or kind is Mask:
        code = IMAGE_EXT if kind is Image else MASK_EXT
        return msgspec.msgpack.Ext(code, _checked_digest(put(value)))
    raise ValueEncodingError(f"{kind.__name__} is not a kind of value")


def _is_canonical(items: tuple[Any, ...] | list[Any]) -> bool:
    """Return whether ``items`` can be encoded as they are; quick for long ones."""
    kinds = set(map(type, items))
    if not kinds <= _PLAIN:
        return False
    if float in kinds and any(map(operator.ne, items, items)):
        return False
    if int in kinds:
        for item in items if len(kinds) > 1 else (min(items), max(items)):
            if type(item) is int:
                _checked_int(item)
    return True


def _checked_int(value: int) -> int:
    if INT_MIN <= value <= INT_MAX:
        return value
    raise ValueEncodingError(f"the integer {value} does not fit in 64 bits")


def _checked_digest(digest: bytes) -> bytes:
    if len(digest) != DIGEST_BYTES:
        raise ValueEncodingError(f"a digest has {DIGEST_BYTES} bytes")
    return digest


def _sorted(record: dict[Any, Any]) -> Iterable[Any]:
    # The order of code points is the order of UTF-8 bytes.
    return sorted(record, key=_key)


def _key(key: Any) -> str:
    if type(key) is not str:
        raise ValueEncodingError("the keys of a record are strings")
    return key


def _no_image(value: Value) -> bytes:
    raise ValueEncodingError(f"{kind_of(value)} cannot be encoded here")


def _decode_data(view: memoryview) -> Any:
    if bytes(view[:4]) != DATA_MAGIC:
        raise ValueEncodingError("these bytes are no value")
    try:
        return _decoder.decode(view[4:])
    except (msgspec.DecodeError, RecursionError, MemoryError, ValueError) as error:
        raise ValueEncodingError(f"data is damaged: {error}") from None


def _from_wire(item: Any, fetch: Fetch) -> Value:
    kind = type(item)
    if kind is list:
        if set(map(type, item)) <= _PLAIN:
            return tuple(item)
        return tuple([_from_wire(each, fetch) for each in item])
    if kind is dict:
        return {_key(key): _from_wire(each, fetch) for key, each in item.items()}
    if kind is msgspec.msgpack.Ext:
        return _fetched(item, fetch)
    if kind in _PLAIN:
        return item
    raise ValueEncodingError(f"data holds {kind.__name__}, which is no value")


def _fetched(item: msgspec.msgpack.Ext, fetch: Fetch) -> Image | Mask:
    expected: type[Image] | type[Mask]
    if item.code == IMAGE_EXT:
        expected = Image
    elif item.code == MASK_EXT:
        expected = Mask
    else:
        raise ValueEncodingError(f"data holds an unknown extension {item.code}")
    found = fetch(_checked_digest(bytes(item.data)))
    if not isinstance(found, expected):
        raise ValueEncodingError(f"data refers to something that is no {expected.kind}")
    return found
