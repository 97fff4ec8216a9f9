"""Fetching an artifact: from one source at a time, with failover to the next."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from peer.identity import NodeId
from peer.wire import WireError, limits
from peer.wire.v1 import peer_pb2
from store import Digest, Manifest, NodeKey, Reception

from .errors import BrokenPeerError, BusyError, ExchangeError, UnreachableError
from .fetching import Ask, Done, Fetching, GiveUp, Wait
from .monitor import Monitor
from .pace import Patience
from .verifying import Budget, Verdict, Verifier

_monitor = Monitor()
_budget = Budget()


class Messages(Protocol):
    """The messages of a running Fetch."""

    def __next__(self) -> bytes:
        """Wait for the next one; raises ExchangeError, StopIteration at the end."""

    def cancel(self) -> None:
        """End it, from any thread."""

    def close(self) -> None:
        """End it and let go of it."""


class Source(Protocol):
    """Who may have an artifact; links are sources."""

    @property
    def node_id(self) -> NodeId:
        """Who it is."""

    def fetch(self, request: peer_pb2.FetchRequest) -> Messages:
        """Open a stream."""


@dataclass(slots=True)
class FetchOutcome:
    """How a fetch ended.

    Attributes:
        digest: the artifact, now in the store; None if it did not come.
        reason: why it did not come, for people.
        size_bytes: its length, if that became known.
        seconds: how long it took.
        bytes_from: verified bytes by source.
        failures: what went wrong with a source, in the order in which it did.
        liars: sources that sent something else than the digest promises.
    """

    digest: Digest | None = None
    reason: str = ""
    size_bytes: int = 0
    seconds: float = 0.0
    bytes_from: dict[NodeId, int] = field(default_factory=dict)
    failures: list[tuple[NodeId, str]] = field(default_factory=list)
    liars: set[NodeId] = field(default_factory=set)


def fetch(
    sources: Sequence[Source],
    key: NodeKey,
    digest: Digest,
    receive: Callable[[Manifest], Reception],
    *,
    size_bytes: int | None = None,
    limit_bytes: int = limits.ARTIFACT_BYTES,
    manifest: Manifest | None = None,
    stop: threading.Event | None = None,
) -> FetchOutcome:
    """Bring an artifact into the store, every chunk of it verified.

    Args:
        sources: who may have it, best first; each is asked only if those before fail.
        key: node through which they share it.
        digest: the artifact.
        receive: begins, or takes up again, the reception of what has this manifest.
        size_bytes: length of the artifact, if the record says it.
        limit_bytes: longest artifact that is wanted.
        manifest: of the artifact, if it is known from an earlier attempt.
        stop: set it to give up; what has come is kept.

    Returns:
        how it ended; nothing that a source does is raised.

    Raises:
        StoreError: the store cannot take it.
    """
    decisions = Fetching(key, digest, len(sources), size_bytes, limit_bytes, manifest)
    begun = time.monotonic()
    run = _Run(sources, decisions, receive, stop or threading.Event())
    try:
        run.go()
    finally:
        run.let_go()
    run.outcome.seconds = time.monotonic() - begun
    return run.outcome


class _Run:
    """Carries decisions out."""

    def __init__(
        self,
        sources: Sequence[Source],
        decisions: Fetching,
        receive: Callable[[Manifest], Reception],
        stop: threading.Event,
    ) -> None:
        self.outcome = FetchOutcome()
        self._sources = sources
        self._decisions = decisions
        self._receive = receive
        self._stop = stop
        self._reception: Reception | None = None

    def go(self) -> None:
        """Follow the decisions to their end."""
        if self._decisions.manifest is not None:
            self._open(self._decisions.manifest)
        while not self._stop.is_set():
            match self._decisions.next(time.monotonic()):
                case Ask(source, request):
                    self._ask(self._sources[source], request)
                case Wait(until):
                    self._stop.wait(until - time.monotonic())
                case Done():
                    self._finish()
                    return
                case GiveUp(reason):
                    self.outcome.reason = reason
                    return
        self.outcome.reason = "not wanted any more"

    def let_go(self) -> None:
        """Keep what has come, unless all of it was stored."""
        if self._reception is not None:
            self._reception.suspend()

    def _finish(self) -> None:
        assert self._reception is not None, "chunks were verified"
        reception, self._reception = self._reception, None
        self.outcome.digest = reception.close()

    def _open(self, manifest: Manifest) -> bool:
        """Begin to keep chunks; return whether the running stream brings them."""
        self.outcome.size_bytes = manifest.size_bytes
        if self._decisions.is_hopeless:
            return False
        self._reception = self._receive(manifest)
        return self._decisions.start(self._reception.missing())

    def _ask(self, source: Source, request: peer_pb2.FetchRequest) -> None:
        """Have one stream bring what it can; what the source does is not raised."""
        try:
            with _budget.reserved(limits.FETCH_IN_FLIGHT_BYTES):
                self._take(source, request)
        except (ExchangeError, WireError) as error:
            self.outcome.failures.append((source.node_id, str(error)))
            self._judge(source.node_id, error)

    def _judge(self, node_id: NodeId, error: Exception) -> None:
        match error:
            case BusyError():
                self._decisions.busy(error.retry_ms, time.monotonic())
                return
            case UnreachableError():
                self._decisions.cut(str(error))
                return
            case WireError() | BrokenPeerError():
                self.outcome.liars.add(node_id)
        self._decisions.drop(str(error))

    def _take(self, source: Source, request: peer_pb2.FetchRequest) -> None:
        messages = _Guarded(source.fetch(request), source.node_id, self._stop)
        with messages:
            manifest = self._decisions.header(messages.take())
            if self._decisions.is_hopeless:
                return
            # When only a part of it is missing, the next stream brings just that.
            if manifest is None or self._open(manifest):
                self._take_chunks(source.node_id, messages)

    def _take_chunks(self, node_id: NodeId, messages: _Guarded) -> None:
        assert self._reception is not None, "chunks are asked for once it is open"
        verifier = Verifier(self._reception, self._decisions.still_expected)
        try:
            while self._decisions.still_expected:
                piece = self._decisions.piece(messages.take())
                self._settle(node_id, verifier.submit(piece))
        finally:
            # Also of a stream that broke everything is kept that came well.
            self._settle(node_id, verifier.finish())
            verifier.close()
        messages.end()

    def _settle(self, node_id: NodeId, verdicts: Sequence[Verdict]) -> None:
        """Take note of what became of chunks; raises for the first bad one."""
        failures = []
        for verdict in verdicts:
            if verdict.failure is not None:
                failures.append(verdict.failure)
                continue
            self._decisions.verified(verdict.index)
            before = self.outcome.bytes_from.get(node_id, 0)
            self.outcome.bytes_from[node_id] = before + verdict.length
        for failure in failures:
            raise failure


class _Guarded:
    """Messages of a source that may not keep us waiting."""

    def __init__(self, stream: Messages, name: str, stop: threading.Event) -> None:
        self._stream = stream
        self._name = name
        self._stop = stop
        self._patience = Patience(limits.STALL_S)
        self._is_stalled = False
        self._watching = _monitor.watching(self._check)

    def __enter__(self) -> _Guarded:
        self._watching.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._watching.__exit__(None, None, None)
        self._stream.close()

    def take(self) -> bytes:
        """Return the next message; there has to be one."""
        try:
            return self._next()
        except StopIteration:
            raise WireError("fewer chunks than were asked for") from None

    def end(self) -> None:
        """See to it that nothing follows; how the stream ends does not matter."""
        try:
            self._next()
        except (StopIteration, ExchangeError):
            return
        raise WireError("more chunks than were asked for")

    def _next(self) -> bytes:
        self._patience.wait(time.monotonic())
        try:
            return next(self._stream)
        except UnreachableError as error:
            if self._is_stalled:
                text = f"nothing came for {limits.STALL_S:g} s"
                raise UnreachableError(self._name, text) from error
            raise
        finally:
            self._patience.rest()

    def _check(self, now: float) -> None:
        self._is_stalled = self._is_stalled or self._patience.is_over(now)
        if self._is_stalled or self._stop.is_set():
            self._stream.cancel()
