"""The TXT record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from peer.discovery import (
    Announcement,
    AnnouncementRefused,
    EnrolHint,
    Filter,
    advertise,
)
from peer.discovery.announcement import MAX_FILTER, MAX_STRING
from peer.discovery.rdata import MAX_RDATA, from_rdata, to_rdata
from peer.discovery.txt import authenticated, decode, encode, enrol_hint, realm_tag
from peer.identity import RealmKeys

from .realms import announcement, node, number, realm, secret

VECTORS = json.loads(
    (Path(__file__).parent / "txt_vectors.json").read_text(encoding="utf-8")
)
KEYS = realm(epochs=3)
NAMES = [node(name) for name in ("one", "two", "three")]


@st.composite
def announcements(draw: st.DrawFn) -> Announcement:
    enrol_port = draw(st.integers(0, 2**16 - 1))
    return Announcement(
        node_id=draw(st.sampled_from(NAMES)),
        port=draw(st.integers(1, 2**16 - 1)),
        generation=draw(st.integers(0, 2**32 - 1)),
        inventory_id=draw(st.binary(min_size=8, max_size=8)),
        sequence=draw(st.integers(0, 2**64 - 1)),
        results=draw(st.integers(0, 10**10 - 1)),
        epoch=draw(st.sampled_from(KEYS.epochs())),
        filter=advertise(draw(st.lists(st.integers(0, 2**64 - 1), max_size=60))),
        enrol_port=enrol_port,
        pin_prefix=draw(st.binary(min_size=3, max_size=3)) if enrol_port else b"",
        capabilities=draw(st.integers(0, 2**16 - 1)),
    )


def refusal(properties: Mapping[bytes, bytes], keys: RealmKeys = KEYS) -> str:
    """Return the reason for which a record is refused."""
    with pytest.raises(AnnouncementRefused) as caught:
        decode(properties, keys)
    return caught.value.reason


def largest() -> Announcement:
    """Return the announcement with the longest record."""
    return announcement(
        port=65535,
        generation=2**32 - 1,
        sequence=2**64 - 1,
        results=10**10 - 1,
        enrol_port=65535,
        pin_prefix=b"pin",
        capabilities=2**16 - 1,
        filter=advertise(map(number, range(5000))),
    )


@given(announcements())
def test_what_was_announced_is_read(made: Announcement) -> None:
    rdata = to_rdata(encode(made, KEYS))
    read = decode(from_rdata(rdata), KEYS)
    assert replace(read, tag=b"") == made
    assert KEYS.with_tag(read.tag) is not None


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["about"])
def test_records_are_as_the_vectors_say(vector: dict[str, Any]) -> None:
    keys = RealmKeys(
        bytes.fromhex(vector["realm_id"]),
        [(epoch, bytes.fromhex(text)) for epoch, text in vector["secrets"]],
    )
    fields = dict(vector["announcement"])
    fields["inventory_id"] = bytes.fromhex(fields["inventory_id"])
    fields["pin_prefix"] = bytes.fromhex(fields["pin_prefix"])
    ids = [int(item, 16) for item in fields.pop("ids")]
    made = Announcement(filter=Filter.of(ids, 8), **fields)
    assert to_rdata(encode(made, keys)).hex() == vector["rdata"]
    read = decode(from_rdata(bytes.fromhex(vector["rdata"])), keys)
    assert replace(read, tag=b"") == made


@given(st.dictionaries(st.sampled_from(list(b"vnipgsckeqtm0123")), st.binary()))
def test_any_properties_are_refused(values: dict[int, bytes]) -> None:
    properties = {bytes([key]): value for key, value in values.items()}
    refusal({b"v": b"1", **properties})
    enrol_hint(properties)
    realm_tag(properties)


@given(st.binary(max_size=1400))
@example(b"\x03a=b\x03a=c")
@example(b"\xffa=b")
def test_any_bytes_are_keys_and_values_or_refused(rdata: bytes) -> None:
    try:
        properties = from_rdata(rdata)
    except AnnouncementRefused:
        return
    assert len(rdata) <= MAX_RDATA
    assert to_rdata(properties) == rdata


@given(announcements(), st.dictionaries(st.binary(max_size=3), st.binary(max_size=9)))
def test_a_member_that_writes_anything_makes_no_other_error(
    made: Announcement, changes: dict[bytes, bytes]
) -> None:
    properties = {**encode(made, KEYS), **changes}
    signed = sign(properties)
    try:
        read = decode(signed, KEYS)
    except AnnouncementRefused:
        return
    assert read.node_id in NAMES


def sign(properties: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return a record with a right MAC over whatever it holds."""
    key = KEYS.with_tag(realm_tag(properties) or b"")
    mac = key.mac(authenticated(properties)) if key else bytes(8)
    return {**properties, b"m": mac.hex().encode()}


@settings(max_examples=200)
@given(st.data())
def test_a_changed_bit_is_refused(data: st.DataObject) -> None:
    rdata = bytearray(to_rdata(encode(announcement(), KEYS)))
    position = data.draw(st.integers(0, 8 * len(rdata) - 1))
    rdata[position // 8] ^= 1 << position % 8
    with pytest.raises(AnnouncementRefused):
        decode(from_rdata(bytes(rdata)), KEYS)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"i", b"SHOUTING22222222"),
        (b"t", b"0"),
        (b"t", b"65536"),
        (b"g", b"123456789"),
        (b"s", b"00112233.5"),
        (b"c", b"-1"),
        (b"q", b"2001,8"),
        (b"q", b"10,17"),
        (b"q", b"11,8"),
        (b"e", b"70000.aabbcc"),
        (b"e", b"47801.aabb"),
        (b"p", b"10000"),
        (b"0", b""),
    ],
)
def test_a_members_nonsense_is_malformed(key: bytes, value: bytes) -> None:
    properties = {**encode(announcement(), KEYS), key: value}
    assert refusal(sign(properties)) == "malformed"


def test_keys_of_later_versions_are_authenticated_and_passed_over() -> None:
    properties = {**encode(announcement(), KEYS), b"new": b"something"}
    assert refusal(properties) == "mac"
    assert decode(sign(properties), KEYS).node_id == node("one")


def test_every_known_epoch_is_accepted_and_no_other() -> None:
    for epoch in KEYS.epochs():
        made = announcement(epoch=epoch)
        assert decode(encode(made, KEYS), KEYS).epoch == epoch
    newest = encode(announcement(epoch=2), KEYS)
    assert refusal(newest, realm(epochs=2)) == "epoch"


def test_both_secrets_of_one_epoch_are_accepted() -> None:
    ours, theirs = realm(), realm()
    ours.add(1, secret("one sponsor"))
    theirs.add(1, secret("another sponsor"))
    announced = encode(announcement(epoch=1), theirs)
    assert refusal(announced, ours) == "foreign"
    ours.add(1, secret("another sponsor"))
    read = decode(announced, ours)
    key = ours.with_tag(read.tag)
    assert key is not None
    assert key.tag() == theirs.tag(1)


def test_another_realms_record_is_foreign() -> None:
    assert refusal(encode(announcement(), realm("other")), KEYS) == "foreign"


def test_a_record_of_another_version_is_malformed() -> None:
    assert refusal({**encode(announcement(), KEYS), b"v": b"2"}) == "malformed"


def test_a_record_that_is_too_long_is_oversize() -> None:
    properties = encode(largest(), KEYS)
    padded = sign({**properties, b"z": bytes(MAX_STRING)})
    assert refusal(padded) == "oversize"
    with pytest.raises(AnnouncementRefused, match="1300"):
        from_rdata(to_rdata(padded))


def test_the_longest_record_keeps_its_budget() -> None:
    properties = encode(largest(), KEYS)
    strings = [key + b"=" + value for key, value in properties.items()]
    assert max(map(len, strings)) <= MAX_STRING
    assert len(to_rdata(properties)) <= MAX_RDATA


def test_a_filter_that_does_not_fit_is_an_error_of_the_caller() -> None:
    too_long = Filter.of(map(number, range(1000)), 8)
    with pytest.raises(ValueError, match="does not fit"):
        encode(announcement(filter=too_long), KEYS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"node_id": "Ä" * 16},
        {"port": 0},
        {"generation": 2**32},
        {"inventory_id": b"short"},
        {"sequence": -1},
        {"enrol_port": 5, "pin_prefix": b""},
        {"pin_prefix": b"abc"},
    ],
)
def test_numbers_out_of_range_are_an_error_of_the_caller(wrong: Any) -> None:
    with pytest.raises(ValueError, match="cannot be announced"):
        encode(announcement(**wrong), KEYS)


def test_as_many_results_as_fit_are_advertised_the_most_useful_first() -> None:
    ids = [number(index) for index in range(5000)]
    made = advertise(ids)
    assert made.count >= 830
    assert all(item in made for item in ids[: made.count])
    # There is no room for a percent more.
    more = Filter.of(ids[: made.count + 8], 8)
    assert len(made.encode()) <= MAX_FILTER < len(more.encode())


def test_few_results_are_all_advertised_and_it_is_said() -> None:
    made = announcement(filter=advertise(map(number, range(10))), results=10)
    assert made.is_complete
    assert not replace(made, results=11).is_complete


def test_ids_that_crowd_together_fit_too() -> None:
    # The greatest differences that can be: all but one id at the very end.
    made = advertise([0, *range(2**64 - 3000, 2**64)])
    assert len(made.encode()) <= MAX_FILTER
    assert encode(announcement(filter=made), KEYS)


def test_who_has_no_keys_sees_where_machines_are_enrolled_and_the_realms_tag() -> None:
    properties = encode(announcement(enrol_port=47801, pin_prefix=b"pin"), KEYS)
    assert enrol_hint(properties) == EnrolHint(47801, b"pin")
    assert realm_tag(properties) == KEYS.tag(0)
    assert enrol_hint(encode(announcement(), KEYS)) is None
