from peer.wire.v1 import peer_pb2 as _peer_pb2
from peer.wire.v1 import records_pb2 as _records_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EnrolBegin(_message.Message):
    __slots__ = ("token_id",)
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    token_id: bytes
    def __init__(self, token_id: _Optional[bytes] = ...) -> None: ...

class EnrolChallenge(_message.Message):
    __slots__ = ("nonce",)
    NONCE_FIELD_NUMBER: _ClassVar[int]
    nonce: bytes
    def __init__(self, nonce: _Optional[bytes] = ...) -> None: ...

class EnrolFinish(_message.Message):
    __slots__ = ("token_id", "nonce", "csr", "sign_key", "proof", "sponsor_csr", "name")
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    CSR_FIELD_NUMBER: _ClassVar[int]
    SIGN_KEY_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    SPONSOR_CSR_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    token_id: bytes
    nonce: bytes
    csr: bytes
    sign_key: bytes
    proof: bytes
    sponsor_csr: bytes
    name: str
    def __init__(self, token_id: _Optional[bytes] = ..., nonce: _Optional[bytes] = ..., csr: _Optional[bytes] = ..., sign_key: _Optional[bytes] = ..., proof: _Optional[bytes] = ..., sponsor_csr: _Optional[bytes] = ..., name: _Optional[str] = ...) -> None: ...

class EnrolReply(_message.Message):
    __slots__ = ("chain", "root", "realm_id", "keys", "statements", "members", "sponsor_certificate")
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    REALM_ID_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    STATEMENTS_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    SPONSOR_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    chain: _peer_pb2.Chain
    root: bytes
    realm_id: bytes
    keys: _containers.RepeatedCompositeFieldContainer[_peer_pb2.RealmKey]
    statements: _containers.RepeatedCompositeFieldContainer[_records_pb2.SignedStatement]
    members: _containers.RepeatedCompositeFieldContainer[_peer_pb2.Referral]
    sponsor_certificate: bytes
    def __init__(self, chain: _Optional[_Union[_peer_pb2.Chain, _Mapping]] = ..., root: _Optional[bytes] = ..., realm_id: _Optional[bytes] = ..., keys: _Optional[_Iterable[_Union[_peer_pb2.RealmKey, _Mapping]]] = ..., statements: _Optional[_Iterable[_Union[_records_pb2.SignedStatement, _Mapping]]] = ..., members: _Optional[_Iterable[_Union[_peer_pb2.Referral, _Mapping]]] = ..., sponsor_certificate: _Optional[bytes] = ...) -> None: ...
