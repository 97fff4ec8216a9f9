"""The secrets that members share."""

from __future__ import annotations

import os
import random
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.identity import RealmKeys, open_identity
from tests.peer.identity.conftest import Realm, key_of

REALM = bytes(range(16))
FIRST = (0, b"\0" * 32)
SECRETS = st.lists(
    st.tuples(st.integers(1, 12), st.binary(min_size=32, max_size=32)), max_size=30
)


def keys_of(*secrets: tuple[int, bytes]) -> RealmKeys:
    return RealmKeys(REALM, [FIRST, *secrets])


def test_members_of_a_realm_agree_and_others_do_not() -> None:
    one, same = keys_of((1, b"1" * 32)), keys_of((1, b"1" * 32))
    other = RealmKeys(bytes(16), [FIRST, (1, b"1" * 32)])
    assert one.tag() == same.tag() != other.tag()
    assert one.mac(b"data") == same.mac(b"data") != other.mac(b"data")
    assert one.advertised_id(key_of(1)) == same.advertised_id(key_of(1))
    assert one.advertised_id(key_of(1)) != other.advertised_id(key_of(1))
    assert one.forget_id(key_of(1)) == same.forget_id(key_of(1))
    assert one.forget_id(key_of(1)) != other.forget_id(key_of(1))


def test_what_a_realm_shows_has_the_promised_lengths() -> None:
    keys = keys_of()
    assert len(keys.tag()) == len(keys.mac(b"")) == 8
    assert 0 <= keys.advertised_id(key_of(1)) < 1 << 64
    assert len(keys.forget_id(key_of(1))) == 32
    assert len(keys.log_id(b"x")) == 12


def test_derived_keys_never_change_meaning() -> None:
    keys = RealmKeys(REALM, [(0, bytes(range(32)))])
    assert keys.tag().hex() == "1d6ec43bc6ad6afb"
    assert keys.mac(b"data").hex() == "c9732d88076c078b"
    assert keys.advertised_id(key_of(1)) == 0xB3D311C798BD209B
    assert keys.forget_id(key_of(1)).hex().startswith("a04014afa4a85e1f")


def test_a_new_epoch_changes_everything_but_what_has_to_be_forgotten() -> None:
    keys = keys_of()
    before = (
        keys.tag(),
        keys.mac(b"x"),
        keys.advertised_id(key_of(1)),
        keys.log_id(b"x"),
    )
    forgotten = keys.forget_id(key_of(1))
    assert keys.advance(os.urandom) == keys.epoch == 1
    after = keys.tag(), keys.mac(b"x"), keys.advertised_id(key_of(1)), keys.log_id(b"x")
    assert not set(before) & set(after)
    assert keys.forget_id(key_of(1)) == forgotten
    assert (keys.tag(0), keys.mac(b"x", 0)) == before[:2]


def test_two_sponsors_that_begin_the_same_epoch_come_to_agree() -> None:
    left, right = keys_of(), keys_of()
    left.advance(os.urandom)
    right.advance(os.urandom)
    old = left.tag(), right.tag()
    for epoch, secret in left.since(right.epoch):
        right.add(epoch, secret)
    for epoch, secret in right.since(left.epoch):
        left.add(epoch, secret)
    assert left.tag() == right.tag()
    winner = max(
        (secret for _, secret in left.since(1)), key=lambda s: sha256(s).digest()
    )
    assert left.tag() == keys_of((1, winner)).tag()
    for tag in old:  # both can still be read
        found = left.with_tag(tag)
        assert found is not None
        assert found.tag() == tag


@given(SECRETS, st.randoms(use_true_random=False))
def test_what_is_kept_does_not_depend_on_the_order(
    secrets: list[tuple[int, bytes]], order: random.Random
) -> None:
    mixed = [*secrets, *secrets]
    order.shuffle(mixed)
    left, right = keys_of(), keys_of()
    for epoch, secret in secrets:
        left.add(epoch, secret)
    for epoch, secret in mixed:
        right.add(epoch, secret)
    assert left.all() == right.all()
    assert left.tag() == right.tag()


@pytest.mark.parametrize(
    ("epoch", "secret"),
    [
        (0, b"x" * 32),
        (-1, b"x" * 32),
        (1 << 32, b"x" * 32),
        (20_000, b"x" * 32),
        (1, b""),
        (1, b"x" * 33),
    ],
)
def test_what_cannot_be_a_key_is_left_out(epoch: int, secret: bytes) -> None:
    keys = keys_of()
    assert not keys.add(epoch, secret)
    assert keys.epochs() == (0,)


def test_a_flood_of_keys_takes_bounded_room_and_leaves_the_first() -> None:
    keys = keys_of()
    for number in range(300):
        keys.add(1 + number % 90, number.to_bytes(32, "big"))
    assert len(keys.all()) <= 64
    assert keys.all()[0] == FIRST


def test_a_stranger_has_no_tag_of_ours() -> None:
    assert keys_of().with_tag(b"stranger") is None


def test_keys_are_there_after_opening_the_store_again(realm: Realm) -> None:
    site = realm.found()
    site.identity.keys.advance(os.urandom)
    again = realm.store("founder")
    identity = open_identity(again)
    assert identity is not None
    assert identity.keys.all() == site.identity.keys.all()
    # Two processes each add one; neither loses the other's.
    identity.keys.add(2, b"a" * 32)
    site.identity.keys.add(3, b"b" * 32)
    last = open_identity(again)
    assert last is not None
    assert last.keys.epochs() == (0, 1, 2, 3)
