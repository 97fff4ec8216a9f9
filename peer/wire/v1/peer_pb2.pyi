from peer.wire.v1 import records_pb2 as _records_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Codec(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IDENTITY: _ClassVar[Codec]
    ZSTD: _ClassVar[Codec]
IDENTITY: Codec
ZSTD: Codec

class HelloRequest(_message.Message):
    __slots__ = ("protocol", "boot_id", "name", "version", "libraries", "inventory", "statements_digest", "epoch", "addresses", "is_sponsor")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LIBRARIES_FIELD_NUMBER: _ClassVar[int]
    INVENTORY_FIELD_NUMBER: _ClassVar[int]
    STATEMENTS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    IS_SPONSOR_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    boot_id: bytes
    name: str
    version: str
    libraries: _containers.RepeatedScalarFieldContainer[str]
    inventory: InventoryState
    statements_digest: bytes
    epoch: int
    addresses: _containers.RepeatedScalarFieldContainer[str]
    is_sponsor: bool
    def __init__(self, protocol: _Optional[int] = ..., boot_id: _Optional[bytes] = ..., name: _Optional[str] = ..., version: _Optional[str] = ..., libraries: _Optional[_Iterable[str]] = ..., inventory: _Optional[_Union[InventoryState, _Mapping]] = ..., statements_digest: _Optional[bytes] = ..., epoch: _Optional[int] = ..., addresses: _Optional[_Iterable[str]] = ..., is_sponsor: _Optional[bool] = ...) -> None: ...

class HelloReply(_message.Message):
    __slots__ = ("me", "referrals", "newer_keys")
    ME_FIELD_NUMBER: _ClassVar[int]
    REFERRALS_FIELD_NUMBER: _ClassVar[int]
    NEWER_KEYS_FIELD_NUMBER: _ClassVar[int]
    me: HelloRequest
    referrals: _containers.RepeatedCompositeFieldContainer[Referral]
    newer_keys: _containers.RepeatedCompositeFieldContainer[RealmKey]
    def __init__(self, me: _Optional[_Union[HelloRequest, _Mapping]] = ..., referrals: _Optional[_Iterable[_Union[Referral, _Mapping]]] = ..., newer_keys: _Optional[_Iterable[_Union[RealmKey, _Mapping]]] = ...) -> None: ...

class Referral(_message.Message):
    __slots__ = ("node_id", "addresses")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    addresses: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, node_id: _Optional[str] = ..., addresses: _Optional[_Iterable[str]] = ...) -> None: ...

class RealmKey(_message.Message):
    __slots__ = ("epoch", "secret")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    secret: bytes
    def __init__(self, epoch: _Optional[int] = ..., secret: _Optional[bytes] = ...) -> None: ...

class InventoryState(_message.Message):
    __slots__ = ("id", "sequence", "count")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    sequence: int
    count: int
    def __init__(self, id: _Optional[bytes] = ..., sequence: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class SyncRequest(_message.Message):
    __slots__ = ("have",)
    HAVE_FIELD_NUMBER: _ClassVar[int]
    have: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, have: _Optional[_Iterable[bytes]] = ...) -> None: ...

class SyncReply(_message.Message):
    __slots__ = ("statements",)
    STATEMENTS_FIELD_NUMBER: _ClassVar[int]
    statements: _containers.RepeatedCompositeFieldContainer[_records_pb2.SignedStatement]
    def __init__(self, statements: _Optional[_Iterable[_Union[_records_pb2.SignedStatement, _Mapping]]] = ...) -> None: ...

class LocateRequest(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: bytes
    def __init__(self, keys: _Optional[bytes] = ...) -> None: ...

class LocateReply(_message.Message):
    __slots__ = ("present", "sizes", "costs_ms")
    PRESENT_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    COSTS_MS_FIELD_NUMBER: _ClassVar[int]
    present: bytes
    sizes: _containers.RepeatedScalarFieldContainer[int]
    costs_ms: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, present: _Optional[bytes] = ..., sizes: _Optional[_Iterable[int]] = ..., costs_ms: _Optional[_Iterable[int]] = ...) -> None: ...

class RecordsRequest(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: bytes
    def __init__(self, keys: _Optional[bytes] = ...) -> None: ...

class RecordsReply(_message.Message):
    __slots__ = ("records", "chains")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    CHAINS_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[Attested]
    chains: _containers.RepeatedCompositeFieldContainer[Chain]
    def __init__(self, records: _Optional[_Iterable[_Union[Attested, _Mapping]]] = ..., chains: _Optional[_Iterable[_Union[Chain, _Mapping]]] = ...) -> None: ...

class Attested(_message.Message):
    __slots__ = ("record", "inline")
    RECORD_FIELD_NUMBER: _ClassVar[int]
    INLINE_FIELD_NUMBER: _ClassVar[int]
    record: _records_pb2.SignedRecord
    inline: bytes
    def __init__(self, record: _Optional[_Union[_records_pb2.SignedRecord, _Mapping]] = ..., inline: _Optional[bytes] = ...) -> None: ...

class Chain(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, certificates: _Optional[_Iterable[bytes]] = ...) -> None: ...

class FetchRequest(_message.Message):
    __slots__ = ("key", "digest", "want_manifest", "chunks", "accept")
    KEY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    WANT_MANIFEST_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    digest: bytes
    want_manifest: bool
    chunks: _containers.RepeatedCompositeFieldContainer[Range]
    accept: _containers.RepeatedScalarFieldContainer[Codec]
    def __init__(self, key: _Optional[bytes] = ..., digest: _Optional[bytes] = ..., want_manifest: _Optional[bool] = ..., chunks: _Optional[_Iterable[_Union[Range, _Mapping]]] = ..., accept: _Optional[_Iterable[_Union[Codec, str]]] = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ("first", "count")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    first: int
    count: int
    def __init__(self, first: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class FetchHeader(_message.Message):
    __slots__ = ("manifest", "codec")
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    manifest: bytes
    codec: Codec
    def __init__(self, manifest: _Optional[bytes] = ..., codec: _Optional[_Union[Codec, str]] = ...) -> None: ...

class InventoryRequest(_message.Message):
    __slots__ = ("have",)
    HAVE_FIELD_NUMBER: _ClassVar[int]
    have: InventoryState
    def __init__(self, have: _Optional[_Union[InventoryState, _Mapping]] = ...) -> None: ...

class InventoryPart(_message.Message):
    __slots__ = ("state", "added", "removed", "block")
    STATE_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    state: InventoryState
    added: bytes
    removed: bytes
    block: FilterBlock
    def __init__(self, state: _Optional[_Union[InventoryState, _Mapping]] = ..., added: _Optional[bytes] = ..., removed: _Optional[bytes] = ..., block: _Optional[_Union[FilterBlock, _Mapping]] = ...) -> None: ...

class FilterBlock(_message.Message):
    __slots__ = ("index", "blocks", "items", "p", "set")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    P_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    index: int
    blocks: int
    items: int
    p: int
    set: bytes
    def __init__(self, index: _Optional[int] = ..., blocks: _Optional[int] = ..., items: _Optional[int] = ..., p: _Optional[int] = ..., set: _Optional[bytes] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("have", "statements_digest", "epoch", "timeout_ms")
    HAVE_FIELD_NUMBER: _ClassVar[int]
    STATEMENTS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    have: InventoryState
    statements_digest: bytes
    epoch: int
    timeout_ms: int
    def __init__(self, have: _Optional[_Union[InventoryState, _Mapping]] = ..., statements_digest: _Optional[bytes] = ..., epoch: _Optional[int] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class WatchReply(_message.Message):
    __slots__ = ("inventory", "statements_digest", "epoch")
    INVENTORY_FIELD_NUMBER: _ClassVar[int]
    STATEMENTS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    inventory: InventoryPart
    statements_digest: bytes
    epoch: int
    def __init__(self, inventory: _Optional[_Union[InventoryPart, _Mapping]] = ..., statements_digest: _Optional[bytes] = ..., epoch: _Optional[int] = ...) -> None: ...

class RenewRequest(_message.Message):
    __slots__ = ("csr",)
    CSR_FIELD_NUMBER: _ClassVar[int]
    csr: bytes
    def __init__(self, csr: _Optional[bytes] = ...) -> None: ...

class RenewReply(_message.Message):
    __slots__ = ("chain",)
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    chain: Chain
    def __init__(self, chain: _Optional[_Union[Chain, _Mapping]] = ...) -> None: ...

class ClaimRequest(_message.Message):
    __slots__ = ("boot_id", "items")
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    boot_id: bytes
    items: _containers.RepeatedCompositeFieldContainer[ClaimItem]
    def __init__(self, boot_id: _Optional[bytes] = ..., items: _Optional[_Iterable[_Union[ClaimItem, _Mapping]]] = ...) -> None: ...

class ClaimItem(_message.Message):
    __slots__ = ("key", "estimate_ms", "is_hedge", "is_missing", "is_insisting")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ESTIMATE_MS_FIELD_NUMBER: _ClassVar[int]
    IS_HEDGE_FIELD_NUMBER: _ClassVar[int]
    IS_MISSING_FIELD_NUMBER: _ClassVar[int]
    IS_INSISTING_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    estimate_ms: int
    is_hedge: bool
    is_missing: bool
    is_insisting: bool
    def __init__(self, key: _Optional[bytes] = ..., estimate_ms: _Optional[int] = ..., is_hedge: _Optional[bool] = ..., is_missing: _Optional[bool] = ..., is_insisting: _Optional[bool] = ...) -> None: ...

class ClaimReply(_message.Message):
    __slots__ = ("boot_id", "answers")
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    boot_id: bytes
    answers: _containers.RepeatedCompositeFieldContainer[ClaimAnswer]
    def __init__(self, boot_id: _Optional[bytes] = ..., answers: _Optional[_Iterable[_Union[ClaimAnswer, _Mapping]]] = ...) -> None: ...

class ClaimAnswer(_message.Message):
    __slots__ = ("grant", "held", "done", "better", "unclaimed")
    GRANT_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    BETTER_FIELD_NUMBER: _ClassVar[int]
    UNCLAIMED_FIELD_NUMBER: _ClassVar[int]
    grant: Grant
    held: Held
    done: Done
    better: Better
    unclaimed: Unclaimed
    def __init__(self, grant: _Optional[_Union[Grant, _Mapping]] = ..., held: _Optional[_Union[Held, _Mapping]] = ..., done: _Optional[_Union[Done, _Mapping]] = ..., better: _Optional[_Union[Better, _Mapping]] = ..., unclaimed: _Optional[_Union[Unclaimed, _Mapping]] = ...) -> None: ...

class Grant(_message.Message):
    __slots__ = ("token", "ttl_ms", "is_hedge")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    IS_HEDGE_FIELD_NUMBER: _ClassVar[int]
    token: int
    ttl_ms: int
    is_hedge: bool
    def __init__(self, token: _Optional[int] = ..., ttl_ms: _Optional[int] = ..., is_hedge: _Optional[bool] = ...) -> None: ...

class Held(_message.Message):
    __slots__ = ("holder", "age_ms", "left_ms", "retry_ms")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    AGE_MS_FIELD_NUMBER: _ClassVar[int]
    LEFT_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_MS_FIELD_NUMBER: _ClassVar[int]
    holder: str
    age_ms: int
    left_ms: int
    retry_ms: int
    def __init__(self, holder: _Optional[str] = ..., age_ms: _Optional[int] = ..., left_ms: _Optional[int] = ..., retry_ms: _Optional[int] = ...) -> None: ...

class Done(_message.Message):
    __slots__ = ("node_id",)
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    def __init__(self, node_id: _Optional[str] = ...) -> None: ...

class Better(_message.Message):
    __slots__ = ("node_id",)
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    def __init__(self, node_id: _Optional[str] = ...) -> None: ...

class Unclaimed(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RenewClaimsRequest(_message.Message):
    __slots__ = ("boot_id", "leases")
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    boot_id: bytes
    leases: _containers.RepeatedCompositeFieldContainer[ClaimLease]
    def __init__(self, boot_id: _Optional[bytes] = ..., leases: _Optional[_Iterable[_Union[ClaimLease, _Mapping]]] = ...) -> None: ...

class ClaimLease(_message.Message):
    __slots__ = ("key", "arbiter", "arbiter_boot_id", "token", "age_ms", "estimate_ms")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ARBITER_FIELD_NUMBER: _ClassVar[int]
    ARBITER_BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    AGE_MS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATE_MS_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    arbiter: str
    arbiter_boot_id: bytes
    token: int
    age_ms: int
    estimate_ms: int
    def __init__(self, key: _Optional[bytes] = ..., arbiter: _Optional[str] = ..., arbiter_boot_id: _Optional[bytes] = ..., token: _Optional[int] = ..., age_ms: _Optional[int] = ..., estimate_ms: _Optional[int] = ...) -> None: ...

class RenewClaimsReply(_message.Message):
    __slots__ = ("lost",)
    LOST_FIELD_NUMBER: _ClassVar[int]
    lost: bytes
    def __init__(self, lost: _Optional[bytes] = ...) -> None: ...

class ReleaseClaimsRequest(_message.Message):
    __slots__ = ("boot_id", "released")
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    boot_id: bytes
    released: _containers.RepeatedCompositeFieldContainer[ReleasedClaim]
    def __init__(self, boot_id: _Optional[bytes] = ..., released: _Optional[_Iterable[_Union[ReleasedClaim, _Mapping]]] = ...) -> None: ...

class ReleasedClaim(_message.Message):
    __slots__ = ("key", "arbiter_boot_id", "token", "is_done", "has_failed")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ARBITER_BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    IS_DONE_FIELD_NUMBER: _ClassVar[int]
    HAS_FAILED_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    arbiter_boot_id: bytes
    token: int
    is_done: bool
    has_failed: bool
    def __init__(self, key: _Optional[bytes] = ..., arbiter_boot_id: _Optional[bytes] = ..., token: _Optional[int] = ..., is_done: _Optional[bool] = ..., has_failed: _Optional[bool] = ...) -> None: ...

class ReleaseClaimsReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
