"""What the exchange asks of whoever implements a peer.

All methods are called on threads of the server, several at a time.  Arguments were
checked against the contract; what is returned has to keep it.  Raise
:class:`~peer.exchange.errors.Refusal` to say no.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from peer.claims.messages import Answer, Item, Lease, Released
from peer.identity import Member, NodeId
from peer.wire.v1 import peer_pb2
from store import Digest, Manifest, NodeKey


class ServedArtifact(Protocol):
    """An artifact that is being read by a neighbour."""

    @property
    def manifest(self) -> Manifest:
        """Its length, and the digest of every chunk."""

    def read(self, index: int) -> bytes | memoryview:
        """Return the bytes of one chunk; may raise a refusal with ``DATA_LOSS``."""


class Service(Protocol):
    """A peer as other members see it."""

    def standing(self, member: NodeId) -> bool:
        """Say whether a node is a member still.

        Asked before each call and each chunk, so it has to be quick.
        """

    def hello(
        self, member: Member, request: peer_pb2.HelloRequest
    ) -> peer_pb2.HelloReply:
        """Say who is here."""

    def sync(self, member: Member, have: Sequence[bytes]) -> peer_pb2.SyncReply:
        """Return statements whose digests are not in ``have``."""

    def locate(
        self, member: Member, keys: Sequence[NodeKey]
    ) -> Sequence[tuple[int, int] | None]:
        """Say for each key whether its result is here.

        Returns:
            for each key, in order, the bytes of its artifact with those it refers to
            and the milliseconds to compute it, or None.
        """

    def records(
        self, member: Member, keys: Sequence[NodeKey]
    ) -> tuple[Sequence[peer_pb2.Attested], Sequence[peer_pb2.Chain]]:
        """Return the records of results that are here, and their signers' chains."""

    def open_artifact(
        self, member: Member, key: NodeKey, digest: Digest
    ) -> ServedArtifact:
        """Open an artifact that ``key`` shares; refuse with ``NOT_FOUND``."""

    def inventory(
        self, member: Member, have: peer_pb2.InventoryState
    ) -> Iterator[peer_pb2.InventoryPart]:
        """Return what has results here, or what changed since ``have``."""

    def watch(
        self, member: Member, request: peer_pb2.WatchRequest
    ) -> peer_pb2.WatchReply:
        """Wait until something is new, at most as long as the request says."""

    def renew(self, member: Member, csr: bytes) -> Sequence[bytes]:
        """Return a new chain, DER, for the caller's key; only sponsors do."""

    def claim(
        self, member: Member, boot_id: bytes, items: Sequence[Item]
    ) -> tuple[bytes, Sequence[Answer]]:
        """Say for each node whether the caller is to compute it; never wait.

        Args:
            boot_id: of the caller's process.
            items: at most 256, each node once.

        Returns:
            the boot id of this process, and one answer for each item, in their order.
        """

    def renew_claims(
        self, member: Member, boot_id: bytes, leases: Sequence[Lease]
    ) -> Sequence[bytes]:
        """Prolong leases of the caller; return the nodes that others hold now."""

    def release_claims(
        self, member: Member, boot_id: bytes, released: Sequence[Released]
    ) -> None:
        """End leases of the caller."""
