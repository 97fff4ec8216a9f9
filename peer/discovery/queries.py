"""What is asked by multicast, and when.

Source: RFC 6762, sections 5.2 (the gaps between questions), 7.1 (known answers) and 8.1
(asking for a name before using it).
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from zeroconf import (  # type: ignore[attr-defined]
    DNSOutgoing,
    DNSQuestion,
    ServiceInfo,
    Zeroconf,
    current_time_millis,
)

SERVICE = "_voxpeer._tcp.local."

A, PTR, TXT, AAAA, SRV = 1, 12, 16, 28, 33
IN = 1
QUERY = 0

FIRST_S = (0.02, 0.12)
LONGEST_GAP_S = 1800.0
"""So that each record is refreshed twice before it ends: a record heard lives 4500 s,
and answers are given to who knows them for less than half of that."""

SOON_S = 1.0
SOON_APART_S = 10.0


class Schedule:
    """When to ask who is there: at once, then ever more rarely."""

    def __init__(self, now: float, random: Random) -> None:
        self.due = now + random.uniform(*FIRST_S)
        """When to ask next, in monotonic seconds."""
        self._gap = 1.0
        self._asked = float("-inf")

    def asked(self, now: float) -> None:
        """Note that it was asked."""
        self._asked = now
        self.due = now + self._gap
        self._gap = min(2 * self._gap, LONGEST_GAP_S)

    def soon(self, now: float) -> None:
        """Ask again soon: somebody has said goodbye, or somebody else in its name."""
        self.due = min(self.due, max(now + SOON_S, self._asked + SOON_APART_S))


def ask_who_is_there(zeroconf: Zeroconf) -> None:
    """Ask for all instances of the service, naming those that are known."""
    now = current_time_millis()
    out = DNSOutgoing(QUERY)
    out.add_question(DNSQuestion(SERVICE, PTR, IN))
    for record in zeroconf.cache.get_all_by_details(SERVICE, PTR, IN):
        if not record.is_stale(now):
            out.add_answer_at_time(record, now)
    zeroconf.async_send(out)


def ask_for(zeroconf: Zeroconf, labels: Iterable[str]) -> None:
    """Ask for the records and addresses of instances."""
    out = DNSOutgoing(QUERY)
    for label in labels:
        out.add_question(DNSQuestion(instance_name(label), TXT, IN))
        out.add_question(DNSQuestion(host_name(label), A, IN))
        out.add_question(DNSQuestion(host_name(label), AAAA, IN))
    zeroconf.async_send(out)


def probe(zeroconf: Zeroconf, info: ServiceInfo) -> None:
    """Ask whether somebody else uses a name; who does answers at once."""
    out = DNSOutgoing(QUERY)
    host = info.server or ""
    for name, kind in ((info.name, TXT), (host, A), (host, AAAA)):
        out.add_question(DNSQuestion(name, kind, IN))
    out.add_authorative_answer(info.dns_pointer())
    zeroconf.async_send(out)


def instance_name(label: str) -> str:
    """Return the name of a node's service."""
    return f"{label}.{SERVICE}"


def host_name(label: str) -> str:
    """Return the name of a node's host."""
    return f"{label}.local."


def label_of(name: str) -> str:
    """Return the first label of one of the names above, else nothing."""
    lower = name.lower()
    label, _, rest = lower.partition(".")
    return label if rest in (SERVICE, "local.") else ""
