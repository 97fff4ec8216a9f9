"""The gRPC server of a peer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc

from peer.identity import Member, ders_of
from peer.wire import checks, claims, limits, located
from peer.wire.fields import parse
from peer.wire.v1 import peer_pb2

from .admission import Admission
from .calls import Calls, Context, Handler
from .connections import Connections
from .counters import Counters
from .credentials import SERVER, Credentials
from .fetch_stream import FetchStreams
from .listening import Handlers, listen
from .monitor import Monitor
from .service import Service
from .slots import Slots

SERVICE = "voxpeer.v1.Peer"
OTHER_CALLS = 32
OTHER_CALLS_PER_MEMBER = 8
REFUSING = 8
"""Threads beyond those that calls may hold, so that refusals never wait."""

THREADS = limits.WATCHES + limits.FETCHES + limits.CLAIMS + OTHER_CALLS + REFUSING
CALLS = 1024
"""Calls that are held at all, waiting ones too."""


class PeerServer:
    """Serves the members of a realm, and nobody else.

    Args:
        credentials: returns what to show from now on; called by :meth:`reload`.
        service: answers.
        counters: count what is served and refused.
    """

    def __init__(
        self,
        credentials: Callable[[], Credentials],
        service: Service,
        counters: Counters,
    ) -> None:
        self._credentials = credentials
        self._service = service
        self._counters = counters
        self._current = credentials()
        self._root = ders_of(self._current.root_pem)[0]
        self._pool = ThreadPoolExecutor(THREADS, "exchange")
        self._admission = Admission(lambda: self._root, service.standing)
        self._connections = Connections(counters, "connections")
        self._server = self._make()

    def start(self, addresses: Sequence[str]) -> list[str]:
        """Listen at ``addresses`` ("host:port", port 0 for any) and serve.

        The port that the system chose for the first is tried for the others too, for
        a peer announces one port.

        Returns:
            the addresses, with the ports that were bound.

        Raises:
            ExchangeError: one of them cannot be had.
        """
        bound = listen(self._server, addresses, self._shown)
        self._server.start()
        return bound

    def reload(self) -> None:
        """Show new credentials from the next handshake on; connections stay."""
        self._current = self._credentials()

    def stop(self, grace_s: float) -> None:
        """Take no more calls, and end those that run after ``grace_s`` seconds."""
        self._server.stop(grace_s).wait()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _shown(self) -> grpc.ServerCredentials:
        """Return what one port shows: whatever is current at a handshake."""
        shown = self._current

        def newer() -> grpc.ServerCertificateConfiguration | None:
            nonlocal shown
            self._connections.begun()
            if shown is self._current:
                return None
            shown = self._current
            return shown.for_server()

        return grpc.dynamic_ssl_server_credentials(
            shown.for_server(),
            newer,  # type: ignore[arg-type] # None says that nothing changed
            require_client_authentication=True,
        )

    def _make(self) -> grpc.Server:
        methods = Handlers(SERVICE, self._methods(), self._counters)
        return grpc.server(
            self._pool, [methods], options=SERVER, maximum_concurrent_rpcs=CALLS
        )

    def _admit(self, context: Context, method: str) -> tuple[str, Member]:
        admitted = self._admission.admit(context, method)
        self._connections.used(context.peer())
        return admitted

    def _methods(self) -> dict[str, Handler]:
        monitor = Monitor()
        others = Slots(OTHER_CALLS, OTHER_CALLS_PER_MEMBER)
        calls = Calls(self._admit, others, self._counters, monitor)
        answers = _Answers(self._service, self._admission)
        streams = FetchStreams(
            self._service, answers.check_standing, self._counters, monitor
        )
        fetches = Slots(limits.FETCHES, limits.FETCHES_PER_MEMBER)
        watches = Slots(limits.WATCHES, limits.WATCHES_PER_MEMBER)
        # A claim that waits for a slot is worth nothing to who waits for its answer.
        claiming = Slots(limits.CLAIMS, limits.CLAIMS_PER_MEMBER)
        return {
            "Hello": calls.unary("Hello", answers.hello),
            "Sync": calls.unary("Sync", answers.sync),
            "Locate": calls.unary("Locate", answers.locate),
            "Records": calls.unary("Records", answers.records),
            "Fetch": calls.stream("Fetch", streams.serve, fetches),
            "Inventory": calls.stream("Inventory", answers.inventory),
            "Watch": calls.unary("Watch", answers.watch, watches),
            "Renew": calls.unary("Renew", answers.renew),
            "Claim": calls.unary("Claim", answers.claim, claiming),
            "RenewClaims": calls.unary("RenewClaims", answers.renew_claims, claiming),
            "ReleaseClaims": calls.unary(
                "ReleaseClaims", answers.release_claims, claiming
            ),
        }


class _Answers:
    """Requests and answers as bytes around what the service deals in."""

    def __init__(self, service: Service, admission: Admission) -> None:
        self._service = service
        self._admission = admission

    def check_standing(self, member: Member) -> None:
        self._admission.check_standing(member.node_id)

    def hello(self, member: Member, data: bytes) -> bytes:
        request = parse(peer_pb2.HelloRequest, data)
        checks.hello_request(request)
        return self._service.hello(member, request).SerializeToString()

    def sync(self, member: Member, data: bytes) -> bytes:
        have = checks.sync_request(parse(peer_pb2.SyncRequest, data))
        return self._service.sync(member, have).SerializeToString()

    def locate(self, member: Member, data: bytes) -> bytes:
        keys = checks.locate_request(parse(peer_pb2.LocateRequest, data))
        self._admission.spend(member.node_id, "Locate.keys", len(keys))
        found = self._service.locate(member, keys)
        return located.encode(found).SerializeToString()

    def records(self, member: Member, data: bytes) -> bytes:
        keys = checks.records_request(parse(peer_pb2.RecordsRequest, data))
        records, chains = self._service.records(member, keys)
        reply = peer_pb2.RecordsReply(chains=chains)
        left = limits.RECORDS_REPLY_BYTES - reply.ByteSize()
        for attested in records:
            left -= attested.ByteSize() + 8
            if left < 0:
                break  # the caller sees what it did not get, and asks again
            reply.records.append(attested)
        return reply.SerializeToString()

    def inventory(
        self, member: Member, data: bytes, context: grpc.ServicerContext
    ) -> Iterator[bytes]:
        have = checks.inventory_request(parse(peer_pb2.InventoryRequest, data))
        for part in self._service.inventory(member, have):
            self.check_standing(member)
            yield part.SerializeToString()

    def watch(self, member: Member, data: bytes) -> bytes:
        request = parse(peer_pb2.WatchRequest, data)
        checks.watch_request(request)
        reply = self._service.watch(member, request)
        self.check_standing(member)
        return reply.SerializeToString()

    def renew(self, member: Member, data: bytes) -> bytes:
        csr = checks.renew_request(parse(peer_pb2.RenewRequest, data))
        chain = peer_pb2.Chain(certificates=self._service.renew(member, csr))
        return peer_pb2.RenewReply(chain=chain).SerializeToString()

    def claim(self, member: Member, data: bytes) -> bytes:
        boot_id, items = claims.decode_claim(parse(peer_pb2.ClaimRequest, data))
        self._admission.spend(member.node_id, "Claim.keys", len(items))
        mine, answers = self._service.claim(member, boot_id, items)
        return claims.encode_answers(mine, answers).SerializeToString()

    def renew_claims(self, member: Member, data: bytes) -> bytes:
        request = parse(peer_pb2.RenewClaimsRequest, data)
        boot_id, leases = claims.decode_renewal(request)
        self._admission.spend(member.node_id, "leases", len(leases))
        lost = self._service.renew_claims(member, boot_id, leases)
        return claims.encode_lost(lost).SerializeToString()

    def release_claims(self, member: Member, data: bytes) -> bytes:
        request = parse(peer_pb2.ReleaseClaimsRequest, data)
        boot_id, released = claims.decode_release(request)
        self._admission.spend(member.node_id, "leases", len(released))
        self._service.release_claims(member, boot_id, released)
        return peer_pb2.ReleaseClaimsReply().SerializeToString()
