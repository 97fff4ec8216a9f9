"""The server that lets machines in, on a port of its own, while it has to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import grpc

from peer.identity import (
    EnrolmentRefused,
    Identity,
    NodeId,
    Sponsor,
    Standing,
    ders_of,
    live_invitations,
    server_certificate_for_enrolment,
)
from peer.wire import enrol_checks
from peer.wire.fields import parse
from peer.wire.v1 import enrol_pb2
from store import SqliteStore

from .calls import Calls
from .connections import Connections
from .counters import Counters
from .credentials import ENROL_SERVER
from .errors import Refusal
from .listening import Handlers, listen
from .monitor import Monitor
from .slots import Slots

SERVICE = "voxpeer.v1.Enrol"
CALLS = 8
THREADS = CALLS + 4
WAITING_CALLS = 64
RETRY_MS = 60_000

STATUSES = {
    "denied": grpc.StatusCode.PERMISSION_DENIED,
    "invalid": grpc.StatusCode.INVALID_ARGUMENT,
    "busy": grpc.StatusCode.RESOURCE_EXHAUSTED,
}

T = TypeVar("T")
Referrals = Callable[[], Sequence[tuple[NodeId, Sequence[str]]]]


class EnrolServer:
    """Enrols machines that have a token; listens only while there is one to use.

    Whoever owns it calls :meth:`refresh` when an invitation was made, and every few
    seconds while it is open.

    Args:
        store: holds the invitations.
        identity: of a sponsor.
        standing: the realm's statements.
        addresses: where to listen, "host:port".
        counters: count what is answered and refused.
        referrals: tells where members are.
    """

    def __init__(
        self,
        store: SqliteStore,
        identity: Identity,
        standing: Standing,
        addresses: Sequence[str],
        counters: Counters,
        referrals: Referrals = tuple,
    ) -> None:
        self._store = store
        self._identity = identity
        self._standing = standing
        self._addresses = list(addresses)
        self._counters = counters
        self._referrals = referrals
        self._lock = threading.Lock()
        self._open: _Open | None = None

    def refresh(self) -> list[str]:
        """Open or close, as invitations say.

        Returns:
            where it listens now; nothing if it is closed.

        Raises:
            ExchangeError: an address cannot be had.
            StoreError: the store cannot be read.
        """
        is_wanted = bool(live_invitations(self._store))
        with self._lock:
            if is_wanted and self._open is None:
                self._open = self._start()
                # The next time at the same port, which may have been told to people.
                self._addresses = self._open.addresses
            elif not is_wanted and self._open is not None:
                self._open.stop()
                self._open = None
            return [] if self._open is None else list(self._open.addresses)

    def close(self) -> None:
        """Listen no more; answers that are on their way are given."""
        with self._lock:
            if self._open is not None:
                self._open.stop()
                self._open = None

    def _start(self) -> _Open:
        key, chain = server_certificate_for_enrolment(self._identity)
        sponsor = Sponsor(
            self._store,
            self._identity,
            self._standing,
            ders_of(chain)[0],
            self._referrals,
        )

        connections = Connections(self._counters, "enrol_connections")

        def nothing_newer() -> None:
            connections.begun()

        def credentials() -> grpc.ServerCredentials:
            return grpc.dynamic_ssl_server_credentials(
                grpc.ssl_server_certificate_configuration([(key, chain)]),
                nothing_newer,  # type: ignore[arg-type] # None: nothing changed
                require_client_authentication=False,
            )

        methods = _methods(sponsor, self._counters, connections)
        return _Open(methods, credentials, self._addresses)


class _Open:
    """A server that listens."""

    def __init__(
        self,
        methods: Handlers,
        credentials: Callable[[], grpc.ServerCredentials],
        addresses: Sequence[str],
    ) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "enrol")
        self._server = grpc.server(
            self._pool,
            [methods],
            options=ENROL_SERVER,
            maximum_concurrent_rpcs=WAITING_CALLS,
        )
        self.addresses = listen(self._server, addresses, credentials)
        self._server.start()

    def stop(self) -> None:
        self._server.stop(1).wait()
        self._pool.shutdown(wait=False)


def _methods(
    sponsor: Sponsor, counters: Counters, connections: Connections
) -> Handlers:
    def admit(context: grpc.ServicerContext, method: str) -> tuple[str, str]:
        connections.used(context.peer())
        return _from_where(context, method)

    answers = _Answers(sponsor, counters)
    # One call at a time from each address: guessing is not to pay.
    calls = Calls(admit, Slots(CALLS, 1), counters, Monitor())
    handlers = {
        "Begin": calls.unary("Begin", answers.begin),
        "Finish": calls.unary("Finish", answers.finish),
    }
    return Handlers(SERVICE, handlers, counters)


def _from_where(context: grpc.ServicerContext, method: str) -> tuple[str, str]:
    host = context.peer().rpartition(":")[0]
    return host, host


class _Answers:
    """Requests and answers as bytes around what a sponsor deals in."""

    def __init__(self, sponsor: Sponsor, counters: Counters) -> None:
        self._sponsor = sponsor
        self._counters = counters
        self._lock = threading.Lock()

    def begin(self, caller: str, data: bytes) -> bytes:
        token_id = enrol_checks.enrol_begin(parse(enrol_pb2.EnrolBegin, data))
        nonce = self._asked(lambda now: self._sponsor.begin(token_id, now))
        return enrol_pb2.EnrolChallenge(nonce=nonce).SerializeToString()

    def finish(self, caller: str, data: bytes) -> bytes:
        message = parse(enrol_pb2.EnrolFinish, data)
        enrol_checks.enrol_finish(message)
        reply = self._asked(lambda now: self._sponsor.finish(message, now))
        self._counters.add("enrolled")
        return reply.SerializeToString()

    def _asked(self, ask: Callable[[float], T]) -> T:
        """Ask the sponsor, which takes one question at a time."""
        try:
            with self._lock:
                return ask(time.monotonic())
        except EnrolmentRefused as refused:
            self._counters.add(f"refused_enrolments_{refused.reason}")
            retry_ms = RETRY_MS if refused.reason == "busy" else None
            raise Refusal(STATUSES[refused.reason], str(refused), retry_ms) from refused
