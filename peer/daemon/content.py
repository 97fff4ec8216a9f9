"""What artifacts are, and what they refer to."""

from __future__ import annotations

from primitives.encoding import (
    DIGEST_BYTES,
    IMAGE_MAGIC,
    MASK_MAGIC,
    Buffer,
    children,
    kind_of_payload,
)
from primitives.errors import ValueEncodingError
from store import Digest

NESTED = frozenset({"sequence", "record"})
"""Kinds of values that may refer to artifacts."""

MAX_NESTED_BYTES = 8 << 20
"""Longest sequence or record that is taken from others: read, it takes many times
that."""

MAX_SCALAR_BYTES = 64
"""Longer than any of the kinds that are neither text nor bytes."""

SCALARS = frozenset({"null", "bool", "int", "double"})
VOXELS = frozenset({IMAGE_MAGIC, MASK_MAGIC})


def most_bytes(kind: str) -> int | None:
    """Return how long a value of a kind that comes from others may be; None: any."""
    if kind in NESTED:
        return MAX_NESTED_BYTES
    return MAX_SCALAR_BYTES if kind in SCALARS else None


def parts_of(payload: Buffer, kind: str) -> tuple[Digest, ...]:
    """Return what a value that came from others refers to, each once.

    Only what is cheap is looked at, and no voxel: the rest is for who uses it.

    Raises:
        ValueEncodingError: these bytes are no value of that kind.
    """
    if kind_of_payload(payload) != kind:
        raise ValueEncodingError(f"these bytes are no {kind}")
    if kind not in NESTED:
        return ()
    found = children(payload)
    if any(len(each) != DIGEST_BYTES for each in found):
        raise ValueEncodingError("a reference has another length")
    return tuple(Digest(each) for each in dict.fromkeys(found))


def holds_voxels(payload: Buffer) -> bool:
    """Return whether bytes begin as those of an image or a mask."""
    return bytes(memoryview(payload)[:4]) in VOXELS
