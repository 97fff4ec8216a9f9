"""Floods of records; they are fed in where zeroconf hands packets on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import pytest
from zeroconf import (  # type: ignore[attr-defined]
    DNSIncoming,
    DNSOutgoing,
    DNSPointer,
    ServiceInfo,
    Zeroconf,
)
from zeroconf.asyncio import AsyncZeroconf

from peer.discovery.ear import MAX_NAMES, MAX_RECORDS, MAX_WAITING, Ear

from .links import LOOPBACK
from .realms import node

SERVICE = "_voxpeer._tcp.local."
GOOD = b"\x04good"
RESPONSE = 0x8400

pytestmark = pytest.mark.slow


@dataclass
class Believer:
    """Accepts what says that it is good."""

    told: dict[str, Sequence[str]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def accept(self, label: str, rdata: bytes) -> bool:
        return rdata.startswith(GOOD)

    def changed(self, label: str, rdata: bytes, addresses: Sequence[str]) -> None:
        self.told[label] = addresses

    def gone(self, label: str) -> None:
        self.left.append(label)

    def dropped(self, reason: str) -> None:
        self.counts[reason] += 1


@dataclass
class Bench:
    """An ear on a responder that nobody else hears."""

    zeroconf: Zeroconf
    ear: Ear
    believer: Believer

    def feed(self, out: DNSOutgoing) -> None:
        for packet in out.packets():
            incoming = DNSIncoming(packet)
            self.zeroconf.record_manager.async_updates_from_response(incoming)

    def announce(self, label: str, text: bytes = GOOD, host: str = "10.0.0.1") -> None:
        info = ServiceInfo(
            SERVICE,
            f"{label}.{SERVICE}",
            47800,
            properties=text,
            server=f"{label}.local.",
            parsed_addresses=[host],
        )
        self.feed(self.zeroconf.generate_service_broadcast(info, None))

    def point_to(self, name: str) -> None:
        out = DNSOutgoing(RESPONSE)
        out.add_answer_at_time(DNSPointer(SERVICE, 12, 1, 4500, name, 0.0), 0)
        self.feed(out)

    def held(self) -> int:
        """Return how many records zeroconf holds."""
        return sum(map(len, self.zeroconf.cache.cache.values()))


def on_bench(body: Callable[[Bench], Awaitable[None]]) -> None:
    """Run something with an ear on the loopback interface."""

    async def run() -> None:
        zeroconf = AsyncZeroconf(interfaces=LOOPBACK)
        await zeroconf.zeroconf.async_wait_for_start()
        believer = Believer()
        ear = Ear(zeroconf.zeroconf, believer, Random(0), own=node("own"))
        try:
            await body(Bench(zeroconf.zeroconf, ear, believer))
        finally:
            ear.close()
            await zeroconf.async_close()

    asyncio.run(run())


def test_ten_thousand_fake_names_leave_nothing_behind() -> None:
    async def body(bench: Bench) -> None:
        honest = node("honest")
        bench.announce(honest)
        before = bench.held()
        for index in range(5000):
            bench.announce(node(str(index)), b"\x03bad")
            bench.announce(f"printer {index}", GOOD)
        assert bench.held() <= before + MAX_RECORDS
        assert len(bench.ear) == 1
        assert list(bench.believer.told) == [honest]
        assert bench.believer.left == []
        assert bench.believer.counts["nameless"] >= 5000

    on_bench(body)


def test_names_without_records_are_waited_for_in_bounded_number() -> None:
    async def body(bench: Bench) -> None:
        for index in range(5000):
            bench.point_to(f"{node(str(index))}.{SERVICE}")
        assert bench.held() <= MAX_WAITING + 1
        assert len(bench.ear) == 0
        assert bench.believer.counts["unanswered"] >= 5000 - MAX_WAITING

    on_bench(body)


def test_many_members_are_kept_up_to_the_limit_the_latest_of_them() -> None:
    async def body(bench: Bench) -> None:
        total = MAX_NAMES + 50
        for index in range(total):
            bench.announce(node(str(index)))
        assert len(bench.ear) == MAX_NAMES
        assert bench.believer.left == [node(str(index)) for index in range(50)]
        assert bench.held() <= MAX_NAMES * 6
        assert node(str(total - 1)) in bench.believer.told

    on_bench(body)


def test_one_name_cannot_hold_many_records() -> None:
    async def body(bench: Bench) -> None:
        honest = node("honest")
        for index in range(2000):
            bench.announce(
                honest, GOOD + b"\x05%05d" % index, f"10.1.{index >> 8}.{index & 255}"
            )
        assert bench.held() <= 2 * MAX_RECORDS + 2
        assert bench.believer.told[honest][0] == "10.1.7.207"
        assert len(bench.believer.told[honest]) <= 8

    on_bench(body)


def test_a_spoofed_record_does_not_displace_the_good_one() -> None:
    async def body(bench: Bench) -> None:
        honest = node("honest")
        bench.announce(honest)
        for index in range(500):
            bench.announce(honest, b"\x03bad", f"10.2.0.{index % 250}")
        bench.announce(honest)
        assert len(bench.ear) == 1
        assert "10.0.0.1" in bench.believer.told[honest]
        assert bench.believer.left == []

    on_bench(body)


def test_addresses_may_come_later_than_the_record() -> None:
    async def body(bench: Bench) -> None:
        label = node("late")
        info = ServiceInfo(
            SERVICE,
            f"{label}.{SERVICE}",
            47800,
            properties=GOOD,
            server=f"{label}.local.",
            parsed_addresses=["10.0.0.9"],
        )
        first = DNSOutgoing(RESPONSE)
        first.add_answer_at_time(info.dns_pointer(), 0)
        first.add_answer_at_time(info.dns_text(), 0)
        bench.feed(first)
        assert bench.believer.told == {}
        second = DNSOutgoing(RESPONSE)
        for record in info.dns_addresses():
            second.add_answer_at_time(record, 0)
        bench.feed(second)
        assert bench.believer.told == {label: ("10.0.0.9",)}

    on_bench(body)
