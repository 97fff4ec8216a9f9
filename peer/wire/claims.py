"""Claims on the wire: messages from and to what ``peer.claims`` deals in.

Encoding expects what the protocol machine makes; a number that does not fit is sent as
large as can be.  Decoding raises :class:`WireError` for whatever breaks a promise of
``peer.proto``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from peer.claims.messages import (
    Answer,
    Better,
    DoneAt,
    Grant,
    HeldBy,
    Item,
    Lease,
    Released,
    Unclaimed,
)
from peer.wire.v1 import peer_pb2

from . import limits
from .errors import WireError
from .fields import at_least, at_most, empty_or, exactly, few, node_id, split

_MOST_MS = (1 << 32) - 1


# ---- Claim


def encode_claim(boot_id: bytes, items: Iterable[Item]) -> peer_pb2.ClaimRequest:
    """Return the request of a process for nodes."""
    return peer_pb2.ClaimRequest(
        boot_id=boot_id,
        items=[
            peer_pb2.ClaimItem(
                key=item.key,
                estimate_ms=_ms(item.estimate_ms),
                is_hedge=item.is_hedge,
                is_missing=item.is_missing,
                is_insisting=item.is_insisting,
            )
            for item in items
        ],
    )


def decode_claim(message: peer_pb2.ClaimRequest) -> tuple[bytes, tuple[Item, ...]]:
    """Return the boot id of the caller, and what it asks for."""
    exactly("boot_id", message.boot_id, limits.BOOT_ID_BYTES)
    few("items", message.items, limits.CLAIM_ITEMS)
    if not message.items:
        raise WireError("a claim to nothing")
    if len({item.key for item in message.items}) < len(message.items):
        raise WireError("a node twice")
    return message.boot_id, tuple(map(_decode_item, message.items))


def encode_answers(boot_id: bytes, answers: Iterable[Answer]) -> peer_pb2.ClaimReply:
    """Return the reply of an arbiter's process, in the order of the items."""
    return peer_pb2.ClaimReply(boot_id=boot_id, answers=map(_encode_answer, answers))


def decode_answers(
    message: peer_pb2.ClaimReply, asked: int
) -> tuple[bytes, tuple[Answer, ...]]:
    """Return the boot id of the arbiter, and its answers to ``asked`` items."""
    exactly("boot_id", message.boot_id, limits.BOOT_ID_BYTES)
    if len(message.answers) != asked:
        raise WireError("an answer to another number of items")
    return message.boot_id, tuple(map(_decode_answer, message.answers))


# ---- RenewClaims


def encode_renewal(
    boot_id: bytes, leases: Iterable[Lease]
) -> peer_pb2.RenewClaimsRequest:
    """Return the request of a process to prolong its leases."""
    return peer_pb2.RenewClaimsRequest(
        boot_id=boot_id,
        leases=[
            peer_pb2.ClaimLease(
                key=lease.key,
                arbiter=lease.arbiter,
                arbiter_boot_id=lease.boot_id,
                token=lease.token,
                age_ms=_ms(lease.age_ms),
                estimate_ms=_ms(lease.estimate_ms),
            )
            for lease in leases
        ],
    )


def decode_renewal(
    message: peer_pb2.RenewClaimsRequest,
) -> tuple[bytes, tuple[Lease, ...]]:
    """Return the boot id of the caller, and its leases."""
    exactly("boot_id", message.boot_id, limits.BOOT_ID_BYTES)
    few("leases", message.leases, limits.CLAIM_LEASES)
    return message.boot_id, tuple(map(_decode_lease, message.leases))


def encode_lost(lost: Iterable[bytes]) -> peer_pb2.RenewClaimsReply:
    """Return the reply that names the leases which others hold."""
    return peer_pb2.RenewClaimsReply(lost=b"".join(lost))


def decode_lost(
    message: peer_pb2.RenewClaimsReply, leases: Sequence[Lease]
) -> list[bytes]:
    """Return which of the ``leases`` that were to be prolonged others hold."""
    lost = split("lost", message.lost, limits.KEY_BYTES, len(leases))
    if not set(lost) <= {lease.key for lease in leases}:
        raise WireError("leases lost that nobody has")
    return lost


# ---- ReleaseClaims


def encode_release(
    boot_id: bytes, released: Iterable[Released]
) -> peer_pb2.ReleaseClaimsRequest:
    """Return the request of a process to end leases."""
    return peer_pb2.ReleaseClaimsRequest(
        boot_id=boot_id,
        released=[
            peer_pb2.ReleasedClaim(
                key=each.key,
                arbiter_boot_id=each.boot_id,
                token=each.token,
                is_done=each.is_done,
                has_failed=each.has_failed,
            )
            for each in released
        ],
    )


def decode_release(
    message: peer_pb2.ReleaseClaimsRequest,
) -> tuple[bytes, tuple[Released, ...]]:
    """Return the boot id of the caller, and which leases end."""
    exactly("boot_id", message.boot_id, limits.BOOT_ID_BYTES)
    few("releases", message.released, limits.CLAIM_LEASES)
    return message.boot_id, tuple(map(_decode_released, message.released))


# ---- parts


def _encode_answer(answer: Answer) -> peer_pb2.ClaimAnswer:
    match answer:
        case Grant():
            grant = peer_pb2.Grant(
                token=answer.token,
                ttl_ms=_between(1, answer.ttl_ms, limits.CLAIM_TTL_MS),
                is_hedge=answer.is_hedge,
            )
            return peer_pb2.ClaimAnswer(grant=grant)
        case HeldBy():
            held = peer_pb2.Held(
                holder=answer.holder,
                age_ms=_ms(answer.age_ms),
                left_ms=_ms(answer.left_ms),
                retry_ms=_between(1, answer.retry_ms, limits.CLAIM_RETRY_MS),
            )
            return peer_pb2.ClaimAnswer(held=held)
        case DoneAt():
            return peer_pb2.ClaimAnswer(done=peer_pb2.Done(node_id=answer.node_id))
        case Better():
            better = peer_pb2.Better(node_id=answer.node_id)
            return peer_pb2.ClaimAnswer(better=better)
        case Unclaimed():
            return peer_pb2.ClaimAnswer(unclaimed=peer_pb2.Unclaimed())


def _decode_answer(message: peer_pb2.ClaimAnswer) -> Answer:
    match message.WhichOneof("what"):
        case "grant":
            grant = message.grant
            at_least("ttl_ms", grant.ttl_ms, 1)
            at_most("ttl_ms", grant.ttl_ms, limits.CLAIM_TTL_MS)
            return Grant(grant.token, grant.ttl_ms, grant.is_hedge)
        case "held":
            held = message.held
            node_id("holder", held.holder)
            at_least("retry_ms", held.retry_ms, 1)
            at_most("retry_ms", held.retry_ms, limits.CLAIM_RETRY_MS)
            return HeldBy(held.holder, held.age_ms, held.left_ms, held.retry_ms)
        case "done":
            node_id("node_id", message.done.node_id)
            return DoneAt(message.done.node_id)
        case "better":
            node_id("node_id", message.better.node_id)
            return Better(message.better.node_id)
        case "unclaimed":
            return Unclaimed()
    raise WireError("an answer that says nothing known")


def _decode_item(message: peer_pb2.ClaimItem) -> Item:
    exactly("key", message.key, limits.KEY_BYTES)
    return Item(
        message.key,
        message.estimate_ms,
        message.is_hedge,
        message.is_missing,
        message.is_insisting,
    )


def _decode_lease(message: peer_pb2.ClaimLease) -> Lease:
    exactly("key", message.key, limits.KEY_BYTES)
    if message.arbiter:
        node_id("arbiter", message.arbiter)
    empty_or("arbiter_boot_id", message.arbiter_boot_id, limits.BOOT_ID_BYTES)
    return Lease(
        message.key,
        message.arbiter,
        message.arbiter_boot_id,
        message.token,
        message.age_ms,
        message.estimate_ms,
    )


def _decode_released(message: peer_pb2.ReleasedClaim) -> Released:
    exactly("key", message.key, limits.KEY_BYTES)
    empty_or("arbiter_boot_id", message.arbiter_boot_id, limits.BOOT_ID_BYTES)
    if message.is_done and message.has_failed:
        raise WireError("a node that is done and has failed")
    return Released(
        message.key,
        message.arbiter_boot_id,
        message.token,
        message.is_done,
        message.has_failed,
    )


def _ms(value: int) -> int:
    return _between(0, value, _MOST_MS)


def _between(least: int, value: int, most: int) -> int:
    return min(max(value, least), most)
