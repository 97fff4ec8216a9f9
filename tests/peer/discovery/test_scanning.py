"""Hearing realms without keys."""

from __future__ import annotations

import os

import pytest

from peer.discovery import MulticastError, find_sponsors, scan
from peer.identity import RealmKeys

from .links import LOOPBACK, discovery
from .realms import announcement, node

pytestmark = pytest.mark.slow


def test_a_fresh_machine_hears_realms_and_who_enrols() -> None:
    one = RealmKeys(os.urandom(16), [(0, os.urandom(32))])
    two = RealmKeys(os.urandom(16), [(0, os.urandom(32))])
    enrolling = announcement("sponsor", enrol_port=47801, pin_prefix=b"pin")
    tags = {one.tag(0), two.tag(0)}
    with (
        discovery("sponsor", one, enrolling),
        discovery("member", one, announcement("member")),
        discovery("other", two, announcement("other")),
    ):
        realms = scan(
            10.0,
            interfaces=LOOPBACK,
            enough=lambda heard: (
                sum(len(realm.nodes) for realm in heard if realm.tag in tags) == 3
            ),
        )
    found = {realm.tag: realm for realm in realms}
    ours, theirs = found[one.tag(0)], found[two.tag(0)]
    assert {each.node_id for each in ours.nodes} == {node("sponsor"), node("member")}
    assert not any(each.enrol_addresses for each in theirs.nodes)
    (sponsor,) = (each for each in ours.nodes if each.enrol_addresses)
    assert sponsor.enrol_addresses == ("127.0.0.1:47801",)
    assert sponsor.addresses == ("127.0.0.1",)


def test_a_sponsor_is_found_by_the_pin_of_a_token() -> None:
    keys = RealmKeys(os.urandom(16), [(0, os.urandom(32))])
    pin = os.urandom(20)
    enrolling = announcement("sponsor", enrol_port=4711, pin_prefix=pin[:3])
    with discovery("sponsor", keys, enrolling):
        assert find_sponsors(pin, 10.0, interfaces=LOOPBACK) == ["127.0.0.1:4711"]


def test_nobody_is_found_where_nobody_is() -> None:
    assert find_sponsors(os.urandom(20), 0.5, interfaces=LOOPBACK) == []


def test_without_an_interface_it_says_so() -> None:
    with pytest.raises(MulticastError, match="no network interface"):
        scan(1.0, interfaces=["no0"])
