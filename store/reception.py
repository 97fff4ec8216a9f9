"""Receiving an artifact in chunks, from anywhere and in any order.

Every chunk is verified before it is written, so an artifact whose chunks are all there
is whole, and is not read again when it is stored.  Only if it compresses well is it
read once more, to be stored as it would have been had it been made here.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from hashlib import sha256

from . import codec
from .artifacts import Artifacts, Row
from .boot import boot_id
from .contract import Digest
from .errors import (
    ChunkMismatchError,
    IncompleteArtifactError,
    ManifestError,
    StoreError,
    StoreUnusableError,
)
from .incoming import Incoming, IncomingFile
from .manifest import CHUNK_BYTES, Buffer, Manifest, flat


def receive(
    artifacts: Artifacts, incoming: Incoming, manifest: Manifest
) -> ArtifactReception:
    """Begin to receive an artifact; see :meth:`store.contract.Store.receive`."""
    if len(manifest.chunks) != -(-manifest.size_bytes // CHUNK_BYTES):
        raise ManifestError("a manifest's length and number of chunks disagree")
    if artifacts.is_held(manifest.digest):
        return ArtifactReception(artifacts, incoming, manifest, None, True)
    artifacts.require_room(manifest.size_bytes)
    # One chunk is as well kept in memory: there is no half of it to resume.
    is_short = manifest.size_bytes <= CHUNK_BYTES
    file = None if is_short else incoming.open(manifest)
    return ArtifactReception(artifacts, incoming, manifest, file, False)


class ArtifactReception:
    """Implements :class:`store.contract.Reception`; see there for the promises."""

    def __init__(
        self,
        artifacts: Artifacts,
        incoming: Incoming,
        manifest: Manifest,
        file: IncomingFile | None,
        is_held: bool,
    ) -> None:
        self.manifest = manifest
        self.digest = manifest.digest
        self._artifacts = artifacts
        self._incoming = incoming
        self._file = file
        self._data = b""
        count = len(manifest.chunks)
        self._present = bytearray([is_held]) * count if file is None else file.present
        self._is_held = is_held
        self._is_over = False
        self._writing = 0
        self._idle = threading.Condition()

    def missing(self) -> list[range]:
        """Return the chunks that are still to come, as ranges of their indices."""
        ranges = []
        with self._idle:
            start = self._present.find(0)
            while start >= 0:
                stop = self._present.find(1, start)
                ranges.append(range(start, stop if stop >= 0 else len(self._present)))
                start = self._present.find(0, stop) if stop >= 0 else -1
        return ranges

    def write_chunk(self, index: int, data: Buffer) -> None:
        """Verify a chunk and write it; any thread, several at a time."""
        view = flat(data)
        self._require_match(index, view)
        if not self._begin_writing(index):
            return
        is_written = False
        try:
            if self._file is None:
                self._data = bytes(view)
            else:
                self._file.write(index, view)
            is_written = True
        except OSError as error:
            raise self._artifacts.explain(error) from error
        finally:
            with self._idle:
                self._present[index] |= is_written
                self._writing -= 1
                self._idle.notify_all()

    def close(self) -> Digest:
        """Store the artifact; its bytes are complete in the store when this returns."""
        missing = sum(map(len, self.missing()))
        if missing:
            raise IncompleteArtifactError(self.digest, missing)
        if not self._end():
            raise self._ended()
        try:
            if not self._is_held and not self._artifacts.is_held(self.digest):
                self._store()
        except OSError as error:
            raise self._artifacts.explain(error) from error
        finally:
            if self._file is not None:
                self._file.drop()
                self._file.close()
        return self.digest

    def suspend(self) -> None:
        """End, and keep what was received for the next reception of this artifact."""
        if self._end() and self._file is not None:
            with suppress(StoreError):  # without a note it is hashed again
                self._incoming.note(self._file)
            self._file.close()

    def abort(self) -> None:
        """End, and drop what was received; no effect if the reception has ended."""
        if self._end() and self._file is not None:
            self._file.drop()
            self._file.close()

    def _require_match(self, index: int, view: memoryview) -> None:
        chunks = self.manifest.chunks
        if not 0 <= index < len(chunks):
            raise ChunkMismatchError(self.digest, index, "does not exist")
        length = min(CHUNK_BYTES, self.manifest.size_bytes - index * CHUNK_BYTES)
        if len(view) != length:
            problem = f"has {len(view)} bytes instead of {length}"
            raise ChunkMismatchError(self.digest, index, problem)
        if sha256(view).digest() != chunks[index]:
            raise ChunkMismatchError(self.digest, index, "is not what it should be")

    def _begin_writing(self, index: int) -> bool:
        with self._idle:
            if self._is_over:
                raise self._ended()
            if self._present[index]:
                return False
            self._writing += 1
        return True

    def _end(self) -> bool:
        """Let nobody begin to write, wait for those who do; False: it was over."""
        with self._idle:
            was_over, self._is_over = self._is_over, True
            self._idle.wait_for(lambda: not self._writing)
        return not was_over

    def _ended(self) -> StoreUnusableError:
        name = self.digest.hex()[:16]
        return StoreUnusableError(f"the reception of artifact {name} has ended")

    def _store(self) -> None:
        if self._file is None:
            self._artifacts.put_short(self._data)
            return
        view = self._file.view()
        if codec.pays([view]):
            row = self._compressed(view)
        else:
            name = self._incoming.adopt(self._file, self.digest)
            row = self._row(len(view), "raw", name)
        self._artifacts.add(self.digest, row)

    def _compressed(self, view: memoryview) -> Row:
        file = self._artifacts.begin_file()
        try:
            encoder = codec.encoder()
            for start in range(0, len(view), CHUNK_BYTES):
                file.write(encoder.compress(view[start : start + CHUNK_BYTES]))
            file.write(encoder.flush())
            return self._row(file.stored_bytes, "zstd", file.keep(self.digest))
        except BaseException:
            file.discard()
            raise

    def _row(self, stored_bytes: int, coding: str, name: str) -> Row:
        size, manifest = self.manifest.size_bytes, self.manifest.encode()
        return Row(size, stored_bytes, coding, name, None, boot_id(), manifest=manifest)
