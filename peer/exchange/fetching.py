"""Which chunk to ask of whom: the decisions of one fetch, without I/O or a clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import TypeAlias

from peer.wire import WireError, checks, limits
from peer.wire.fields import parse
from peer.wire.v1 import peer_pb2
from store import Digest, Manifest, ManifestError, NodeKey

from . import coding

BUSY_S = 10.0
"""How long in all a fetch waits for sources that have no time."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Open a stream at this source."""

    source: int
    request: peer_pb2.FetchRequest


@dataclass(frozen=True, slots=True)
class Wait:
    """Everybody is busy; come again at this monotonic time."""

    until: float


@dataclass(frozen=True, slots=True)
class Done:
    """Every chunk is verified."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """There is nobody left to ask, or nothing to ask for."""

    reason: str


Step: TypeAlias = Ask | Wait | Done | GiveUp


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk as it came.

    Attributes:
        index: which one.
        data: its bytes, coded.
        length: how many bytes it has to have when it is decoded.
        is_compressed: whether it is a Zstandard frame.
    """

    index: int
    data: bytes
    length: int
    is_compressed: bool

    def decode(self) -> bytes:
        """Return the chunk's bytes, of the right length; not verified.

        Raises:
            WireError: it is no such chunk.
        """
        if self.is_compressed:
            return coding.decompress(self.data, self.length)
        if len(self.data) != self.length:
            raise WireError("a chunk of another length")
        return self.data


@dataclass(slots=True)
class _Source:
    is_dropped: bool = False
    busy_until: float = 0.0


@dataclass(slots=True)
class _Stream:
    """What a running stream still has to bring."""

    source: int
    wants_manifest: bool
    expected: deque[int] | None = None
    is_compressed: bool = False
    has_progress: bool = False


@dataclass(slots=True)
class Fetching:
    """State of one fetch.

    Sources are asked in the order in which they are given, the next one when one
    fails.  One that is cut off after it brought something may be asked again; one that
    brought nothing, or something wrong, is not.

    Attributes:
        key: node through which the artifact is shared.
        digest: the artifact.
        sources: how many there are.
        size_bytes: what the record says of its length, if there is one.
        limit_bytes: longest artifact that is wanted.
        manifest: the verified manifest, once it is known.
    """

    key: NodeKey
    digest: Digest
    sources: int
    size_bytes: int | None = None
    limit_bytes: int = limits.ARTIFACT_BYTES
    manifest: Manifest | None = None
    _missing: set[int] | None = None
    _states: list[_Source] = field(default_factory=list)
    _order: list[int] = field(default_factory=list)
    _stream: _Stream | None = None
    _hopeless: str = ""
    _last: str = "nobody has it"
    _waited_s: float = 0.0

    def __post_init__(self) -> None:
        """Set up the sources."""
        self._states = [_Source() for _ in range(self.sources)]
        self._order = list(range(self.sources))
        if self.manifest is not None:
            self._judge(self.manifest)

    def next(self, now: float) -> Step:
        """Return what to do now; no stream runs any more."""
        self._stream = None
        if self._hopeless:
            return GiveUp(self._hopeless)
        if self._missing is not None and not self._missing:
            return Done()
        alive = [at for at in self._order if not self._states[at].is_dropped]
        if not alive:
            return GiveUp(self._last)
        for at in alive:
            if self._states[at].busy_until <= now:
                return self._ask(at)
        until = min(self._states[at].busy_until for at in alive)
        self._waited_s += until - now
        return Wait(until) if self._waited_s <= BUSY_S else GiveUp("all are busy")

    def header(self, data: bytes) -> Manifest | None:
        """Take the first message; return the manifest if it was not known before.

        Raises:
            WireError: the source is not worth talking to.
        """
        stream = self._running()
        message = parse(peer_pb2.FetchHeader, data, limits.MESSAGE_BYTES)
        checks.fetch_header(message, stream.wants_manifest)
        stream.is_compressed = message.codec == peer_pb2.ZSTD
        if not stream.wants_manifest:
            return None
        if sha256(message.manifest).digest() != self.digest:
            raise WireError("the manifest of something else")
        try:
            manifest = Manifest.parse(message.manifest)
        except ManifestError as error:
            # Its digest is right: so it is what the record says, whoever brought it.
            self._hopeless = f"what is offered is no artifact: {error}"
            return None
        self._judge(manifest)
        stream.expected = deque(range(len(manifest.chunks)))
        return manifest

    def start(self, missing: Iterable[range]) -> bool:
        """Take note of what is missing here.

        Returns:
            whether the stream that runs brings just that; if not it should be closed.
        """
        self._missing = {index for each in missing for index in each}
        if self._hopeless or self.manifest is None:
            return False
        stream = self._stream
        if stream is None or not stream.wants_manifest:
            return True
        return len(self._missing) == len(self.manifest.chunks)

    @property
    def is_hopeless(self) -> bool:
        """Whether no source can bring what is wanted."""
        return bool(self._hopeless)

    def piece(self, data: bytes) -> Piece:
        """Take the next message; return which chunk it has to be.

        Raises:
            WireError: it cannot be one.
        """
        stream = self._running()
        if not stream.expected or self.manifest is None:
            raise WireError("more chunks than were asked for")
        index = stream.expected.popleft()
        if len(data) > limits.CODED_CHUNK_BYTES:
            raise WireError("a chunk that is too long")
        length = coding.length_of_chunk(self.manifest.size_bytes, index)
        return Piece(index, data, length, stream.is_compressed)

    @property
    def still_expected(self) -> int:
        """How many chunks the running stream has to bring yet."""
        return len(self._running().expected or ())

    def verified(self, index: int) -> None:
        """Take note that a chunk is in the store."""
        if self._missing is not None:
            self._missing.discard(index)
        if self._stream is not None:
            self._stream.has_progress = True

    def drop(self, reason: str) -> None:
        """Never ask the running source again."""
        self._states[self._running().source].is_dropped = True
        self._last = reason

    def cut(self, reason: str) -> None:
        """Take note that the stream broke, or stalled."""
        stream = self._running()
        if not stream.has_progress:
            self.drop(reason)
        self._last = reason
        self._order.remove(stream.source)
        self._order.append(stream.source)

    def busy(self, retry_ms: int, now: float) -> None:
        """Take note that the source has no time now."""
        self._states[self._running().source].busy_until = now + retry_ms / 1000

    def _running(self) -> _Stream:
        assert self._stream is not None, "no stream runs"
        return self._stream

    def _ask(self, source: int) -> Ask:
        wants_manifest = self.manifest is None
        self._stream = _Stream(source, wants_manifest)
        request = peer_pb2.FetchRequest(
            key=self.key,
            digest=self.digest,
            want_manifest=wants_manifest,
            accept=[peer_pb2.ZSTD],
        )
        if self._missing is not None:
            ranges = list(islice(_ranges(sorted(self._missing)), limits.FETCH_RANGES))
            self._stream.expected = deque(index for each in ranges for index in each)
            for each in ranges:
                request.chunks.add(first=each.start, count=len(each))
        return Ask(source, request)

    def _judge(self, manifest: Manifest) -> None:
        self.manifest = manifest
        if self.size_bytes is not None and manifest.size_bytes != self.size_bytes:
            self._hopeless = (
                f"the record says {self.size_bytes} bytes, the manifest"
                f" {manifest.size_bytes}"
            )
        elif manifest.size_bytes > self.limit_bytes:
            self._hopeless = f"{manifest.size_bytes} bytes are too many"


def _ranges(indexes: Sequence[int]) -> Iterator[range]:
    """Join ascending numbers to ranges."""
    start = end = -1
    for index in indexes:
        if index != end:
            if start != end:
                yield range(start, end)
            start = index
        end = index + 1
    if start != end:
        yield range(start, end)
