from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Record(_message.Message):
    __slots__ = ("realm_id", "key", "digest", "size_bytes", "kind", "environment", "cost_us", "subtree_us", "children", "signer", "sequence", "reveals_input", "signed_s", "operation", "relies_on")
    REALM_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    COST_US_FIELD_NUMBER: _ClassVar[int]
    SUBTREE_US_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    SIGNER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REVEALS_INPUT_FIELD_NUMBER: _ClassVar[int]
    SIGNED_S_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    RELIES_ON_FIELD_NUMBER: _ClassVar[int]
    realm_id: bytes
    key: bytes
    digest: bytes
    size_bytes: int
    kind: str
    environment: str
    cost_us: int
    subtree_us: int
    children: _containers.RepeatedScalarFieldContainer[bytes]
    signer: str
    sequence: int
    reveals_input: bool
    signed_s: int
    operation: str
    relies_on: _containers.RepeatedCompositeFieldContainer[Reliance]
    def __init__(self, realm_id: _Optional[bytes] = ..., key: _Optional[bytes] = ..., digest: _Optional[bytes] = ..., size_bytes: _Optional[int] = ..., kind: _Optional[str] = ..., environment: _Optional[str] = ..., cost_us: _Optional[int] = ..., subtree_us: _Optional[int] = ..., children: _Optional[_Iterable[bytes]] = ..., signer: _Optional[str] = ..., sequence: _Optional[int] = ..., reveals_input: _Optional[bool] = ..., signed_s: _Optional[int] = ..., operation: _Optional[str] = ..., relies_on: _Optional[_Iterable[_Union[Reliance, _Mapping]]] = ...) -> None: ...

class Reliance(_message.Message):
    __slots__ = ("signer", "sequence")
    SIGNER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    signer: str
    sequence: int
    def __init__(self, signer: _Optional[str] = ..., sequence: _Optional[int] = ...) -> None: ...

class SignedRecord(_message.Message):
    __slots__ = ("record", "signature")
    RECORD_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    record: bytes
    signature: bytes
    def __init__(self, record: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class Statement(_message.Message):
    __slots__ = ("realm_id", "issuer", "issued_s", "revocation", "forget", "dispute", "unshareable")
    REALM_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    ISSUED_S_FIELD_NUMBER: _ClassVar[int]
    REVOCATION_FIELD_NUMBER: _ClassVar[int]
    FORGET_FIELD_NUMBER: _ClassVar[int]
    DISPUTE_FIELD_NUMBER: _ClassVar[int]
    UNSHAREABLE_FIELD_NUMBER: _ClassVar[int]
    realm_id: bytes
    issuer: str
    issued_s: int
    revocation: Revocation
    forget: Forget
    dispute: Dispute
    unshareable: Unshareable
    def __init__(self, realm_id: _Optional[bytes] = ..., issuer: _Optional[str] = ..., issued_s: _Optional[int] = ..., revocation: _Optional[_Union[Revocation, _Mapping]] = ..., forget: _Optional[_Union[Forget, _Mapping]] = ..., dispute: _Optional[_Union[Dispute, _Mapping]] = ..., unshareable: _Optional[_Union[Unshareable, _Mapping]] = ...) -> None: ...

class Revocation(_message.Message):
    __slots__ = ("node_id", "from_sequence", "remaining")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    from_sequence: int
    remaining: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, node_id: _Optional[str] = ..., from_sequence: _Optional[int] = ..., remaining: _Optional[_Iterable[str]] = ...) -> None: ...

class Forget(_message.Message):
    __slots__ = ("keyed_ids",)
    KEYED_IDS_FIELD_NUMBER: _ClassVar[int]
    keyed_ids: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, keyed_ids: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Dispute(_message.Message):
    __slots__ = ("key", "theirs", "mine", "certificates")
    KEY_FIELD_NUMBER: _ClassVar[int]
    THEIRS_FIELD_NUMBER: _ClassVar[int]
    MINE_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    theirs: SignedRecord
    mine: SignedRecord
    certificates: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, key: _Optional[bytes] = ..., theirs: _Optional[_Union[SignedRecord, _Mapping]] = ..., mine: _Optional[_Union[SignedRecord, _Mapping]] = ..., certificates: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Unshareable(_message.Message):
    __slots__ = ("operation", "environment")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    operation: str
    environment: str
    def __init__(self, operation: _Optional[str] = ..., environment: _Optional[str] = ...) -> None: ...

class SignedStatement(_message.Message):
    __slots__ = ("statement", "signature", "certificates")
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    statement: bytes
    signature: bytes
    certificates: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, statement: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., certificates: _Optional[_Iterable[bytes]] = ...) -> None: ...
