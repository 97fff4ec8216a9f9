"""Compression of stored bytes; digests are always of the bytes before it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Protocol

LEVEL = 1
SAMPLE_BYTES = 16 * 1024
SAMPLES = 4
WORTH_RATIO = 2.0
"""Below this, raw bytes are better: they can be mapped without a copy."""

SHORTEST = 2048
"""Shorter artifacts are not worth a look."""


class Encoder(Protocol):
    """Compresses an artifact piece by piece."""

    def compress(self, data: bytes | memoryview, /) -> bytes:
        """Take a piece, return what is ready."""

    def flush(self) -> bytes:
        """Return the rest."""


class DecodeError(Exception):
    """Stored bytes do not decompress to what they should."""


def pays(parts: Sequence[memoryview]) -> bool:
    """Tell from samples spread over the artifact whether compression pays."""
    size = sum(map(len, parts))
    if size < SHORTEST:
        return False
    sample = _sample(parts, size)
    return len(sample) >= WORTH_RATIO * len(compress(sample))


def compress(data: bytes | memoryview) -> bytes:
    """Return ``data`` compressed."""
    import zstandard

    return zstandard.ZstdCompressor(level=LEVEL).compress(data)


def encoder() -> Encoder:
    """Return a compressor of an artifact that comes in pieces."""
    import zstandard

    return zstandard.ZstdCompressor(level=LEVEL).compressobj()


def expand(data: bytes | memoryview, size_bytes: int) -> bytes:
    """Return compressed ``data`` as it was, ``size_bytes`` long.

    Raises:
        DecodeError: it is damaged.
    """
    import zstandard

    try:
        # A damaged length must not make us allocate whatever it says.
        declared = zstandard.frame_content_size(data)
        if declared not in (-1, size_bytes):
            raise DecodeError(f"says it has {declared} bytes, not {size_bytes}")
        expanded = zstandard.ZstdDecompressor().decompress(
            data, max_output_size=size_bytes
        )
    except (zstandard.ZstdError, struct.error) as error:
        raise DecodeError(f"does not decompress: {error}") from error
    if len(expanded) != size_bytes:
        raise DecodeError(f"has {len(expanded)} bytes, not {size_bytes}")
    return expanded


def _sample(parts: Sequence[memoryview], size: int) -> bytes:
    if size <= SAMPLES * SAMPLE_BYTES:
        return b"".join(parts)
    step = (size - SAMPLE_BYTES) // (SAMPLES - 1)
    return b"".join(
        piece
        for index in range(SAMPLES)
        for piece in _between(parts, index * step, index * step + SAMPLE_BYTES)
    )


def _between(parts: Sequence[memoryview], start: int, stop: int) -> list[memoryview]:
    pieces = []
    for part in parts:
        pieces.append(part[max(start, 0) : max(stop, 0)])
        start -= len(part)
        stop -= len(part)
    return pieces
