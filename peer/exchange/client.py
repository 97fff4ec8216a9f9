"""Asking other members."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message

from peer.claims.messages import Answer, Item, Lease, Released
from peer.identity import NodeId
from peer.wire import WireError, checks, claims, limits, located
from peer.wire.fields import parse
from peer.wire.v1 import peer_pb2, records_pb2
from store import NodeKey

from .credentials import Credentials
from .errors import BrokenPeerError
from .lanes import Lane
from .server import SERVICE
from .statuses import explained

M = TypeVar("M", bound=Message)
T = TypeVar("T")
_Unary: TypeAlias = "grpc.UnaryUnaryMultiCallable[bytes, bytes]"
_Stream: TypeAlias = "grpc.UnaryStreamMultiCallable[bytes, bytes]"

HELLO_S = 2.0
CALL_S = 10.0
LEASES_S = 2.0
INVENTORY_S = 60.0
WATCH_MARGIN_S = 5.0
"""How much later than it promised a Watch may answer."""


class PeerClient:
    """Makes links to other members, all with this node's own credentials.

    Args:
        credentials: returns what to show; called by :meth:`reload`.
    """

    def __init__(self, credentials: Callable[[], Credentials]) -> None:
        self._credentials = credentials
        self.reload()

    def reload(self) -> None:
        """Show new credentials: links dial anew, calls that run are finished."""
        self._current = self._credentials().for_channel()

    @property
    def current(self) -> grpc.ChannelCredentials:
        """What new channels show."""
        return self._current

    def to(self, node_id: NodeId, address: str) -> Link:
        """Return a link to a member; nothing is sent before the first call."""
        return Link(self, node_id, address)


class FetchStream:
    """The messages of a running Fetch, bytes as they come."""

    def __init__(self, call: grpc.Call, peer: str, release: Callable[[], None]) -> None:
        self._call = call
        self._peer = peer
        self._release = release
        self._released = threading.Lock()

    def __iter__(self) -> Iterator[bytes]:
        """Return itself."""
        return self

    def __next__(self) -> bytes:
        """Return the next message; blocks.

        Raises:
            ExchangeError: the stream ended otherwise than well.
        """
        try:
            return next(self._call)  # type: ignore[call-overload, no-any-return]
        except grpc.RpcError as error:
            raise explained(error, self._peer) from error

    def cancel(self) -> None:
        """End it, from any thread; whoever waits for a message gets an error."""
        self._call.cancel()

    def close(self) -> None:
        """End it if it runs, and let go of the connection."""
        self._call.cancel()
        if self._released.acquire(blocking=False):
            self._release()


class Link:
    """The way to one member at one address; usable by many threads.

    gRPC connects at the first call and again whenever the connection was lost.  All
    calls raise :class:`~peer.exchange.errors.ExchangeError`.
    """

    def __init__(self, client: PeerClient, node_id: NodeId, address: str) -> None:
        self.node_id = node_id
        self.address = address
        self._name = f"{node_id} at {address}"
        self._questions = Lane(node_id, address, lambda: client.current)
        self._chunks = Lane(node_id, address, lambda: client.current)

    def hello(
        self, request: peer_pb2.HelloRequest, timeout_s: float = HELLO_S
    ) -> peer_pb2.HelloReply:
        """Say who is here, and hear who is there."""
        reply = self._ask("Hello", request, peer_pb2.HelloReply, timeout_s)
        self._checked(lambda: checks.hello_reply(reply))
        return reply

    def sync(
        self, have: Sequence[bytes], timeout_s: float = CALL_S
    ) -> list[records_pb2.SignedStatement]:
        """Get statements of which we do not have the digests."""
        request = peer_pb2.SyncRequest(have=have)
        reply = self._ask("Sync", request, peer_pb2.SyncReply, timeout_s)
        self._checked(lambda: checks.sync_reply(reply))
        return list(reply.statements)

    def locate(
        self, keys: Sequence[NodeKey], timeout_s: float = HELLO_S
    ) -> list[located.Located | None]:
        """Ask which of at most 1024 nodes have results there; in their order."""
        request = peer_pb2.LocateRequest(keys=b"".join(keys))
        reply = self._ask("Locate", request, peer_pb2.LocateReply, timeout_s)
        return self._checked(lambda: located.decode(reply, len(keys)))

    def records(
        self, keys: Sequence[NodeKey], timeout_s: float = CALL_S
    ) -> peer_pb2.RecordsReply:
        """Get the records of at most 256 nodes; not verified yet."""
        request = peer_pb2.RecordsRequest(keys=b"".join(keys))
        reply = self._ask("Records", request, peer_pb2.RecordsReply, timeout_s)
        self._checked(lambda: checks.records_reply(reply, len(keys)))
        return reply

    def watch(self, request: peer_pb2.WatchRequest) -> peer_pb2.WatchReply:
        """Wait until something is new there, as long as the request says."""
        timeout_s = request.timeout_ms / 1000 + WATCH_MARGIN_S
        reply = self._ask("Watch", request, peer_pb2.WatchReply, timeout_s)
        self._checked(lambda: checks.watch_reply(reply))
        return reply

    def renew(self, csr: bytes, timeout_s: float = CALL_S) -> tuple[bytes, ...]:
        """Get a new certificate chain, DER; not verified yet."""
        request = peer_pb2.RenewRequest(csr=csr)
        reply = self._ask("Renew", request, peer_pb2.RenewReply, timeout_s)
        return self._checked(lambda: checks.renew_reply(reply))

    def claim(
        self,
        boot_id: bytes,
        items: Sequence[Item],
        deadline_s: float = limits.CLAIM_S,
    ) -> tuple[bytes, tuple[Answer, ...]]:
        """Claim at most 256 nodes, each once, at their arbiter.

        Args:
            boot_id: of this process, 16 bytes.
            items: what is claimed; one at least.
            deadline_s: when the answer is of no use any more.

        Returns:
            the boot id of the arbiter's process, and its answers in the order asked.

        Raises:
            NotOfferedError: the peer is no arbiter.
            ExchangeError: there is no answer, or none that keeps the contract.
        """
        request = claims.encode_claim(boot_id, items)
        reply = self._ask("Claim", request, peer_pb2.ClaimReply, deadline_s)
        return self._checked(lambda: claims.decode_answers(reply, len(items)))

    def renew_claims(
        self, boot_id: bytes, leases: Sequence[Lease], deadline_s: float = LEASES_S
    ) -> list[bytes]:
        """Prolong at most 4096 leases; return those nodes that others hold now."""
        request = claims.encode_renewal(boot_id, leases)
        kind = peer_pb2.RenewClaimsReply
        reply = self._ask("RenewClaims", request, kind, deadline_s)
        return self._checked(lambda: claims.decode_lost(reply, leases))

    def release_claims(
        self, boot_id: bytes, released: Sequence[Released], deadline_s: float = LEASES_S
    ) -> None:
        """End at most 4096 leases."""
        request = claims.encode_release(boot_id, released)
        self._ask("ReleaseClaims", request, peer_pb2.ReleaseClaimsReply, deadline_s)

    def inventory(
        self, have: peer_pb2.InventoryState, timeout_s: float = INVENTORY_S
    ) -> Iterator[peer_pb2.InventoryPart]:
        """Get what has results there, part by part."""
        request = peer_pb2.InventoryRequest(have=have).SerializeToString()
        with self._questions.channel() as channel:
            call: _Stream = channel.unary_stream(f"/{SERVICE}/Inventory")
            try:
                for data in call(request, timeout=timeout_s):
                    yield self._checked(partial(_inventory_part, data))
            except grpc.RpcError as error:
                raise explained(error, self._name) from error

    def fetch(self, request: peer_pb2.FetchRequest) -> FetchStream:
        """Open a stream of chunks; close it whatever happens."""
        channel, give_back = self._chunks.take()
        call: _Stream = channel.unary_stream(f"/{SERVICE}/Fetch")
        running = call(request.SerializeToString())
        return FetchStream(running, self._name, give_back)

    def close(self) -> None:
        """Let the connections go; calls that run are finished."""
        self._questions.close()
        self._chunks.close()

    def cut(self) -> None:
        """Let the connections go at once; calls that run fail."""
        self._questions.cut()
        self._chunks.cut()

    def _ask(self, method: str, request: Message, kind: type[M], timeout_s: float) -> M:
        with self._questions.channel() as channel:
            call: _Unary = channel.unary_unary(f"/{SERVICE}/{method}")
            try:
                data = call(request.SerializeToString(), timeout=timeout_s)
            except grpc.RpcError as error:
                raise explained(error, self._name) from error
        return self._checked(lambda: parse(kind, data, limits.MESSAGE_BYTES))

    def _checked(self, check: Callable[[], T]) -> T:
        try:
            return check()
        except WireError as error:
            raise BrokenPeerError(self._name, error.reason) from error


def _inventory_part(data: bytes) -> peer_pb2.InventoryPart:
    part = parse(peer_pb2.InventoryPart, data, limits.MESSAGE_BYTES)
    checks.inventory_part(part)
    return part
