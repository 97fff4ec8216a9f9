"""The server's side of Fetch: a header, then bare chunks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import grpc

from peer.identity import Member
from peer.wire import WireError, checks
from peer.wire.checks import FetchQuestion
from peer.wire.fields import parse
from peer.wire.v1 import peer_pb2

from . import coding
from .counters import Counters
from .errors import Refusal
from .monitor import Monitor
from .pace import ReaderPace
from .service import ServedArtifact, Service

CheckStanding = Callable[[Member], None]


class FetchStreams:
    """Serves artifacts to members, chunk by chunk.

    Args:
        service: has them.
        check_standing: refuses who is no member any more; asked before every chunk.
        counters: get ``served_bytes``, ``slow_readers`` and ``damaged_chunks``.
        monitor: ends streams whose reader is too slow.
    """

    def __init__(
        self,
        service: Service,
        check_standing: CheckStanding,
        counters: Counters,
        monitor: Monitor,
    ) -> None:
        self._service = service
        self._check_standing = check_standing
        self._counters = counters
        self._monitor = monitor

    def serve(
        self, member: Member, data: bytes, context: grpc.ServicerContext
    ) -> Iterator[bytes]:
        """Yield the messages of one stream."""
        question = checks.fetch_request(parse(peer_pb2.FetchRequest, data))
        artifact = self._service.open_artifact(member, question.key, question.digest)
        messages = self._messages(member, artifact, question)
        yield from self._at_a_pace(messages, context)

    def _messages(
        self, member: Member, artifact: ServedArtifact, question: FetchQuestion
    ) -> Iterator[bytes]:
        manifest = artifact.manifest
        chunks = _wanted(question.chunks, len(manifest.chunks))
        compressed = question.accepts_zstd and coding.compresses_well(
            manifest.size_bytes, artifact.read
        )
        yield peer_pb2.FetchHeader(
            manifest=manifest.encode() if question.want_manifest else b"",
            codec=peer_pb2.ZSTD if compressed else peer_pb2.IDENTITY,
        ).SerializeToString()
        for index in (index for each in chunks for index in each):
            self._check_standing(member)
            chunk = artifact.read(index)
            if len(chunk) != coding.length_of_chunk(manifest.size_bytes, index):
                self._counters.add("damaged_chunks")
                raise Refusal(grpc.StatusCode.DATA_LOSS, "it is damaged here")
            yield coding.compress(chunk) if compressed else bytes(chunk)

    def _at_a_pace(
        self, messages: Iterator[bytes], context: grpc.ServicerContext
    ) -> Iterator[bytes]:
        """Pass messages on, and end the call of a reader that does not take them."""
        pace = ReaderPace()

        def check(now: float) -> None:
            if pace.is_too_slow(now) and context.is_active():
                self._counters.add("slow_readers")
                context.cancel()

        with self._monitor.watching(check):
            for message in messages:
                pace.sending(len(message), time.monotonic())
                yield message
                pace.sent(time.monotonic())
                self._counters.add("served_bytes", len(message))


def _wanted(chunks: Sequence[range], count: int) -> Sequence[range]:
    """Return what to send of an artifact with ``count`` chunks."""
    if chunks and chunks[-1].stop > count:
        raise WireError("chunks beyond the end of the artifact")
    return chunks or [range(count)]
