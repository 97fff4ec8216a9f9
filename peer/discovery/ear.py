"""Hears the records of our service, and keeps no more of them than it has room for.

What zeroconf receives it caches.  After each packet all is thrown out of that cache
again that is not about a node whose record was accepted, or might still be: so ten
thousand made-up names leave nothing behind.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from random import Random
from typing import Literal, Protocol, TypeAlias

from zeroconf import (  # type: ignore[attr-defined]
    DNSAddress,
    DNSPointer,
    DNSRecord,
    DNSText,
    RecordUpdate,
    RecordUpdateListener,
    Zeroconf,
    current_time_millis,
)

from peer.identity.names import is_node_id

from .queries import (
    IN,
    PTR,
    SERVICE,
    Schedule,
    ask_for,
    ask_who_is_there,
    host_name,
    instance_name,
    label_of,
)

MAX_NAMES = 512
"""Nodes of which records are kept."""

MAX_WAITING = 64
"""Nodes of which something was heard, but no TXT record or no address yet."""

MAX_RECORDS = 16
"""Records kept under one name."""

MAX_ADDRESSES = 8
LOOKUP_S = 0.25
LOOKUPS = 8
MAX_LOOKUPS = 4
"""Every quarter of a second at most 8 nodes are asked for, each at most 4 times."""


Dropped: TypeAlias = Literal["nameless", "unanswered", "crowd"]
"""A name of our service that is no node's; one about which nothing came, or not in
time; one beyond the most that are kept."""


class Hearer(Protocol):
    """Who decides about what is heard.  Called on the event loop's thread."""

    def accept(self, label: str, rdata: bytes) -> bool:
        """Return whether the record of a node is to be kept."""

    def changed(self, label: str, rdata: bytes, addresses: Sequence[str]) -> None:
        """Take an accepted record, new or with new IP addresses, the latest first."""

    def gone(self, label: str) -> None:
        """Take note that a node said goodbye, or was silent for too long."""

    def dropped(self, reason: Dropped) -> None:
        """Take note of a name that was dropped without asking, and why."""


@dataclass(slots=True)
class _Heard:
    rdata: bytes
    told: tuple[bytes, tuple[str, ...]] | None = None


class Ear(RecordUpdateListener):
    """Listens until :meth:`close`; made on a running event loop.

    Args:
        zeroconf: a started instance.
        hearer: who decides.
        random: for the moment of the first question.
        own: our own node id, whose records are never thrown out.
    """

    def __init__(
        self, zeroconf: Zeroconf, hearer: Hearer, random: Random, own: str = ""
    ) -> None:
        super().__init__()
        self._zeroconf = zeroconf
        self._hearer = hearer
        self._own = own
        self._batch: list[DNSRecord] = []
        self._heard: OrderedDict[str, _Heard] = OrderedDict()
        self._waiting: OrderedDict[str, int] = OrderedDict()
        self._loop = asyncio.get_running_loop()
        self._schedule = Schedule(self._loop.time(), random)
        self._asking = self._loop.call_at(self._schedule.due, self._ask)
        self._lookup: asyncio.TimerHandle | None = None
        zeroconf.async_add_listener(self, None)

    def __len__(self) -> int:
        """Return how many nodes' records are kept."""
        return len(self._heard)

    def close(self) -> None:
        """Listen and ask no more."""
        self._asking.cancel()
        if self._lookup is not None:
            self._lookup.cancel()
        self._zeroconf.async_remove_listener(self)

    def async_update_records(
        self, zc: Zeroconf, now: float, records: list[RecordUpdate]
    ) -> None:
        """Take the records of one packet, or those that have expired."""
        self._batch.extend(update.new for update in records)

    def async_update_records_complete(self) -> None:
        """Judge what came, and throw out what is not wanted."""
        batch, self._batch = self._batch, []
        now = current_time_millis()
        fresh = [record for record in batch if not record.is_expired(now)]
        for record in fresh:
            if (
                record.type == PTR
                and _is_of_service(record)
                and not self._label(record)
            ):
                self._hearer.dropped("nameless")
        kept = self._sort_out(fresh)
        self._clean([record for record in fresh if self._label(record) not in kept])
        for label in kept:
            self._trim(label)
            self._tell(label)
        self._depart(record for record in batch if record.is_expired(now))

    def _sort_out(self, records: Sequence[DNSRecord]) -> set[str]:
        """Return the nodes of which what was heard is to be kept."""
        texts = [record for record in records if isinstance(record, DNSText)]
        verdicts = {self._label(text): self._take_text(text) for text in texts}
        kept = {label for label, is_kept in verdicts.items() if is_kept}
        for record in records:
            label = self._label(record)
            if label not in verdicts and self._is_wanted(label, record):
                kept.add(label)
        return kept

    def _label(self, record: DNSRecord) -> str:
        """Return the node id that a record is about, or nothing."""
        if isinstance(record, DNSPointer):
            is_ours = record.name.lower() == SERVICE
            label = label_of(record.alias) if is_ours else ""
        else:
            label = label_of(record.name)
        return label if is_node_id(label) else ""

    def _take_text(self, record: DNSText) -> bool:
        """Return whether anything of the node that a record is about is to be kept."""
        label = self._label(record)
        if not label or record.name.lower() != instance_name(label):
            return False
        known = self._heard.get(label)
        if known is None or known.rdata != record.text:
            is_accepted = self._hearer.accept(label, record.text)
            if label == self._own:
                return True
            if not is_accepted:
                self._clean([record])
                self._waiting.pop(label, None)
                return known is not None
            self._heard[label] = known = known or _Heard(record.text)
            known.rdata = record.text
        self._heard.move_to_end(label)
        if len(self._heard) > MAX_NAMES:
            self._hearer.dropped("crowd")
            self._drop(next(iter(self._heard)))
        return True

    def _is_wanted(self, label: str, record: DNSRecord) -> bool:
        if not label:
            return False
        if label == self._own or label in self._heard or label in self._waiting:
            return True
        if record.type == PTR:
            self._wait_for(label)
        return record.type == PTR

    def _tell(self, label: str) -> None:
        heard = self._heard.get(label)
        if heard is None:
            return
        addresses = self.addresses(label)
        if not addresses:
            self._wait_for(label)
            return
        self._waiting.pop(label, None)
        state = (heard.rdata, addresses)
        if state != heard.told:
            heard.told = state
            self._hearer.changed(label, *state)

    def addresses(self, label: str) -> tuple[str, ...]:
        """Return the IP addresses under a node's name, the latest first."""
        now = current_time_millis()
        found = []
        for record in self._zeroconf.cache.entries_with_name(host_name(label)):
            if not isinstance(record, DNSAddress) or record.is_expired(now):
                continue
            with suppress(ValueError):
                address = ip_address(record.address)
                if address.version == 4 or not address.is_link_local:
                    found.append(str(address))
        return tuple(dict.fromkeys(reversed(found)))[:MAX_ADDRESSES]

    def _depart(self, records: Iterable[DNSRecord]) -> None:
        for record in records:
            label = self._label(record)
            if record.type == PTR and label in self._heard:
                self._drop(label)
                self._schedule.soon(self._loop.time())
                self._asking.cancel()
                self._asking = self._loop.call_at(self._schedule.due, self._ask)

    def _drop(self, label: str) -> None:
        self._heard.pop(label, None)
        self._forget_records(label)
        self._hearer.gone(label)

    def _forget_records(self, label: str) -> None:
        cache = self._zeroconf.cache
        pointers = [
            record
            for record in cache.get_all_by_details(SERVICE, PTR, IN)
            if self._label(record) == label
        ]
        names = (instance_name(label), host_name(label))
        rest = [record for name in names for record in cache.entries_with_name(name)]
        self._clean([*pointers, *rest])

    def _trim(self, label: str) -> None:
        for name in (instance_name(label), host_name(label)):
            records = self._zeroconf.cache.entries_with_name(name)
            self._clean(records[:-MAX_RECORDS])

    def _clean(self, records: Iterable[DNSRecord]) -> None:
        cache = self._zeroconf.cache
        for record in dict.fromkeys(records):
            if record in cache.cache.get(record.key, ()):
                cache.async_remove_records([record])

    def _wait_for(self, label: str) -> None:
        if label in self._waiting:
            return
        self._waiting[label] = 0
        if len(self._waiting) > MAX_WAITING:
            oldest, _ = self._waiting.popitem(last=False)
            if oldest not in self._heard:
                self._hearer.dropped("unanswered")
                self._forget_records(oldest)
        if self._lookup is None:
            self._lookup = self._loop.call_later(LOOKUP_S, self._look_up)

    def _look_up(self) -> None:
        self._lookup = None
        labels = list(self._waiting)[:LOOKUPS]
        for label in labels:
            self._waiting[label] += 1
            if self._waiting[label] > MAX_LOOKUPS:
                del self._waiting[label]
                if label not in self._heard:
                    self._hearer.dropped("unanswered")
                    self._forget_records(label)
            else:
                self._waiting.move_to_end(label)
        ask_for(self._zeroconf, [label for label in labels if label in self._waiting])
        if self._waiting:
            self._lookup = self._loop.call_later(LOOKUP_S, self._look_up)

    def _ask(self) -> None:
        ask_who_is_there(self._zeroconf)
        self._schedule.asked(self._loop.time())
        self._asking = self._loop.call_at(self._schedule.due, self._ask)


def _is_of_service(record: DNSRecord) -> bool:
    return bool(record.name.lower() == SERVICE)
