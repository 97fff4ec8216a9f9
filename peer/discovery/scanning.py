"""Hears which realms are on the link, without any key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from peer.identity import NodeId

from . import txt
from .addresses import join
from .errors import AnnouncementRefused, MulticastError
from .interfaces import find_places
from .rdata import from_rdata

if TYPE_CHECKING:
    from .ear import Dropped

SCAN_S = 3.0
PIN_PREFIX = 3


@dataclass(frozen=True, slots=True)
class HeardNode:
    """A machine that says that it belongs to a realm; nothing vouches for it.

    Attributes:
        node_id: who it says it is.
        addresses: where it is, IP addresses.
        enrol_addresses: "host:port" where it enrols machines just now.
        pin_prefix: first 3 bytes of the pin in the tokens it honours, or empty.
    """

    node_id: NodeId
    addresses: tuple[str, ...]
    enrol_addresses: tuple[str, ...] = ()
    pin_prefix: bytes = b""


@dataclass(frozen=True, slots=True)
class HeardRealm:
    """A realm that is heard on the link.

    Attributes:
        tag: 8 bytes that its members share, others from epoch to epoch.
        nodes: the machines that were heard.
    """

    tag: bytes
    nodes: tuple[HeardNode, ...]


Enough = Callable[[Sequence[HeardRealm]], bool]


def scan(
    seconds: float = SCAN_S,
    *,
    interfaces: Sequence[str] = (),
    enough: Enough = lambda realms: False,
) -> list[HeardRealm]:
    """Listen for realms; needs no keys, and announces nothing.

    Blocks; not to be called on the thread of a running event loop.

    Args:
        seconds: how long at most.
        interfaces: names or addresses of the interfaces to use; none: the usual.
        enough: asked whenever something new was heard, whether to stop.

    Raises:
        MulticastError: there is no interface to listen on, or it cannot be used.
    """
    places = find_places(interfaces)
    if not places.multicast:
        raise MulticastError("there is no network interface to listen on")
    return asyncio.run(_scan(seconds, places.multicast, enough))


def find_sponsors(
    pin: bytes, seconds: float = SCAN_S, *, interfaces: Sequence[str] = ()
) -> list[str]:
    """Return where machines are enrolled with tokens of a pin, as soon as one is heard.

    Args:
        pin: of the token.
        seconds: how long to listen at most.
        interfaces: names or addresses of the interfaces to use; none: the usual.

    Raises:
        MulticastError: there is no interface to listen on, or it cannot be used.
    """

    def addresses(realms: Sequence[HeardRealm]) -> list[str]:
        return [
            address
            for realm in realms
            for node in realm.nodes
            if node.pin_prefix == pin[:PIN_PREFIX]
            for address in node.enrol_addresses
        ]

    found = scan(
        seconds, interfaces=interfaces, enough=lambda realms: bool(addresses(realms))
    )
    return addresses(found)


async def _scan(
    seconds: float, addresses: Sequence[str], enough: Enough
) -> list[HeardRealm]:
    from .ear import Ear
    from .session import open_zeroconf

    stranger = _Stranger(enough)
    zeroconf = open_zeroconf(addresses)
    try:
        ear = Ear(zeroconf.zeroconf, stranger, Random())
        try:
            async with asyncio.timeout(seconds):
                await stranger.has_enough.wait()
        except TimeoutError:
            pass
        ear.close()
    finally:
        await zeroconf.async_close()
    return stranger.realms()


@dataclass(slots=True)
class _Stranger:
    """Hears as one who has no keys."""

    enough: Enough
    has_enough: asyncio.Event = field(default_factory=asyncio.Event)
    nodes: dict[str, tuple[bytes, HeardNode]] = field(default_factory=dict)

    def accept(self, label: str, rdata: bytes) -> bool:
        try:
            properties = from_rdata(rdata)
        except AnnouncementRefused:
            return False
        is_ours = properties.get(b"v") == txt.VERSION
        return is_ours and txt.realm_tag(properties) is not None

    def changed(self, label: str, rdata: bytes, addresses: Sequence[str]) -> None:
        properties = from_rdata(rdata)
        tag, hint = txt.realm_tag(properties), txt.enrol_hint(properties)
        if tag is None:
            return
        node = HeardNode(
            NodeId(label),
            tuple(addresses),
            join(addresses, hint.port) if hint else (),
            hint.pin_prefix if hint else b"",
        )
        self.nodes[label] = (tag, node)
        if self.enough(self.realms()):
            self.has_enough.set()

    def gone(self, label: str) -> None:
        self.nodes.pop(label, None)

    def dropped(self, reason: Dropped) -> None:
        pass  # who only listens has nobody to tell

    def realms(self) -> list[HeardRealm]:
        by_tag: dict[bytes, list[HeardNode]] = {}
        for tag, node in self.nodes.values():
            by_tag.setdefault(tag, []).append(node)
        return [HeardRealm(tag, tuple(nodes)) for tag, nodes in by_tag.items()]
