"""A peer whose results lie in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import grpc

from peer.claims.messages import (
    Answer,
    DoneAt,
    Grant,
    HeldBy,
    Item,
    Lease,
    Released,
    Unclaimed,
)
from peer.exchange import Refusal
from peer.identity import Member, NodeId
from peer.wire.v1 import peer_pb2
from store import Digest, NodeKey, manifest_of

MIB = 1 << 20


@dataclass
class Artifact:
    """Bytes that can be served; ``before`` is called before each chunk is read."""

    data: bytes
    before: Callable[[int], None] = lambda index: None

    def __post_init__(self) -> None:
        """Make the manifest."""
        self.manifest = manifest_of([self.data])

    def read(self, index: int) -> memoryview:
        """Return one chunk."""
        self.before(index)
        return memoryview(self.data)[index * MIB : (index + 1) * MIB]


@dataclass
class Shelf:
    """A service that has what it was given, and notes who asked what."""

    artifacts: dict[Digest, Artifact] = field(default_factory=dict)
    results: dict[NodeKey, tuple[int, int]] = field(default_factory=dict)
    revoked: set[NodeId] = field(default_factory=set)
    callers: list[Member] = field(default_factory=list)
    news: threading.Event = field(default_factory=threading.Event)
    boot_id: bytes = bytes(16)
    holders: dict[bytes, Answer] = field(default_factory=dict)
    holding: threading.Lock = field(default_factory=threading.Lock)

    def put(self, data: bytes, before: Callable[[int], None] | None = None) -> Digest:
        """Have an artifact."""
        artifact = Artifact(data) if before is None else Artifact(data, before)
        self.artifacts[artifact.manifest.digest] = artifact
        return artifact.manifest.digest

    def standing(self, member: NodeId) -> bool:
        """Say who was not revoked."""
        return member not in self.revoked

    def hello(
        self, member: Member, request: peer_pb2.HelloRequest
    ) -> peer_pb2.HelloReply:
        """Answer with what was said."""
        self.callers.append(member)
        if request.protocol != 1:
            raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, "another protocol")
        return peer_pb2.HelloReply(me=request)

    def sync(self, member: Member, have: Sequence[bytes]) -> peer_pb2.SyncReply:
        """Have no statements."""
        return peer_pb2.SyncReply()

    def locate(
        self, member: Member, keys: Sequence[NodeKey]
    ) -> Sequence[tuple[int, int] | None]:
        """Look up."""
        return list(map(self.results.get, keys))

    def records(
        self, member: Member, keys: Sequence[NodeKey]
    ) -> tuple[Sequence[peer_pb2.Attested], Sequence[peer_pb2.Chain]]:
        """Return a record that holds just its key."""
        records = []
        for key in keys:
            if key in self.results:
                attested = peer_pb2.Attested()
                attested.record.record = key
                attested.record.signature = bytes(64)
                records.append(attested)
        return records, [peer_pb2.Chain(certificates=[b"a certificate"])]

    def open_artifact(self, member: Member, key: NodeKey, digest: Digest) -> Artifact:
        """Have it or not."""
        if digest not in self.artifacts:
            raise Refusal(grpc.StatusCode.NOT_FOUND, "it is not here")
        return self.artifacts[digest]

    def inventory(
        self, member: Member, have: peer_pb2.InventoryState
    ) -> Iterator[peer_pb2.InventoryPart]:
        """Tell of all results in parts of one."""
        for key in self.results:
            state = peer_pb2.InventoryState(id=b"12345678", sequence=1)
            yield peer_pb2.InventoryPart(state=state, added=key[:8])

    def watch(
        self, member: Member, request: peer_pb2.WatchRequest
    ) -> peer_pb2.WatchReply:
        """Wait for news."""
        self.news.wait(request.timeout_ms / 1000)
        return peer_pb2.WatchReply(statements_digest=bytes(32))

    def renew(self, member: Member, csr: bytes) -> Sequence[bytes]:
        """Be no sponsor."""
        raise Refusal(grpc.StatusCode.UNIMPLEMENTED, "this member is no sponsor")

    def claim(
        self, member: Member, boot_id: bytes, items: Sequence[Item]
    ) -> tuple[bytes, Sequence[Answer]]:
        """Grant each node to who comes first, and tell the others."""
        with self.holding:
            return self.boot_id, [self._answer(member, item) for item in items]

    def _answer(self, member: Member, item: Item) -> Answer:
        held = HeldBy(member.node_id, 0, item.estimate_ms, 200)
        before = self.holders.setdefault(item.key, held)
        return Grant(len(self.holders), 10_000) if before is held else before

    def renew_claims(
        self, member: Member, boot_id: bytes, leases: Sequence[Lease]
    ) -> Sequence[bytes]:
        """Say which leases others hold."""
        return [it.key for it in leases if not self._is_held_by(member, it.key)]

    def release_claims(
        self, member: Member, boot_id: bytes, released: Sequence[Released]
    ) -> None:
        """Note how it went."""
        for each in released:
            if self._is_held_by(member, each.key):
                done, nothing = DoneAt(member.node_id), Unclaimed()
                self.holders[each.key] = done if each.is_done else nothing

    def _is_held_by(self, member: Member, key: bytes) -> bool:
        before = self.holders.get(key)
        return isinstance(before, HeldBy) and before.holder == member.node_id
