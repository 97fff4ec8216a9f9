"""Which interfaces are used."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from peer.discovery import Places, find_places
from peer.discovery.interfaces import MAX_ANNOUNCED, Interface, choose


def interface(name: str, *addresses: str) -> Interface:
    return Interface(name, tuple(map(ip_address, addresses)))


LOOPBACK = interface("lo", "127.0.0.1", "::1")
LAN = interface("eth0", "192.168.1.7", "fd00::7", "fe80::7")
WIFI = interface("wlan0", "10.1.2.3")
PUBLIC = interface("eth1", "203.0.113.9")
DOCKER = interface("docker0", "172.17.0.1")


def test_private_networks_are_used_and_the_loopback_is_not() -> None:
    assert choose([LOOPBACK, LAN, WIFI, PUBLIC]) == Places(
        announced=("192.168.1.7", "10.1.2.3", "fd00::7"),
        multicast=("192.168.1.7", "10.1.2.3"),
    )


def test_the_default_route_comes_first_even_if_it_is_public() -> None:
    places = choose([LAN, PUBLIC], [ip_address("203.0.113.9")])
    assert places.announced == ("203.0.113.9", "192.168.1.7", "fd00::7")
    assert places.multicast == ("203.0.113.9", "192.168.1.7")


@pytest.mark.parametrize(
    "name", ["docker0", "br-1a2b", "veth9", "virbr0", "tun0", "utun3", "wg0"]
)
def test_virtual_interfaces_are_left_out(name: str) -> None:
    virtual = interface(name, "172.17.0.1")
    assert choose([virtual], [ip_address("172.17.0.1")]) == Places()


def test_named_interfaces_are_used_whatever_they_are_and_no_other() -> None:
    places = choose([LOOPBACK, LAN, DOCKER], named=["docker0", "127.0.0.1"])
    assert places.multicast == ("127.0.0.1", "172.17.0.1")
    assert places.announced == ("127.0.0.1", "172.17.0.1")


def test_what_is_named_and_missing_is_said() -> None:
    places = choose([LAN], named=["eth0", "eth7", "10.9.9.9"])
    assert places.missing == ("eth7", "10.9.9.9")
    assert places.multicast == ("192.168.1.7",)


def test_an_interface_without_ipv4_speaks_over_ipv6() -> None:
    assert choose([interface("eth0", "fd00::9", "fe80::9")]).multicast == ("fd00::9",)


def test_addresses_that_mean_nothing_elsewhere_are_not_announced() -> None:
    assert choose([interface("eth0", "fe80::9")]) == Places()


def test_at_most_four_addresses_are_announced() -> None:
    many = [interface(f"eth{index}", f"10.0.{index}.1") for index in range(9)]
    places = choose(many)
    assert len(places.announced) == MAX_ANNOUNCED
    assert len(places.multicast) == 9


def test_this_machine_can_be_asked() -> None:
    assert find_places(["127.0.0.1"]).multicast == ("127.0.0.1",)
