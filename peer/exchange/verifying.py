"""Decoding, hashing and writing chunks, beside the thread that receives them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from peer.wire import WireError, limits
from store import ChunkMismatchError, Reception

from .fetching import Piece

THREADS = 2
"""Hashing and writing let other threads run; more of them would not be faster."""


class Budget:
    """Bytes that were received and not verified yet, over all fetches."""

    def __init__(self, limit_bytes: int = limits.UNVERIFIED_BYTES) -> None:
        self._free = limit_bytes
        self._changed = threading.Condition()

    @contextmanager
    def reserved(self, length: int) -> Iterator[None]:
        """Wait until there is room for ``length`` bytes, and hold it."""
        with self._changed:
            self._changed.wait_for(lambda: self._free >= length)
            self._free -= length
        try:
            yield
        finally:
            with self._changed:
                self._free += length
                self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a chunk; ``failure`` is None if it is verified and kept."""

    index: int
    length: int
    failure: Exception | None


class Verifier:
    """Takes chunks, and says later what became of them.

    At most 16 MiB wait at a time; who brings more is held up.

    Args:
        reception: keeps them.
        chunks: how many there may be; a single one is not worth a thread.
    """

    def __init__(self, reception: Reception, chunks: int) -> None:
        self._reception = reception
        self._verdicts: queue.SimpleQueue[Verdict] = queue.SimpleQueue()
        self._waiting = 0
        self._room = limits.FETCH_IN_FLIGHT_BYTES // limits.CHUNK_BYTES
        self._pool = ThreadPoolExecutor(THREADS, "fetch") if chunks > 1 else None

    def submit(self, piece: Piece) -> list[Verdict]:
        """Take a chunk; return what became of others meanwhile."""
        verdicts = self._ready()
        while self._waiting >= self._room:
            verdicts.append(self._next())
        self._waiting += 1
        if self._pool is None:
            self._keep(piece)
        else:
            self._pool.submit(self._keep, piece)
        return verdicts

    def finish(self) -> list[Verdict]:
        """Wait for all, and return what became of them."""
        verdicts = []
        while self._waiting:
            verdicts.append(self._next())
        return verdicts

    def close(self) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown(wait=False)

    def _keep(self, piece: Piece) -> None:
        failure: Exception | None = None
        try:
            self._reception.write_chunk(piece.index, piece.decode())
        except ChunkMismatchError:
            failure = WireError("a chunk with another digest")
        except Exception as error:
            failure = error
        self._verdicts.put(Verdict(piece.index, piece.length, failure))

    def _ready(self) -> list[Verdict]:
        verdicts = []
        while not self._verdicts.empty():
            verdicts.append(self._next())
        return verdicts

    def _next(self) -> Verdict:
        self._waiting -= 1
        return self._verdicts.get()
