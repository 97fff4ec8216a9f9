"""The chunk manifest, whose SHA-256 names an artifact.

An artifact is cut into chunks of 1 MiB, each hashed by itself, so that chunks can be
hashed in parallel and any chunk can be checked alone, in any order, from any source.
The manifest, all integers little-endian::

    offset  size  field
    0       4     "VXM1"
    4       1     version, 1
    5       1     binary logarithm of the chunk length, 20
    6       2     zero
    8       8     length of the artifact in bytes
    16      8     zero
    24      32 n  SHA-256 of each chunk, n = ceil(length / 2^20)

The digest of an artifact is the SHA-256 of its manifest.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

from .contract import Digest
from .errors import ManifestError

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Buffer: TypeAlias = bytes | bytearray | memoryview

LOG2_CHUNK = 20
CHUNK_BYTES = 1 << LOG2_CHUNK
MAGIC = b"VXM1"
VERSION = 1
HEADER = struct.Struct("<4sBBHQQ")
MAX_BYTES = (1 << 37) - CHUNK_BYTES
"""Longest artifact; keeps every manifest below 4 MiB."""

TASK_CHUNKS = 4
"""Chunks that one thread hashes per task: long enough to hide the hand-over."""

_pool: ThreadPoolExecutor | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Length of an artifact, and the SHA-256 of each of its chunks."""

    size_bytes: int
    chunks: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return the bytes whose SHA-256 is the digest."""
        return _header(self.size_bytes) + b"".join(self.chunks)

    @property
    def digest(self) -> Digest:
        """Name of the artifact."""
        return Digest(sha256(self.encode()).digest())

    @classmethod
    def parse(cls, data: bytes) -> Manifest:
        """Read a manifest.

        Raises:
            ManifestError: anything in it is not exactly as it has to be.
        """
        if len(data) < HEADER.size:
            raise ManifestError(f"a manifest of {len(data)} bytes has no header")
        magic, version, log2_chunk, zero, size, reserved = HEADER.unpack_from(data)
        if magic != MAGIC or version != VERSION:
            raise ManifestError("not a manifest of version 1")
        if log2_chunk != LOG2_CHUNK or zero or reserved or size > MAX_BYTES:
            raise ManifestError("a field of the manifest's header is out of range")
        count = -(-size // CHUNK_BYTES)
        if len(data) != HEADER.size + 32 * count:
            raise ManifestError(
                f"a manifest of {len(data)} bytes cannot describe {size} bytes"
            )
        starts = range(HEADER.size, len(data), 32)
        return cls(size, tuple(data[start : start + 32] for start in starts))


class ManifestHasher:
    """Hashes an artifact that comes in pieces, whole chunks in parallel."""

    def __init__(self) -> None:
        self._size = 0
        self._chunks: list[bytes | Future[list[bytes]]] = []
        self._started: list[Future[list[bytes]]] = []
        self._partial = sha256()
        self._partial_bytes = 0

    def feed(self, data: memoryview) -> None:
        """Start hashing flat ``data``, which must not change before :meth:`wait`."""
        self._size += len(data)
        if self._partial_bytes:
            data = data[self._fill(data[: CHUNK_BYTES - self._partial_bytes]) :]
        whole = len(data) // CHUNK_BYTES * CHUNK_BYTES
        if whole > CHUNK_BYTES:
            self._hash_in_threads(data[:whole])
        elif whole:
            self._chunks.append(sha256(data[:whole]).digest())
        if whole < len(data):
            self._fill(data[whole:])

    def wait(self) -> None:
        """Return once everything fed so far has been read."""
        started, self._started = self._started, []
        for task in started:
            task.result()

    def finish(self) -> Manifest:
        """Return the manifest of all that was fed."""
        if self._size > MAX_BYTES:
            raise ManifestError(
                f"an artifact of {self._size} bytes is too long;"
                f" {MAX_BYTES} bytes is the limit"
            )
        if self._partial_bytes:
            self._chunks.append(self._partial.digest())
            self._partial_bytes = 0
        chunks: list[bytes] = []
        for part in self._chunks:
            if isinstance(part, bytes):
                chunks.append(part)
            else:
                chunks += part.result()
        return Manifest(self._size, tuple(chunks))

    def _fill(self, data: memoryview) -> int:
        self._partial.update(data)
        self._partial_bytes += len(data)
        if self._partial_bytes == CHUNK_BYTES:
            self._chunks.append(self._partial.digest())
            self._partial = sha256()
            self._partial_bytes = 0
        return len(data)

    def _hash_in_threads(self, data: memoryview) -> None:
        step = TASK_CHUNKS * CHUNK_BYTES
        for start in range(0, len(data), step):
            task = _hashers().submit(_hash_chunks, data[start : start + step])
            self._chunks.append(task)
            self._started.append(task)


def manifest_of(parts: Iterable[Buffer]) -> Manifest:
    """Return the manifest of an artifact given in contiguous parts."""
    hasher = ManifestHasher()
    views = [flat(part) for part in parts]
    for view in views:
        hasher.feed(view)
    return hasher.finish()


def digest_of(parts: Iterable[Buffer]) -> Digest:
    """Return the digest of an artifact given in contiguous parts."""
    views = [flat(part) for part in parts]
    size = sum(map(len, views))
    if not 0 < size <= CHUNK_BYTES:
        return manifest_of(views).digest
    chunk = sha256()
    for view in views:
        chunk.update(view)
    return Digest(sha256(_header(size) + chunk.digest()).digest())


def digest_of_bytes(data: Buffer) -> Digest:
    """Return the digest of one flat buffer; the short way for short ones."""
    if 0 < len(data) <= CHUNK_BYTES:
        return Digest(sha256(_header(len(data)) + sha256(data).digest()).digest())
    return manifest_of([data]).digest


def flat(data: Buffer) -> memoryview:
    """Return a view of ``data`` as plain bytes, without a copy.

    Raises:
        ValueError: ``data`` is not contiguous.
    """
    view = memoryview(data)
    if not view.nbytes:
        return memoryview(b"")
    if view.format == "B" and view.ndim == 1 and view.contiguous:
        return view
    if not view.c_contiguous:
        raise ValueError("an artifact's parts must be contiguous in memory")
    return view.cast("B")


def _header(size: int) -> bytes:
    return HEADER.pack(MAGIC, VERSION, LOG2_CHUNK, 0, size, 0)


def _hash_chunks(data: memoryview) -> list[bytes]:
    starts = range(0, len(data), CHUNK_BYTES)
    return [sha256(data[start : start + CHUNK_BYTES]).digest() for start in starts]


def _forget_threads() -> None:
    global _pool
    _pool = None  # a forked child has none of its parent's threads


os.register_at_fork(after_in_child=_forget_threads)


def _hashers() -> ThreadPoolExecutor:
    # hashlib lets other threads run while it hashes, so threads are enough.
    global _pool
    if _pool is None:
        from concurrent.futures import ThreadPoolExecutor

        _pool = ThreadPoolExecutor(os.cpu_count() or 1, "store-hash")
    return _pool
