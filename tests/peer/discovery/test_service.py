"""Discovery over real multicast DNS."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator

import pytest
from zeroconf import ServiceInfo, Zeroconf

from peer.discovery import Announcement, advertise
from peer.discovery.interfaces import MAX_ANNOUNCED
from peer.discovery.rdata import to_rdata
from peer.discovery.txt import encode
from peer.identity import RealmKeys

from .links import LOOPBACK, discovery, wait_until
from .realms import announcement, node, number, realm

pytestmark = pytest.mark.slow

SERVICE = "_voxpeer._tcp.local."


@pytest.fixture
def keys() -> RealmKeys:
    """Return keys of a realm that nobody else on this machine has."""
    return RealmKeys(os.urandom(16), [(0, os.urandom(32))])


@pytest.fixture
def stranger() -> Iterator[Zeroconf]:
    """Return a responder that says whatever a test makes it say."""
    zeroconf = Zeroconf(interfaces=LOOPBACK)
    yield zeroconf
    zeroconf.close()


def service(
    name: str, properties: dict[bytes, bytes], port: int = 47800
) -> ServiceInfo:
    """Return what a responder says in the name of a node."""
    return ServiceInfo(
        SERVICE,
        f"{node(name)}.{SERVICE}",
        port,
        properties=to_rdata(properties),
        server=f"{node(name)}.local.",
        parsed_addresses=LOOPBACK,
    )


def longest(name: str) -> Announcement:
    """Return an announcement whose record is as long as they get."""
    return announcement(
        name,
        port=65535,
        generation=2**32 - 1,
        sequence=2**64 - 1,
        results=10**10 - 1,
        enrol_port=65535,
        pin_prefix=b"pin",
        capabilities=2**16 - 1,
        filter=advertise(map(number, range(5000))),
    )


def test_members_hear_each_other_and_each_others_goodbye(keys: RealmKeys) -> None:
    first = announcement("one", port=47811)
    with discovery("one", keys, first) as (one, at_one):
        with discovery("two", keys, announcement("two", port=47822)) as (_, at_two):
            wait_until(lambda: node("two") in at_one.heard, "one hears two")
            wait_until(lambda: node("one") in at_two.heard, "two hears one")
            addresses, announced = at_two.heard[node("one")]
            assert addresses == ("127.0.0.1:47811",)
            assert announced.filter == first.filter
            assert at_two.threads == {"discovery"}
            assert one.multicast_state == "announced on 127.0.0.1"
        wait_until(lambda: at_one.gone == [node("two")], "one hears the goodbye")
    assert one.multicast_state == "stopped"
    assert not at_one.clashes


def test_a_change_is_heard_and_generations_grow(keys: RealmKeys) -> None:
    with (
        discovery("one", keys, announcement("one")) as (one, _),
        discovery("two", keys, None) as (_, at_two),
    ):
        wait_until(lambda: node("one") in at_two.heard, "the first announcement")
        before = at_two.heard[node("one")][1]
        one.announce(announcement("one", sequence=11), urgent=True)
        wait_until(
            lambda: at_two.heard[node("one")][1].sequence == 11, "the second one"
        )
        assert at_two.heard[node("one")][1].generation > before.generation


def test_strangers_recordings_and_nonsense_are_dropped_and_counted(
    keys: RealmKeys, stranger: Zeroconf
) -> None:
    other = encode(announcement("a"), realm("other"))
    forged = {**encode(announcement("b"), keys), b"c": b"4711"}
    misplaced = encode(announcement("one"), keys)
    with discovery("ear", keys, None) as (ear, listener):
        for name, properties in (("a", other), ("b", forged), ("c", misplaced)):
            info = service(name, properties)
            stranger.register_service(info, cooperating_responders=True)
        stranger.register_service(
            service("d", {b"v": b"1"}), cooperating_responders=True
        )
        newest = service("e", encode(announcement("e", generation=9), keys))
        stranger.register_service(newest, cooperating_responders=True)
        wait_until(lambda: node("e") in listener.heard, "the only good one")
        recording = service("e", encode(announcement("e", generation=8), keys))
        stranger.update_service(recording)
        reasons = ("foreign", "mac", "malformed", "replay")
        wait_until(
            lambda: all(ear.counters[f"announcements_{reason}"] for reason in reasons),
            "each is counted",
        )
        assert ear.counters["announcements_malformed"] >= 2
        assert set(listener.heard) == {node("e")}
        assert listener.heard[node("e")][1].generation == 9


def test_a_copy_of_our_identity_is_noticed_before_anything_is_announced(
    keys: RealmKeys,
) -> None:
    ours = announcement("one", port=47811, inventory_id=b"original")
    copy = announcement("one", port=47899, inventory_id=b"the copy")
    with (
        discovery("one", keys, ours) as (original, at_original),
        discovery("two", keys, None) as (_, at_two),
    ):
        wait_until(lambda: node("one") in at_two.heard, "the original is announced")
        with discovery("one", keys, copy) as (second, at_second):
            wait_until(lambda: at_second.clashes, "the copy notices")
            assert second.counters["announcements_sent"] == 0
        (error,) = at_second.clashes
        assert error.addresses == ("127.0.0.1:47811",)
        assert "another machine runs with a copy of this identity" in str(error)
        assert not at_original.clashes
        assert original.multicast_state == "announced on 127.0.0.1"
        assert at_two.heard[node("one")][1].inventory_id == b"original"


def test_both_notice_when_a_copy_insists(keys: RealmKeys, stranger: Zeroconf) -> None:
    with discovery("one", keys, announcement("one")) as (one, listener):
        wait_until(lambda: one.counters["announcements_sent"], "one is announced")
        copy = encode(announcement("one", inventory_id=b"the copy", port=9), keys)
        stranger.register_service(service("one", copy, 9), cooperating_responders=True)
        wait_until(lambda: listener.clashes, "one notices")
        assert listener.clashes[0].addresses == ("127.0.0.1:9",)


def test_a_made_up_record_in_our_name_is_no_clash(
    keys: RealmKeys, stranger: Zeroconf
) -> None:
    forged = {**encode(announcement("one"), keys), b"c": b"4711"}
    stranger.register_service(service("one", forged), cooperating_responders=True)
    with discovery("one", keys, announcement("one")) as (one, listener):
        wait_until(lambda: one.counters["announcements_mac"], "it is counted")
        wait_until(lambda: one.counters["announcements_sent"], "one is announced")
        assert not listener.clashes


def test_a_false_goodbye_does_not_keep_a_member_away(
    keys: RealmKeys, stranger: Zeroconf
) -> None:
    with (
        discovery("one", keys, announcement("one")),
        discovery("two", keys, None) as (_, at_two),
    ):
        wait_until(lambda: node("one") in at_two.heard, "two hears one")
        info = service("one", {b"v": b"1"})
        stranger.register_service(info, cooperating_responders=True)
        stranger.unregister_service(info)
        wait_until(lambda: node("one") in at_two.gone, "the false goodbye")
        at_two.heard.clear()
        wait_until(lambda: node("one") in at_two.heard, "two hears one again")


def test_the_longest_announcement_is_one_packet(stranger: Zeroconf) -> None:
    keys = realm()
    for addresses in (
        [f"192.168.100.{index}" for index in range(MAX_ANNOUNCED)],
        [f"fd00:1111:2222:3333::{index}" for index in range(MAX_ANNOUNCED)],
        ["192.168.100.1", "10.0.0.1", "fd00:1111::1", "fd00:2222::2"],
    ):
        info = service("one", encode(longest("one"), keys))
        info.addresses = [
            socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
            for text in addresses
        ]
        packets = stranger.generate_service_broadcast(info, None).packets()
        assert len(packets) == 1
        assert len(packets[0]) <= 1460


def test_where_there_is_no_network_it_says_so_and_goes_on(keys: RealmKeys) -> None:
    with discovery("one", keys, announcement("one"), interfaces=["no0"]) as (one, _):
        wait_until(lambda: "no0" in one.multicast_state, "it says so")
        one.announce(announcement("one"))
        one.rescan()
    assert one.multicast_state == "stopped"


def test_a_failing_listener_ends_nothing(
    keys: RealmKeys, caplog: pytest.LogCaptureFixture
) -> None:
    from peer.discovery import Discovery

    def fail(*anything: object) -> None:
        raise RuntimeError("a mistake elsewhere")

    one = Discovery(node("one"), keys, on_heard=fail, interfaces=LOOPBACK)
    one.start()
    with discovery("two", keys, announcement("two")), caplog.at_level(logging.ERROR):
        wait_until(lambda: "listener of discovery" in caplog.text, "it is logged")
        assert "listening" in one.multicast_state
    one.stop()
    assert one.multicast_state == "stopped"


def test_bare_garbage_on_the_link_disturbs_nobody(keys: RealmKeys) -> None:
    with (
        discovery("one", keys, announcement("one")),
        discovery("two", keys, None) as (_, at_two),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as garbage,
    ):
        loopback = socket.inet_aton("127.0.0.1")
        garbage.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, loopback)
        for index in range(200):
            garbage.sendto(os.urandom(index * 7), ("224.0.0.251", 5353))
        wait_until(lambda: node("one") in at_two.heard, "two hears one")
