"""Writing artifacts that are long, or come in pieces."""

from __future__ import annotations

from collections.abc import Iterable

from . import codec
from .artifacts import Artifacts, Row
from .blobs import BlobFile
from .boot import boot_id
from .contract import Digest
from .errors import StoreUnusableError
from .manifest import CHUNK_BYTES, Buffer, ManifestHasher, flat

BUFFERED_BYTES = CHUNK_BYTES
"""Up to this length an artifact is compressed in memory, then placed."""


def put(artifacts: Artifacts, parts: Iterable[Buffer]) -> Digest:
    """Store an artifact given in contiguous parts."""
    views = [flat(part) for part in parts]
    size = sum(map(len, views))
    if size <= BUFFERED_BYTES:
        return artifacts.put_short(b"".join(views))
    is_compressed = codec.pays(views)
    if not is_compressed:
        artifacts.require_room(size)
    stream = ArtifactStream(artifacts, is_compressed)
    try:
        for view in views:
            stream.write(view)
        return stream.close()
    except BaseException:
        stream.abort()
        raise


class ArtifactStream:
    """Streams the bytes of one artifact in, hashing while it writes."""

    def __init__(self, artifacts: Artifacts, is_compressed: bool | None = None) -> None:
        self._artifacts = artifacts
        self._is_compressed = is_compressed
        self._buffer = bytearray()
        self._size = 0
        self._file: BlobFile | None = None
        self._hasher = ManifestHasher()
        self._encoder: codec.Encoder | None = None
        self._is_over = False

    def write(self, data: Buffer) -> None:
        """Append ``data``.

        Raises:
            StoreFullError: no room; what was written is dropped.
        """
        if self._is_over:
            raise StoreUnusableError("this artifact was already finished or dropped")
        view = flat(data)
        self._size += len(view)
        if self._file is not None:
            self._append(view)
        elif self._is_compressed is None and self._size <= BUFFERED_BYTES:
            self._buffer += view
        else:
            self._begin(view)

    def close(self) -> Digest:
        """Finish; the bytes are complete in the store when this returns."""
        if self._is_over:
            raise StoreUnusableError("this artifact was already finished or dropped")
        if self._file is None:
            self._is_over = True
            return self._artifacts.put_short(bytes(self._buffer))
        try:
            return self._finish(self._file)
        except OSError as error:
            raise self._artifacts.explain(error) from error
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop what was written; no effect once the artifact is finished."""
        self._is_over = True
        if self._file is not None:
            self._file.discard()
            self._file = None

    def _begin(self, view: memoryview) -> None:
        buffered = memoryview(bytes(self._buffer))
        self._buffer.clear()
        if self._is_compressed is None:
            self._is_compressed = codec.pays([buffered, view])
        if self._is_compressed:
            self._encoder = codec.encoder()
        self._file = self._artifacts.begin_file()
        if buffered:
            self._append(buffered)
        self._append(view)

    def _append(self, view: memoryview) -> None:
        assert self._file is not None
        # The caller may change its buffer once `write` has returned.
        self._hasher.feed(view)
        try:
            self._write_stored(self._file, view)
        except OSError as error:
            self._hasher.wait()
            self.abort()
            raise self._artifacts.explain(error) from error
        self._hasher.wait()

    def _write_stored(self, file: BlobFile, view: memoryview) -> None:
        if self._encoder is None:
            file.write(view)
            return
        for start in range(0, len(view), CHUNK_BYTES):
            file.write(self._encoder.compress(view[start : start + CHUNK_BYTES]))

    def _finish(self, file: BlobFile) -> Digest:
        if self._encoder is not None:
            file.write(self._encoder.flush())
        manifest = self._hasher.finish()
        digest = manifest.digest
        if self._artifacts.is_held(digest):
            return digest
        self._artifacts.require_room(file.stored_bytes)
        name = file.keep(digest)
        self._file = None
        row = Row(
            self._size,
            file.stored_bytes,
            "raw" if self._encoder is None else "zstd",
            name,
            None,
            boot_id(),
            manifest=manifest.encode(),
        )
        self._artifacts.add(digest, row)
        return digest
