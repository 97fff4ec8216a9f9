"""Chunks on their way: as they are, or as Zstandard frames of their own (RFC 8878)."""

from __future__ import annotations

import threading
from collections.abc import Callable

import zstandard

from peer.wire import WireError, limits

SAMPLE_BYTES = 64 * 1024
SAMPLE_PIECES = 4
WORTH = 1.3
"""Compression has to make the sample so many times smaller."""

LEVEL = 1

Read = Callable[[int], bytes | memoryview]

_mine = threading.local()
"""Contexts of this thread: they are large, and serve one thread at a time."""


def length_of_chunk(size_bytes: int, index: int) -> int:
    """Return how long a chunk of an artifact is; only the last one is shorter."""
    return min(size_bytes - index * limits.CHUNK_BYTES, limits.CHUNK_BYTES)


def compresses_well(size_bytes: int, read: Read) -> bool:
    """Say from a sample of 64 KiB whether an artifact is worth compressing.

    The sample is taken at four places: the edges of images are empty, and would
    promise too much.
    """
    if not size_bytes:
        return False
    piece = SAMPLE_BYTES // SAMPLE_PIECES
    parts = []
    for number in range(SAMPLE_PIECES):
        at = size_bytes * (2 * number + 1) // (2 * SAMPLE_PIECES)
        index, offset = divmod(at, limits.CHUNK_BYTES)
        parts.append(bytes(read(index)[offset : offset + piece]))
    sample = b"".join(parts)
    return len(sample) >= WORTH * len(compress(sample))


def compress(chunk: bytes | memoryview) -> bytes:
    """Return a frame that says how long its content is."""
    if not hasattr(_mine, "compressor"):
        _mine.compressor = zstandard.ZstdCompressor(level=LEVEL)
    return bytes(_mine.compressor.compress(chunk))


def decompress(frame: bytes, length: int) -> bytes:
    """Return the content of a frame, which has to have ``length`` bytes exactly.

    Never makes more than ``length`` bytes, whatever the frame says.

    Raises:
        WireError: it is no such frame, or something stands behind it.
    """
    try:
        stated = zstandard.get_frame_parameters(frame).content_size
        if stated != length:
            raise WireError("a chunk of another length")
        content = _expand(frame, length)
    except zstandard.ZstdError as error:
        raise WireError("a chunk that cannot be decompressed") from error
    if len(content) != length:
        raise WireError("a chunk of another length")
    return content


def _expand(frame: bytes, length: int) -> bytes:
    if not hasattr(_mine, "decompressor"):
        _mine.decompressor = zstandard.ZstdDecompressor()
    return bytes(
        _mine.decompressor.decompress(
            frame, max_output_size=length, allow_extra_data=False
        )
    )
