"""Claims say on the other side what was said on this one, or are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

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
from peer.wire import WireError, claims, limits
from peer.wire.fields import parse
from peer.wire.v1 import peer_pb2

VECTORS = json.loads(Path(__file__).with_name("claim_vectors.json").read_text())
NODE = "abcdefgh234567aa"
BOOT = bytes(range(16))

keys = st.binary(min_size=32, max_size=32)
boots = st.binary(min_size=16, max_size=16)
nodes = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=16, max_size=16)
ms = st.integers(0, (1 << 32) - 1)
tokens = st.integers(0, (1 << 64) - 1)
answers = st.one_of(
    st.builds(Grant, tokens, st.integers(1, 60_000), st.booleans()),
    st.builds(HeldBy, nodes, ms, ms, st.integers(1, 60_000)),
    st.builds(DoneAt, nodes),
    st.builds(Better, nodes),
    st.just(Unclaimed()),
)
items = st.builds(Item, keys, ms, st.booleans(), st.booleans(), st.booleans())
leases = st.builds(
    Lease, keys, nodes | st.just(""), boots | st.just(b""), tokens, ms, ms
)
released = st.builds(
    Released, keys, boots | st.just(b""), tokens, st.booleans(), st.just(False)
) | st.builds(Released, keys, boots, tokens, st.just(False), st.just(True))


def of_each_key_once(values: st.SearchStrategy[Any], most: int = 40) -> Any:
    """Return lists of these in which no node is there twice."""
    return st.lists(values, max_size=most, unique_by=lambda it: it.key)


# ---- there and back


@given(boots, of_each_key_once(items).filter(bool))
def test_claims_come_as_they_were_sent(boot_id: bytes, sent: list[Item]) -> None:
    data = claims.encode_claim(boot_id, sent).SerializeToString()
    came = claims.decode_claim(parse(peer_pb2.ClaimRequest, data))
    assert came == (boot_id, tuple(sent))


@given(boots, st.lists(answers, max_size=40))
def test_answers_come_in_their_order(boot_id: bytes, sent: list[Answer]) -> None:
    data = claims.encode_answers(boot_id, sent).SerializeToString()
    came = claims.decode_answers(parse(peer_pb2.ClaimReply, data), len(sent))
    assert came == (boot_id, tuple(sent))


@given(boots, of_each_key_once(leases), st.data())
def test_renewals_and_what_was_lost_come_as_they_were_sent(
    boot_id: bytes, sent: list[Lease], draw: st.DataObject
) -> None:
    data = claims.encode_renewal(boot_id, sent).SerializeToString()
    came = claims.decode_renewal(parse(peer_pb2.RenewClaimsRequest, data))
    assert came == (boot_id, tuple(sent))
    lost = draw.draw(st.lists(st.sampled_from([it.key for it in sent]))) if sent else []
    lost = list(dict.fromkeys(lost))
    data = claims.encode_lost(lost).SerializeToString()
    assert claims.decode_lost(parse(peer_pb2.RenewClaimsReply, data), sent) == lost


@given(boots, of_each_key_once(released))
def test_releases_come_as_they_were_sent(boot_id: bytes, sent: list[Released]) -> None:
    data = claims.encode_release(boot_id, sent).SerializeToString()
    came = claims.decode_release(parse(peer_pb2.ReleaseClaimsRequest, data))
    assert came == (boot_id, tuple(sent))


def test_a_number_that_does_not_fit_is_as_large_as_can_be() -> None:
    _, [item] = claims.decode_claim(
        claims.encode_claim(BOOT, [Item(BOOT * 2, 1 << 50)])
    )
    assert item.estimate_ms == (1 << 32) - 1
    _, [item] = claims.decode_claim(claims.encode_claim(BOOT, [Item(BOOT * 2, -1)]))
    assert item.estimate_ms == 0
    sent: list[Answer] = [Grant(1, 1 << 40), HeldBy(NODE, -5, 1 << 40, 0)]
    _, came = claims.decode_answers(claims.encode_answers(BOOT, sent), 2)
    assert came == (
        Grant(1, limits.CLAIM_TTL_MS),
        HeldBy(NODE, 0, (1 << 32) - 1, 1),
    )


# ---- byte for byte


def _answer(said: dict[str, Any]) -> Answer:
    kinds: dict[str, type[Any]] = {
        "grant": Grant,
        "held": HeldBy,
        "done": DoneAt,
        "better": Better,
        "unclaimed": Unclaimed,
    }
    [(name, fields)] = said.items()
    answer: Answer = kinds[name](**fields)
    return answer


def _with_bytes(said: dict[str, Any]) -> dict[str, Any]:
    raw = ("key", "boot_id")
    return {k: bytes.fromhex(v) if k in raw else v for k, v in said.items()}


def _sent(vector: dict[str, Any]) -> tuple[type[Message], Message, Any]:
    """Return class and message of a vector, and what decoding it has to give."""
    boot_id = bytes.fromhex(vector["boot_id"])
    said = vector["says"]
    match vector["message"]:
        case "ClaimRequest":
            wanted = tuple(Item(**_with_bytes(it)) for it in said)
            message: Message = claims.encode_claim(boot_id, wanted)
            return peer_pb2.ClaimRequest, message, wanted
        case "ClaimReply":
            given_ = tuple(map(_answer, said))
            return peer_pb2.ClaimReply, claims.encode_answers(boot_id, given_), given_
        case "RenewClaimsRequest":
            held = tuple(Lease(**_with_bytes(it)) for it in said)
            message = claims.encode_renewal(boot_id, held)
            return peer_pb2.RenewClaimsRequest, message, held
    ended = tuple(Released(**_with_bytes(it)) for it in said)
    message = claims.encode_release(boot_id, ended)
    return peer_pb2.ReleaseClaimsRequest, message, ended


DECODERS: dict[str, Callable[[Any], tuple[bytes, Any]]] = {
    "ClaimRequest": claims.decode_claim,
    "ClaimReply": lambda message: claims.decode_answers(message, len(message.answers)),
    "RenewClaimsRequest": claims.decode_renewal,
    "ReleaseClaimsRequest": claims.decode_release,
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda it: it["message"])
def test_messages_are_what_the_vectors_say(vector: dict[str, Any]) -> None:
    kind, message, said = _sent(vector)
    assert message.SerializeToString(deterministic=True).hex() == vector["bytes"]
    read = parse(kind, bytes.fromhex(vector["bytes"]))
    boot_id = bytes.fromhex(vector["boot_id"])
    assert DECODERS[vector["message"]](read) == (boot_id, said)


# ---- whatever comes


def claim(**changes: Any) -> peer_pb2.ClaimRequest:
    """Return a claim that keeps the contract, but for what is changed."""
    item = peer_pb2.ClaimItem(key=bytes(32), estimate_ms=5)
    return peer_pb2.ClaimRequest(**{"boot_id": BOOT, "items": [item], **changes})


def reply(**changes: Any) -> peer_pb2.ClaimReply:
    """Return a reply to one item with one answer."""
    answer = peer_pb2.ClaimAnswer(**changes)
    return peer_pb2.ClaimReply(boot_id=BOOT, answers=[answer])


def renewal(count: int = 1, **changes: Any) -> peer_pb2.RenewClaimsRequest:
    """Return a renewal of so many leases that are all alike but for their nodes."""
    made = [
        peer_pb2.ClaimLease(
            **{"key": number.to_bytes(32, "big"), "arbiter": NODE, **changes}
        )
        for number in range(count)
    ]
    return peer_pb2.RenewClaimsRequest(boot_id=BOOT, leases=made)


def release(count: int = 1, **changes: Any) -> peer_pb2.ReleaseClaimsRequest:
    """Return a release of so many leases that are all alike but for their nodes."""
    made = [
        peer_pb2.ReleasedClaim(**{"key": number.to_bytes(32, "big"), **changes})
        for number in range(count)
    ]
    return peer_pb2.ReleaseClaimsRequest(boot_id=BOOT, released=made)


def _items(count: int) -> list[peer_pb2.ClaimItem]:
    return [
        peer_pb2.ClaimItem(key=number.to_bytes(32, "big")) for number in range(count)
    ]


def _one_answer(message: peer_pb2.ClaimReply) -> object:
    return claims.decode_answers(message, 1)


GRANT = peer_pb2.Grant(token=1, ttl_ms=10_000)
HELD = peer_pb2.Held(holder=NODE, retry_ms=200)
TWO = [peer_pb2.ClaimAnswer(grant=GRANT)] * 2


@pytest.mark.parametrize(
    ("decode", "message"),
    [
        (claims.decode_claim, claim(boot_id=b"")),
        (claims.decode_claim, claim(items=[])),
        (claims.decode_claim, claim(items=_items(257))),
        (claims.decode_claim, claim(items=_items(1) * 2)),
        (claims.decode_claim, claim(items=[peer_pb2.ClaimItem(key=bytes(31))])),
        (_one_answer, peer_pb2.ClaimReply(boot_id=BOOT)),
        (_one_answer, peer_pb2.ClaimReply(boot_id=BOOT, answers=TWO)),
        (_one_answer, reply()),
        (_one_answer, peer_pb2.ClaimReply(answers=[peer_pb2.ClaimAnswer(grant=GRANT)])),
        (_one_answer, reply(grant=peer_pb2.Grant(token=1))),
        (_one_answer, reply(grant=peer_pb2.Grant(token=1, ttl_ms=60_001))),
        (_one_answer, reply(held=peer_pb2.Held(holder="me", retry_ms=1))),
        (_one_answer, reply(held=peer_pb2.Held(holder=NODE))),
        (_one_answer, reply(held=peer_pb2.Held(holder=NODE, retry_ms=60_001))),
        (_one_answer, reply(done=peer_pb2.Done())),
        (_one_answer, reply(better=peer_pb2.Better(node_id=NODE + "a"))),
        (claims.decode_renewal, renewal(4097)),
        (claims.decode_renewal, renewal(arbiter="somebody")),
        (claims.decode_renewal, renewal(arbiter_boot_id=b"x")),
        (claims.decode_renewal, renewal(key=bytes(31))),
        (claims.decode_renewal, peer_pb2.RenewClaimsRequest()),
        (claims.decode_release, release(4097)),
        (claims.decode_release, release(is_done=True, has_failed=True)),
        (claims.decode_release, release(arbiter_boot_id=b"x")),
        (claims.decode_release, release(key=b"")),
        (claims.decode_release, peer_pb2.ReleaseClaimsRequest()),
    ],
)
def test_what_breaks_the_contract_is_refused(
    decode: Callable[[Any], object], message: Message
) -> None:
    with pytest.raises(WireError) as refused:
        decode(message)
    assert refused.value.reason


def test_as_much_as_there_may_be_passes() -> None:
    assert len(claims.decode_claim(claim(items=_items(256)))[1]) == 256
    assert len(claims.decode_renewal(renewal(4096))[1]) == 4096
    assert len(claims.decode_release(release(4096))[1]) == 4096
    largest = renewal(4096, arbiter_boot_id=BOOT, token=(1 << 64) - 1)
    assert largest.ByteSize() < limits.REQUEST_BYTES // 2


@pytest.mark.parametrize("lost", [bytes(31), b"1" * 32, bytes(32) * 3])
def test_no_more_can_be_lost_than_was_held(lost: bytes) -> None:
    held = [Lease(bytes(32), "", b"", 0, 0, 0)]
    with pytest.raises(WireError):
        claims.decode_lost(peer_pb2.RenewClaimsReply(lost=lost), held)


GOOD: list[tuple[Message, Callable[[Any], object]]] = [
    (claim(items=_items(3)), claims.decode_claim),
    (reply(grant=GRANT), _one_answer),
    (reply(held=HELD), _one_answer),
    (reply(done=peer_pb2.Done(node_id=NODE)), _one_answer),
    (renewal(3, arbiter_boot_id=BOOT, token=7), claims.decode_renewal),
    (release(3, arbiter_boot_id=BOOT, is_done=True), claims.decode_release),
]


@given(st.sampled_from(GOOD), st.binary(max_size=400))
def test_any_bytes_pass_or_are_refused(
    kind: tuple[Message, Callable[[Any], object]], data: bytes
) -> None:
    message, decode = kind
    try:
        decode(parse(type(message), data))
    except WireError:
        return


@given(st.data())
def test_a_message_with_bytes_changed_passes_or_is_refused(draw: st.DataObject) -> None:
    message, decode = draw.draw(st.sampled_from(GOOD))
    data = bytearray(message.SerializeToString())
    for _ in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        decode(parse(type(message), bytes(data)))
    except WireError:
        return
