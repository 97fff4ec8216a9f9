"""Checks of ``peer.proto``: messages become values that can be relied upon.

Every function raises :class:`WireError` for a message that breaks a promise of the
definition, and does so before anything of the message's size is allocated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from peer.wire.v1 import peer_pb2
from store import Digest, NodeKey

from . import limits
from .errors import WireError
from .fields import addresses, at_most, empty_or, exactly, few, node_id, split, text
from .record_checks import chain_of, signed_record, signed_statement


@dataclass(frozen=True, slots=True)
class FetchQuestion:
    """What a FetchRequest asks for.

    Attributes:
        key: node of the record through which the artifact is shared.
        digest: the artifact.
        want_manifest: whether the header is to hold the manifest.
        chunks: what is wanted, ascending and apart; none means all.
        accepts_zstd: whether the caller can undo Zstandard.
    """

    key: NodeKey
    digest: Digest
    want_manifest: bool
    chunks: tuple[range, ...]
    accepts_zstd: bool


def hello_request(message: peer_pb2.HelloRequest) -> None:
    """Check what somebody says about itself.

    Of who speaks another protocol only what people read is checked.
    """
    text("name", message.name, limits.NAME_CHARACTERS)
    text("version", message.version, limits.VERSION_CHARACTERS)
    if message.protocol != limits.PROTOCOL:
        return
    exactly("boot_id", message.boot_id, limits.BOOT_ID_BYTES)
    few("libraries", message.libraries, limits.HELLO_LIBRARIES)
    for library in message.libraries:
        text("library", library, limits.LIBRARY_CHARACTERS)
    inventory_state(message.inventory)
    exactly("statements_digest", message.statements_digest, limits.DIGEST_BYTES)
    addresses("addresses", message.addresses, limits.HELLO_ADDRESSES)


def hello_reply(message: peer_pb2.HelloReply) -> None:
    """Check an answer to Hello."""
    hello_request(message.me)
    referrals(message.referrals, limits.REFERRALS)
    realm_keys(message.newer_keys, limits.NEWER_KEYS)


def referrals(values: Sequence[peer_pb2.Referral], limit: int) -> None:
    """Check where others are said to be."""
    few("referrals", values, limit)
    for referral in values:
        node_id("referral", referral.node_id)
        addresses("referral", referral.addresses, limits.REFERRAL_ADDRESSES)


def realm_keys(values: Sequence[peer_pb2.RealmKey], limit: int) -> None:
    """Check keys of the realm."""
    few("realm keys", values, limit)
    for key in values:
        exactly("secret", key.secret, limits.SECRET_BYTES)


def sync_request(message: peer_pb2.SyncRequest) -> list[bytes]:
    """Return the digests of the statements that the caller has."""
    few("statements had", message.have, limits.SYNC_HAVE)
    for digest in message.have:
        exactly("have", digest, limits.DIGEST_BYTES)
    return list(message.have)


def sync_reply(message: peer_pb2.SyncReply) -> None:
    """Check an answer to Sync."""
    few("statements", message.statements, limits.SYNC_STATEMENTS)
    for statement in message.statements:
        signed_statement(statement)


def locate_request(message: peer_pb2.LocateRequest) -> list[NodeKey]:
    """Return the keys that are asked for."""
    return _keys(message.keys, limits.LOCATE_KEYS)


def records_request(message: peer_pb2.RecordsRequest) -> list[NodeKey]:
    """Return the keys that are asked for."""
    return _keys(message.keys, limits.RECORDS_KEYS)


def records_reply(message: peer_pb2.RecordsReply, asked: int) -> None:
    """Check an answer to Records for ``asked`` keys."""
    few("records", message.records, asked)
    few("chains", message.chains, asked)
    inline = 0
    for attested in message.records:
        signed_record(attested.record)
        at_most("length of inline bytes", len(attested.inline), limits.INLINE_BYTES)
        inline += len(attested.inline)
    at_most("length of all inline bytes", inline, limits.INLINE_REPLY_BYTES)
    for chain in message.chains:
        chain_of(chain)


def fetch_request(message: peer_pb2.FetchRequest) -> FetchQuestion:
    """Return what is asked for."""
    exactly("key", message.key, limits.KEY_BYTES)
    exactly("digest", message.digest, limits.DIGEST_BYTES)
    few("codecs", message.accept, limits.FETCH_CODECS)
    return FetchQuestion(
        NodeKey(message.key),
        Digest(message.digest),
        message.want_manifest,
        _ranges(message.chunks),
        peer_pb2.ZSTD in message.accept,
    )


def fetch_header(message: peer_pb2.FetchHeader, want_manifest: bool) -> None:
    """Check the first message of a Fetch."""
    at_most("length of the manifest", len(message.manifest), limits.MANIFEST_BYTES)
    if bool(message.manifest) != want_manifest:
        raise WireError("a manifest where none was wanted, or none where one was")
    if message.codec not in (peer_pb2.IDENTITY, peer_pb2.ZSTD):
        raise WireError("a codec that nobody asked for")


def inventory_request(message: peer_pb2.InventoryRequest) -> peer_pb2.InventoryState:
    """Return what the caller has; its id is empty for nothing."""
    inventory_state(message.have)
    return message.have


def inventory_state(message: peer_pb2.InventoryState) -> None:
    """Check the state of an inventory, which may be that of none."""
    empty_or("inventory id", message.id, limits.INVENTORY_ID_BYTES)


def inventory_part(message: peer_pb2.InventoryPart) -> None:
    """Check one part of an inventory; the filter's set is checked by its decoder."""
    inventory_state(message.state)
    for name in ("added", "removed"):
        ids = getattr(message, name)
        at_most(f"length of {name}", len(ids), 8 * limits.INVENTORY_IDS)
        if len(ids) % limits.SHORT_KEY_BYTES:
            raise WireError(f"{name} has {len(ids)} bytes, not a multiple of 8")
    if message.HasField("block"):
        _filter_block(message.block)


def watch_request(message: peer_pb2.WatchRequest) -> None:
    """Check a request to wait."""
    inventory_state(message.have)
    empty_or("statements_digest", message.statements_digest, limits.DIGEST_BYTES)
    at_most("timeout_ms", message.timeout_ms, limits.WATCH_TIMEOUT_MS)


def watch_reply(message: peer_pb2.WatchReply) -> None:
    """Check what changed."""
    inventory_part(message.inventory)
    exactly("statements_digest", message.statements_digest, limits.DIGEST_BYTES)


def renew_request(message: peer_pb2.RenewRequest) -> bytes:
    """Return the certificate signing request."""
    return csr("csr", message.csr)


def renew_reply(message: peer_pb2.RenewReply) -> tuple[bytes, ...]:
    """Return the new chain."""
    return chain_of(message.chain)


def csr(name: str, value: bytes) -> bytes:
    """Return a certificate signing request of a fair length."""
    if not value:
        raise WireError(f"{name} is missing")
    at_most(f"length of {name}", len(value), limits.CSR_BYTES)
    return value


def _keys(value: bytes, limit: int) -> list[NodeKey]:
    return split("keys", value, limits.KEY_BYTES, limit)  # type: ignore[return-value]


def _ranges(values: Sequence[peer_pb2.Range]) -> tuple[range, ...]:
    few("ranges of chunks", values, limits.FETCH_RANGES)
    ranges = tuple(range(each.first, each.first + each.count) for each in values)
    end = 0
    for chunks in ranges:
        if not chunks or chunks.start < end:
            raise WireError("ranges of chunks are not ascending, or empty")
        end = chunks.stop
    at_most("last chunk", end, limits.ARTIFACT_BYTES // limits.CHUNK_BYTES)
    return ranges


def _filter_block(message: peer_pb2.FilterBlock) -> None:
    at_most("blocks", message.blocks, limits.FILTER_BLOCKS)
    if message.index >= message.blocks:
        raise WireError("a block beyond the last one")
    at_most("items of a block", message.items, limits.FILTER_ITEMS)
    at_most("Golomb parameter", message.p, limits.FILTER_P)
    at_most("length of a set", len(message.set), limits.FILTER_BYTES)
