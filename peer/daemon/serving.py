"""What this peer answers to others: the exchange's service.

Called on the server's threads.  Nothing is answered of a result that is not shared
just now, and nothing that a run would have to compute.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import grpc

from peer.claims.messages import Answer, Item, Lease, Released
from peer.exchange import Refusal
from peer.identity import CertificateError, Member, NodeId, renew
from peer.trust.attestations import Attestation
from peer.wire import limits
from peer.wire.v1 import peer_pb2, records_pb2
from store import (
    Artifact,
    ArtifactNotFoundError,
    CorruptArtifactError,
    Digest,
    Manifest,
    NodeKey,
)

from .attesting import Attesting
from .inventory import State
from .messages import filter_block, inventory_state, state_of
from .neighbour import Introduction
from .privacy import showing
from .realm import Realm
from .shared import Shared

if TYPE_CHECKING:
    from peer.daemon.claims.claiming import (
        Claiming,  # which needs the company, which needs us
    )

INLINE_CHANGES = limits.INVENTORY_IDS
"""Changes that a watch brings itself; more are asked for as an inventory."""

IDS_PER_PART = limits.INVENTORY_IDS


class Host(Protocol):
    """What answering takes of the daemon."""

    def introduction(self) -> peer_pb2.HelloRequest:
        """Say who we are."""

    def greeted(self, said: Introduction) -> None:
        """Take note of a member that calls."""

    def referrals(self, asker: NodeId) -> Sequence[peer_pb2.Referral]:
        """Return where others are."""

    def served(self, member: NodeId, size_bytes: int) -> None:
        """Count what a member gets."""

    @property
    def is_stopping(self) -> bool:
        """Whether no more is to be waited for."""


@dataclass(frozen=True, slots=True)
class OpenShared:
    """An artifact that is being read by a neighbour."""

    manifest: Manifest
    artifact: Artifact
    count: Callable[[int], None]
    counted: set[int] = field(default_factory=set)

    def read(self, index: int) -> memoryview:
        """Return the bytes of one chunk."""
        start = index * limits.CHUNK_BYTES
        chunk = self.artifact.view()[start : start + limits.CHUNK_BYTES]
        if index not in self.counted:  # samples are read too
            self.counted.add(index)
            self.count(len(chunk))
        return chunk


class Serving:
    """Implements :class:`peer.exchange.Service`."""

    def __init__(
        self,
        host: Host,
        realm: Realm,
        shared: Shared,
        attesting: Attesting,
        claiming: Claiming,
        *,
        share_inputs: bool,
    ) -> None:
        self._claiming = claiming
        self._share_inputs = share_inputs
        self._host = host
        self._realm = realm
        self._shared = shared
        self._attesting = attesting
        self._store = realm.store

    def standing(self, member: NodeId) -> bool:
        """Say whether a node is a member still."""
        return not self._realm.standing.is_revoked(member)

    def hello(
        self, member: Member, request: peer_pb2.HelloRequest
    ) -> peer_pb2.HelloReply:
        """Say who is here, and what the caller lacks."""
        self._admit(member)
        me = self._host.introduction()
        if request.protocol != limits.PROTOCOL:
            return peer_pb2.HelloReply(me=me)
        said = introduction_of(member.node_id, request)
        self._host.greeted(said)
        # Another secret of the same epoch may be known here, hence the caller's own.
        keys = self._realm.keys.since(request.epoch)
        is_same = [epoch for epoch, _ in keys] == [request.epoch]
        return peer_pb2.HelloReply(
            me=me,
            referrals=self._host.referrals(member.node_id),
            newer_keys=[
                peer_pb2.RealmKey(epoch=epoch, secret=secret)
                for epoch, secret in ([] if is_same else keys[: limits.NEWER_KEYS])
            ],
        )

    def sync(self, member: Member, have: Sequence[bytes]) -> peer_pb2.SyncReply:
        """Return statements that the caller does not have."""
        self._admit(member)
        statements: list[records_pb2.SignedStatement] = []
        size = 0
        for signed in self._realm.standing.after(have):
            size += signed.ByteSize()
            too_much = size > limits.SYNC_REPLY_BYTES and statements
            if too_much or len(statements) >= limits.SYNC_STATEMENTS:
                break
            statements.append(signed)
        return peer_pb2.SyncReply(statements=statements)

    def locate(
        self, member: Member, keys: Sequence[NodeKey]
    ) -> Sequence[tuple[int, int] | None]:
        """Say which results are here."""
        self._admit(member)
        return self._shared.located(keys)

    def records(
        self, member: Member, keys: Sequence[NodeKey]
    ) -> tuple[Sequence[peer_pb2.Attested], Sequence[peer_pb2.Chain]]:
        """Return the signed records of what is shared."""
        self._admit(member)
        wanted = [key for key in dict.fromkeys(keys) if key in self._shared]
        records = self._without_private(self._attesting.records(wanted))
        signers = {each.signer for each in records}
        attested: list[peer_pb2.Attested] = []
        inline = room = 0
        for each in records:
            payload = self._attesting.inline(each)
            if (
                payload is not None
                and inline + len(payload) > limits.INLINE_REPLY_BYTES
            ):
                payload = None
            inline += len(payload or b"")
            room += len(each.record) + len(payload or b"") + 128
            if room > limits.RECORDS_REPLY_BYTES - 65_536 and attested:
                break  # the rest is asked for again
            signed = records_pb2.SignedRecord(
                record=each.record, signature=each.signature
            )
            if payload is not None:
                self._host.served(member.node_id, len(payload))
            attested.append(peer_pb2.Attested(record=signed, inline=payload))
        chains = [self._attesting.chain(signer) for signer in signers]
        return attested, [
            peer_pb2.Chain(certificates=chain) for chain in chains if chain is not None
        ]

    def open_artifact(self, member: Member, key: NodeKey, digest: Digest) -> OpenShared:
        """Open an artifact that ``key`` shares."""
        self._admit(member)
        if key not in self._shared or not self._attesting.names(key, digest):
            raise Refusal(grpc.StatusCode.NOT_FOUND, "not shared here")
        if not self._share_inputs and showing(self._store, [digest]):
            self._shared.remove([key])
            raise Refusal(grpc.StatusCode.NOT_FOUND, "not shared here")
        try:
            artifact = self._store.open(digest)
            manifest = self._store.manifest(digest)
        except ArtifactNotFoundError:
            self._shared.remove([key])
            raise Refusal(grpc.StatusCode.NOT_FOUND, "not here any more") from None
        except CorruptArtifactError:
            self._shared.remove([key])
            self._realm.counters.add("damaged_here")
            raise Refusal(grpc.StatusCode.DATA_LOSS, "damaged here") from None
        return OpenShared(
            manifest, artifact, lambda size: self._host.served(member.node_id, size)
        )

    def inventory(
        self, member: Member, have: peer_pb2.InventoryState
    ) -> Iterator[peer_pb2.InventoryPart]:
        """Return what changed since ``have``, or else filters of everything."""
        self._admit(member)
        changes = self._shared.since(state_of(have))
        if changes is not None:
            state, added, removed = changes
            yield from _difference(state, added, removed)
            return
        state, blocks = self._shared.blocks()
        for block in blocks:
            yield peer_pb2.InventoryPart(
                state=inventory_state(state), block=filter_block(block)
            )

    def watch(
        self, member: Member, request: peer_pb2.WatchRequest
    ) -> peer_pb2.WatchReply:
        """Wait until results, statements or keys are others than the caller's."""
        self._admit(member)
        have = state_of(request.have)

        def is_over() -> bool:
            return (
                self._host.is_stopping
                or self._realm.statements_digest != request.statements_digest
                or self._realm.keys.epoch > request.epoch
            )

        until = time.monotonic() + request.timeout_ms / 1000
        self._shared.wait(have, until, is_over)
        return peer_pb2.WatchReply(
            inventory=self._news(have),
            statements_digest=self._realm.statements_digest,
            epoch=self._realm.keys.epoch,
        )

    def renew(self, member: Member, csr: bytes) -> Sequence[bytes]:
        """Return a new chain for the caller's own key."""
        self._admit(member)
        identity = self._realm.identity
        if not identity.is_sponsor:
            raise Refusal(grpc.StatusCode.UNIMPLEMENTED, "no sponsor of the realm")
        try:
            return renew(identity, csr, member, datetime.now(UTC))
        except CertificateError as error:
            raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from None

    def claim(
        self, member: Member, boot_id: bytes, items: Sequence[Item]
    ) -> tuple[bytes, Sequence[Answer]]:
        """Decide about nodes that the caller wants to compute."""
        self._admit(member)
        return self._claiming.asked(member.node_id, boot_id, items)

    def renew_claims(
        self, member: Member, boot_id: bytes, leases: Sequence[Lease]
    ) -> Sequence[bytes]:
        """Take note that the caller computes nodes still."""
        self._admit(member)
        return self._claiming.renewed(member.node_id, boot_id, leases)

    def release_claims(
        self, member: Member, boot_id: bytes, released: Sequence[Released]
    ) -> None:
        """Take note that the caller computes nodes no longer."""
        self._admit(member)
        self._claiming.released(member.node_id, boot_id, released)

    def _without_private(self, records: list[Attestation]) -> list[Attestation]:
        """Leave out, and share no longer, what is the same as what shows an input."""
        if self._share_inputs:
            return records
        private = showing(self._store, {each.digest for each in records})
        if private:
            self._shared.remove(each.key for each in records if each.digest in private)
        return [each for each in records if each.digest not in private]

    def _admit(self, member: Member) -> None:
        """Refuse whom a revoked sponsor has let in, and know it from then on."""
        if not self._realm.standing.is_member(member):
            raise Refusal(grpc.StatusCode.UNAUTHENTICATED, "not a member any more")

    def _news(self, have: State) -> peer_pb2.InventoryPart:
        changes = self._shared.since(have)
        if changes is not None:
            state, added, removed = changes
            if len(added) + len(removed) <= INLINE_CHANGES:
                return next(iter(_difference(state, added, removed)))
        return peer_pb2.InventoryPart(state=inventory_state(self._shared.state))


def introduction_of(node_id: NodeId, said: peer_pb2.HelloRequest) -> Introduction:
    """Return what a member says of itself."""
    return Introduction(
        node_id=node_id,
        boot_id=said.boot_id,
        name=said.name,
        version=said.version,
        libraries=tuple(said.libraries),
        inventory=state_of(said.inventory),
        statements_digest=said.statements_digest,
        epoch=said.epoch,
        addresses=tuple(said.addresses),
        is_sponsor=said.is_sponsor,
    )


def _difference(
    state: State, added: Sequence[int], removed: Sequence[int]
) -> Iterator[peer_pb2.InventoryPart]:
    """Yield at least one part; the state that is reached is in each."""
    parts = max(1, -(-max(len(added), len(removed)) // IDS_PER_PART))
    for index in range(parts):
        part = slice(index * IDS_PER_PART, (index + 1) * IDS_PER_PART)
        yield peer_pb2.InventoryPart(
            state=inventory_state(state),
            added=_ids(added[part]),
            removed=_ids(removed[part]),
        )


def _ids(shorts: Sequence[int]) -> bytes:
    return b"".join(short.to_bytes(8, "big") for short in shorts)
