"""Messages that keep the contract pass; every promise that is broken is noticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from peer.wire import WireError, checks, enrol_checks, limits, record_checks
from peer.wire.fields import parse
from peer.wire.v1 import enrol_pb2, peer_pb2, records_pb2

NODE = "abcdefgh234567aa"
B32 = bytes(32)

Check = Callable[[Any], object]


def hello(**changes: Any) -> peer_pb2.HelloRequest:
    """Return a greeting that keeps the contract, but for what is changed."""
    fields: dict[str, Any] = {
        "protocol": 1,
        "boot_id": bytes(16),
        "name": "läb 7",
        "version": "0.1.0",
        "libraries": ["SimpleITK 2.5.0"],
        "statements_digest": B32,
        "addresses": ["10.0.0.7:47800", "[fd00::7]:1", "lab-7.local:65535"],
    }
    return peer_pb2.HelloRequest(**{**fields, **changes})


def block(**changes: Any) -> peer_pb2.InventoryPart:
    """Return a part of an inventory with a filter, but for what is changed."""
    fields = {"index": 0, "blocks": 1, "items": 5, "p": 12, "set": b"123"}
    return peer_pb2.InventoryPart(block=peer_pb2.FilterBlock(**{**fields, **changes}))


def finish(**changes: Any) -> enrol_pb2.EnrolFinish:
    """Return the end of an enrolment, but for what is changed."""
    fields: dict[str, Any] = {
        "token_id": bytes(5),
        "nonce": B32,
        "csr": b"a request",
        "sign_key": B32,
        "proof": B32,
        "name": "lab",
    }
    return enrol_pb2.EnrolFinish(**{**fields, **changes})


def welcome(**changes: Any) -> enrol_pb2.EnrolReply:
    """Return what a sponsor gives, but for what is changed."""
    fields: dict[str, Any] = {
        "chain": peer_pb2.Chain(certificates=[b"leaf", b"sponsor"]),
        "root": b"root",
        "realm_id": bytes(16),
        "keys": [peer_pb2.RealmKey(epoch=0, secret=B32)],
        "members": [peer_pb2.Referral(node_id=NODE, addresses=["10.0.0.7:47800"])],
    }
    return enrol_pb2.EnrolReply(**{**fields, **changes})


def signed(**changes: Any) -> records_pb2.SignedStatement:
    """Return a signed statement, but for what is changed."""
    fields: dict[str, Any] = {"statement": b"x", "signature": bytes(64)}
    return records_pb2.SignedStatement(**{**fields, **changes})


def attested(inline: bytes = b"", signature: bytes = bytes(64)) -> peer_pb2.Attested:
    """Return a record with its bytes."""
    record = records_pb2.SignedRecord(record=b"x", signature=signature)
    return peer_pb2.Attested(record=record, inline=inline)


def records(*values: peer_pb2.Attested, chains: int = 1) -> peer_pb2.RecordsReply:
    """Return an answer to Records."""
    chain = peer_pb2.Chain(certificates=[b"leaf"])
    return peer_pb2.RecordsReply(records=values, chains=[chain] * chains)


def reply(**changes: Any) -> peer_pb2.HelloReply:
    """Return an answer to Hello."""
    return peer_pb2.HelloReply(**{"me": hello(), **changes})


def asked(message: peer_pb2.RecordsReply) -> None:
    """Check an answer to a question for three keys."""
    checks.records_reply(message, 3)


def manifest_wanted(message: peer_pb2.FetchHeader) -> None:
    """Check a header that has to hold a manifest."""
    checks.fetch_header(message, True)


def fetch(*chunks: tuple[int, int], **changes: Any) -> peer_pb2.FetchRequest:
    """Return a request for chunks."""
    ranges = [peer_pb2.Range(first=first, count=count) for first, count in chunks]
    fields: dict[str, Any] = {"key": B32, "digest": B32, "chunks": ranges}
    return peer_pb2.FetchRequest(**{**fields, **changes})


STATE = peer_pb2.InventoryState(id=bytes(8), sequence=3)
BAD_STATE = peer_pb2.InventoryState(id=b"7 bytes")
REFERRAL = peer_pb2.Referral(node_id=NODE, addresses=["a:1"] * 4)

GOOD: list[tuple[Check, Message]] = [
    (checks.hello_request, hello()),
    (checks.hello_request, hello(protocol=2, boot_id=b"?", addresses=["?"])),
    (checks.hello_request, hello(inventory=STATE, addresses=[])),
    (checks.hello_reply, reply(referrals=[REFERRAL] * 32)),
    (checks.sync_request, peer_pb2.SyncRequest(have=[B32] * 16384)),
    (checks.sync_reply, peer_pb2.SyncReply(statements=[signed()] * 64)),
    (checks.locate_request, peer_pb2.LocateRequest(keys=bytes(32 * 1024))),
    (checks.records_request, peer_pb2.RecordsRequest(keys=bytes(32 * 256))),
    (asked, records(attested(bytes(4096)), attested(), attested(), chains=3)),
    (checks.fetch_request, fetch()),
    (checks.fetch_request, fetch((0, 1), (1, 5), (131070, 1), accept=[0, 1, 99])),
    (manifest_wanted, peer_pb2.FetchHeader(manifest=b"x", codec=peer_pb2.ZSTD)),
    (checks.inventory_part, block()),
    (checks.inventory_part, peer_pb2.InventoryPart(added=bytes(8 * 8192))),
    (checks.watch_request, peer_pb2.WatchRequest(have=STATE, timeout_ms=30_000)),
    (checks.watch_reply, peer_pb2.WatchReply(statements_digest=B32)),
    (checks.renew_request, peer_pb2.RenewRequest(csr=bytes(4096))),
    (enrol_checks.enrol_begin, enrol_pb2.EnrolBegin(token_id=bytes(5))),
    (enrol_checks.enrol_challenge, enrol_pb2.EnrolChallenge(nonce=B32)),
    (enrol_checks.enrol_finish, finish()),
    (enrol_checks.enrol_reply, welcome()),
]

BAD: list[tuple[Check, Message]] = [
    (checks.hello_request, hello(boot_id=bytes(15))),
    (checks.hello_request, hello(name="x" * 65)),
    (checks.hello_request, hello(name="red\x1b[31m")),
    (checks.hello_request, hello(protocol=2, name="two\nlines")),
    (checks.hello_request, hello(version="1" * 33)),
    (checks.hello_request, hello(libraries=["x"] * 17)),
    (checks.hello_request, hello(libraries=["x" * 65])),
    (checks.hello_request, hello(inventory=BAD_STATE)),
    (checks.hello_request, hello(statements_digest=b"")),
    (checks.hello_request, hello(addresses=["a:1"] * 9)),
    (checks.hello_request, hello(addresses=["a:0"])),
    (checks.hello_request, hello(addresses=["a:65536"])),
    (checks.hello_request, hello(addresses=["fd00::7:1"])),
    (checks.hello_request, hello(addresses=["http://a:1"])),
    (checks.hello_request, hello(addresses=["a" * 63 + ":1"])),
    (checks.hello_reply, reply(referrals=[REFERRAL] * 33)),
    (checks.hello_reply, reply(referrals=[peer_pb2.Referral(node_id="A" * 16)])),
    (checks.hello_reply, reply(newer_keys=[peer_pb2.RealmKey(secret=b"short")])),
    (checks.sync_request, peer_pb2.SyncRequest(have=[bytes(31)])),
    (checks.sync_request, peer_pb2.SyncRequest(have=[B32] * 16385)),
    (checks.sync_reply, peer_pb2.SyncReply(statements=[signed()] * 65)),
    (checks.sync_reply, peer_pb2.SyncReply(statements=[signed(signature=b"")])),
    (
        checks.sync_reply,
        peer_pb2.SyncReply(statements=[signed(certificates=[b"x"] * 4)]),
    ),
    (
        checks.sync_reply,
        peer_pb2.SyncReply(statements=[signed(certificates=[bytes(8193)])]),
    ),
    (checks.locate_request, peer_pb2.LocateRequest(keys=bytes(31))),
    (checks.locate_request, peer_pb2.LocateRequest(keys=bytes(32 * 1025))),
    (checks.records_request, peer_pb2.RecordsRequest(keys=bytes(32 * 257))),
    (asked, records(*[attested()] * 4)),
    (asked, records(attested(bytes(4097)))),
    (asked, records(attested(signature=bytes(63)))),
    (asked, records(chains=4)),
    (asked, peer_pb2.RecordsReply(chains=[peer_pb2.Chain()])),
    (checks.fetch_request, fetch(key=b"")),
    (checks.fetch_request, fetch(digest=bytes(33))),
    (checks.fetch_request, fetch((5, 0))),
    (checks.fetch_request, fetch((5, 2), (6, 1))),
    (checks.fetch_request, fetch((5, 1), (1, 1))),
    (checks.fetch_request, fetch((0, 131072))),
    (checks.fetch_request, fetch((2**32 - 1, 2**32 - 1))),
    (checks.fetch_request, fetch(*((at, 1) for at in range(4097)))),
    (checks.fetch_request, fetch(accept=[1] * 9)),
    (manifest_wanted, peer_pb2.FetchHeader()),
    (manifest_wanted, peer_pb2.FetchHeader(manifest=bytes(limits.MANIFEST_BYTES + 1))),
    (checks.inventory_part, block(index=1)),
    (checks.inventory_part, block(items=65537)),
    (checks.inventory_part, block(p=17)),
    (checks.inventory_part, block(set=bytes(192 * 1024 + 1))),
    (checks.inventory_part, block(blocks=65537)),
    (checks.inventory_part, peer_pb2.InventoryPart(added=bytes(8 * 8193))),
    (checks.inventory_part, peer_pb2.InventoryPart(removed=bytes(9))),
    (checks.inventory_part, peer_pb2.InventoryPart(state=BAD_STATE)),
    (checks.inventory_request, peer_pb2.InventoryRequest(have=BAD_STATE)),
    (checks.watch_request, peer_pb2.WatchRequest(timeout_ms=30_001)),
    (checks.watch_request, peer_pb2.WatchRequest(statements_digest=b"x")),
    (checks.watch_reply, peer_pb2.WatchReply()),
    (checks.renew_request, peer_pb2.RenewRequest()),
    (checks.renew_request, peer_pb2.RenewRequest(csr=bytes(4097))),
    (checks.renew_reply, peer_pb2.RenewReply()),
    (enrol_checks.enrol_begin, enrol_pb2.EnrolBegin(token_id=bytes(6))),
    (enrol_checks.enrol_challenge, enrol_pb2.EnrolChallenge()),
    (enrol_checks.enrol_finish, finish(token_id=b"")),
    (enrol_checks.enrol_finish, finish(nonce=b"")),
    (enrol_checks.enrol_finish, finish(csr=b"")),
    (enrol_checks.enrol_finish, finish(csr=bytes(4097))),
    (enrol_checks.enrol_finish, finish(sponsor_csr=bytes(4097))),
    (enrol_checks.enrol_finish, finish(sign_key=bytes(31))),
    (enrol_checks.enrol_finish, finish(proof=bytes(31))),
    (enrol_checks.enrol_finish, finish(name="x" * 65)),
    (enrol_checks.enrol_reply, welcome(chain=peer_pb2.Chain())),
    (enrol_checks.enrol_reply, welcome(root=b"")),
    (enrol_checks.enrol_reply, welcome(root=bytes(8193))),
    (enrol_checks.enrol_reply, welcome(realm_id=b"")),
    (enrol_checks.enrol_reply, welcome(keys=[peer_pb2.RealmKey(secret=B32)] * 65)),
    (enrol_checks.enrol_reply, welcome(members=[REFERRAL] * 33)),
    (enrol_checks.enrol_reply, welcome(statements=[signed(signature=b"")])),
    (enrol_checks.enrol_reply, welcome(sponsor_certificate=bytes(8193))),
]


@pytest.mark.parametrize(("check", "message"), GOOD)
def test_what_keeps_the_contract_passes(check: Check, message: Message) -> None:
    check(message)


@pytest.mark.parametrize(("check", "message"), BAD)
def test_what_breaks_the_contract_is_refused(check: Check, message: Message) -> None:
    with pytest.raises(WireError) as refused:
        check(message)
    assert str(refused.value) == refused.value.reason != ""


def test_keys_are_cut_in_their_order() -> None:
    keys = [bytes([number]) * 32 for number in range(9)]
    assert checks.locate_request(peer_pb2.LocateRequest(keys=b"".join(keys))) == keys


def test_a_question_is_understood() -> None:
    question = checks.fetch_request(fetch((1, 2), want_manifest=True, accept=[1]))
    assert (question.chunks, question.want_manifest) == ((range(1, 3),), True)
    assert question.accepts_zstd
    assert not checks.fetch_request(fetch()).accepts_zstd


OTHER = "b" * 16


def reliance(signer: str, sequence: int = 7) -> records_pb2.Reliance:
    """Return whom a record may rely on."""
    return records_pb2.Reliance(signer=signer, sequence=sequence)


def many_reliances(count: int) -> list[records_pb2.Reliance]:
    """Return so many, sorted."""
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    digits = "".join(sorted(letters))
    names = ["b" * 13 + "a" + digits[at // 32] + digits[at % 32] for at in range(count)]
    return [reliance(name, (1 << 63) - 1) for name in names]


def record(**changes: Any) -> bytes:
    """Return the bytes of a record, but for what is changed."""
    fields: dict[str, Any] = {
        "realm_id": bytes(16),
        "key": B32,
        "digest": B32,
        "kind": "mask",
        "signer": NODE,
        "size_bytes": limits.ARTIFACT_BYTES,
        "children": [B32] * 3,
    }
    return records_pb2.Record(**{**fields, **changes}).SerializeToString()


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"",
        record(realm_id=b""),
        record(key=bytes(31)),
        record(digest=bytes(33)),
        record(kind="x" * 33),
        record(kind="\0"),
        record(environment="x" * 1025),
        record(signer="me"),
        record(size_bytes=limits.ARTIFACT_BYTES + 1),
        record(children=[B32, b"short"]),
        record(children=[B32] * 65537),
        record(operation="x" * 129),
        record(operation="two\nlines"),
        record(relies_on=[reliance("somebody")]),
        record(relies_on=[reliance(NODE)]),
        record(relies_on=[reliance(OTHER, 0)]),
        record(relies_on=[reliance(OTHER), reliance(OTHER)]),
        record(relies_on=[reliance(OTHER), reliance("a" * 16)]),
        record(relies_on=many_reliances(257)),
    ],
)
def test_a_record_that_breaks_the_contract_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        record_checks.record(data)


def test_the_largest_record_passes() -> None:
    data = record(
        children=[B32] * limits.RECORD_CHILDREN,
        relies_on=many_reliances(limits.RECORD_RELIANCES),
        environment="\U00020000" * limits.ENVIRONMENT_CHARACTERS,
        operation="\U00020000" * limits.OPERATION_CHARACTERS,
    )
    read = record_checks.record(data)
    assert (len(read.children), len(read.relies_on)) == (65536, 256)
    assert read.relies_on[0].sequence == (1 << 63) - 1


def statement(**changes: Any) -> bytes:
    """Return the bytes of a statement, but for what is changed."""
    fields: dict[str, Any] = {"realm_id": bytes(16), "issuer": NODE}
    return records_pb2.Statement(**{**fields, **changes}).SerializeToString()


REVOCATION = records_pb2.Revocation(node_id=NODE)


def forget(count: int, length: int = 32) -> records_pb2.Forget:
    """Return a list of so many ids."""
    return records_pb2.Forget(keyed_ids=[bytes(length)] * count)


MOST_DISPUTED = limits.DISPUTED_RECORD_BYTES


def signed_record(
    length: int, signature: bytes = bytes(64)
) -> records_pb2.SignedRecord:
    """Return so many bytes, signed."""
    return records_pb2.SignedRecord(record=bytes(length), signature=signature)


def dispute(**changes: Any) -> records_pb2.Dispute:
    """Return a dispute, but for what is changed."""
    fields: dict[str, Any] = {
        "key": B32,
        "theirs": signed_record(3),
        "mine": signed_record(3),
        "certificates": [b"leaf", b"sponsor"],
    }
    return records_pb2.Dispute(**{**fields, **changes})


def unshareable(**changes: Any) -> records_pb2.Unshareable:
    """Return what is not to be shared, but for what is changed."""
    fields = {"operation": "vox.smooth@3", "environment": "x86-64-v3"}
    return records_pb2.Unshareable(**{**fields, **changes})


@pytest.mark.parametrize(
    "data",
    [
        statement(),
        statement(realm_id=b"", revocation=REVOCATION),
        statement(issuer="", revocation=REVOCATION),
        statement(revocation=records_pb2.Revocation(node_id="?")),
        statement(forget=forget(1, 31)),
        statement(forget=forget(32769)),
        statement(dispute=records_pb2.Dispute()),
        statement(dispute=dispute(key=bytes(31))),
        statement(dispute=dispute(theirs=signed_record(0))),
        statement(dispute=dispute(mine=signed_record(3, bytes(63)))),
        statement(dispute=dispute(mine=signed_record(MOST_DISPUTED + 1))),
        statement(dispute=dispute(certificates=[b"x"] * 4)),
        statement(dispute=dispute(certificates=[bytes(8193)])),
        statement(unshareable=records_pb2.Unshareable()),
        statement(unshareable=unshareable(operation="x" * 129)),
        statement(unshareable=unshareable(operation="red\x1b[31m")),
        statement(unshareable=unshareable(environment="x" * 1025)),
    ],
)
def test_a_statement_that_breaks_the_contract_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        record_checks.statement(data)


def test_statements_that_keep_the_contract_pass() -> None:
    assert record_checks.statement(statement(revocation=REVOCATION)).issuer == NODE
    assert record_checks.statement(statement(forget=forget(32768)))
    assert record_checks.statement(statement(unshareable=unshareable(environment="")))
    longest = statement(
        dispute=dispute(
            theirs=signed_record(MOST_DISPUTED),
            mine=signed_record(MOST_DISPUTED),
            certificates=[bytes(limits.CERTIFICATE_BYTES)] * 3,
        )
    )
    assert record_checks.statement(longest).issuer == NODE
    message = signed(
        statement=longest, certificates=[bytes(limits.CERTIFICATE_BYTES)] * 3
    )
    assert message.ByteSize() < limits.SYNC_REPLY_BYTES, "or nobody could pass it on"


@given(st.binary(max_size=400), st.sampled_from([b"", b"\x32", b"\x3a"]))
def test_any_bytes_are_a_record_or_statement_or_refused(
    data: bytes, head: bytes
) -> None:
    for check in (record_checks.record, record_checks.statement):
        try:
            check(head + data)
        except WireError:
            continue


KINDS: list[tuple[type[Message], Check]] = [
    (peer_pb2.HelloRequest, checks.hello_request),
    (peer_pb2.HelloReply, checks.hello_reply),
    (peer_pb2.SyncRequest, checks.sync_request),
    (peer_pb2.SyncReply, checks.sync_reply),
    (peer_pb2.LocateRequest, checks.locate_request),
    (peer_pb2.RecordsRequest, checks.records_request),
    (peer_pb2.RecordsReply, asked),
    (peer_pb2.FetchRequest, checks.fetch_request),
    (peer_pb2.FetchHeader, manifest_wanted),
    (peer_pb2.InventoryRequest, checks.inventory_request),
    (peer_pb2.InventoryPart, checks.inventory_part),
    (peer_pb2.WatchRequest, checks.watch_request),
    (peer_pb2.WatchReply, checks.watch_reply),
    (peer_pb2.RenewRequest, checks.renew_request),
    (peer_pb2.RenewReply, checks.renew_reply),
    (enrol_pb2.EnrolBegin, enrol_checks.enrol_begin),
    (enrol_pb2.EnrolChallenge, enrol_checks.enrol_challenge),
    (enrol_pb2.EnrolFinish, enrol_checks.enrol_finish),
    (enrol_pb2.EnrolReply, enrol_checks.enrol_reply),
]


@given(kind=st.sampled_from(KINDS), data=st.binary(max_size=400))
def test_any_bytes_pass_or_are_refused(
    kind: tuple[type[Message], Check], data: bytes
) -> None:
    message_type, check = kind
    try:
        check(parse(message_type, data))
    except WireError:
        return


@given(st.data())
def test_a_message_with_bytes_changed_passes_or_is_refused(draw: st.DataObject) -> None:
    check, message = draw.draw(st.sampled_from(GOOD[:3] + GOOD[9:]))
    data = bytearray(message.SerializeToString())
    for _ in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        check(parse(type(message), bytes(data)))
    except WireError:
        return


def test_a_message_that_is_too_long_is_not_parsed() -> None:
    with pytest.raises(WireError, match="has 11 bytes"):
        parse(peer_pb2.RenewRequest, bytes(11), 10)


def test_unknown_fields_are_ignored() -> None:
    data = hello().SerializeToString() + b"\xfa\x3f\x03new"
    checks.hello_request(parse(peer_pb2.HelloRequest, data))
