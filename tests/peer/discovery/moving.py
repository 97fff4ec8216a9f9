"""A machine whose interfaces come and go; runs in a network namespace of its own."""

from __future__ import annotations

import subprocess

from peer.discovery import Discovery

from .links import Listener, discovery, wait_until
from .realms import announcement, node, realm


def ip(command: str) -> None:
    """Run one command of ``ip``."""
    subprocess.run(["ip", *command.split()], check=True)


def plug_in(name: str, address: str) -> None:
    """Make an interface with an address."""
    ip(f"link add {name} type veth peer name far-{name}")
    ip(f"link set far-{name} up")
    ip(f"link set {name} up")
    ip(f"addr add {address}/24 dev {name}")


def follow(both: list[Discovery], state: str) -> None:
    """Have both look around until they say that they are on these interfaces."""
    for one in both:
        one.rescan()
    wait_until(lambda: all(state in one.multicast_state for one in both), state)


def main() -> None:
    """Move from no interface to one, to two, to another, and to none."""
    ip("link set lo up")
    keys = realm()
    with (
        discovery("one", keys, announcement("one"), interfaces=()) as (one, _),
        discovery("two", keys, announcement("two"), interfaces=()) as (two, at_two),
    ):
        both = [one, two]
        follow(both, "no network interface")
        plug_in("eth0", "10.5.0.1")
        follow(both, "announced on 10.5.0.1")
        _wait_for_address(at_two, "10.5.0.1:47800")
        plug_in("eth1", "10.6.0.1")
        follow(both, "announced on 10.5.0.1, 10.6.0.1")
        _wait_for_address(at_two, "10.6.0.1:47800")
        ip("link del eth0")
        follow(both, "announced on 10.6.0.1")
        ip("link del eth1")
        follow(both, "no network interface")
        plug_in("eth2", "10.7.0.1")
        follow(both, "announced on 10.7.0.1")
        _wait_for_address(at_two, "10.7.0.1:47800")


def _wait_for_address(listener: Listener, address: str) -> None:
    one = node("one")
    wait_until(
        lambda: one in listener.heard and address in listener.heard[one][0], address
    )


if __name__ == "__main__":
    main()
