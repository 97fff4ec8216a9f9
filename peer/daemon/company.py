"""The neighbourhood in action: dials, asks and listens as its state machine says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from random import Random

from peer.discovery import Candidates, Dial, Filter
from peer.discovery.addresses import is_elsewhere
from peer.events import event, mistake
from peer.exchange import (
    BusyError,
    ClosedError,
    ExchangeError,
    Link,
    PeerClient,
    RefusedError,
)
from peer.identity import NodeId
from peer.wire import limits
from peer.wire.v1 import peer_pb2
from store import NodeKey, StoreError

from .following import Following
from .hints import AdvertisedId
from .members import remember_addresses, remembered_addresses
from .neighbour import Introduction, Neighbour, Task, Trouble
from .neighbourhood import Neighbourhood
from .peeking import PeekError, peek
from .realm import Realm
from .serving import introduction_of
from .syncing import synchronise

WORKERS = 16


class Company:
    """The neighbours of one daemon, and the links to them."""

    def __init__(
        self,
        realm: Realm,
        boot_id: bytes,
        introduce: Callable[[], peer_pb2.HelloRequest],
        on_count: Callable[[int], None],
        wake: Callable[[], None],
        on_news: Callable[[NodeId], None] = lambda node_id: None,
    ) -> None:
        """Begin alone.

        Args:
            realm: whose members they are.
            boot_id: of this process.
            introduce: says who we are.
            on_count: called when the number of live neighbours may have changed.
            wake: called when :meth:`step` may have something to do.
            on_news: called with a neighbour whose inventory has changed.
        """
        me = realm.identity.node_id
        self.neighbourhood = Neighbourhood(me, boot_id)
        self.candidates = Candidates(me, Random())
        self.client = PeerClient(realm.credentials)
        self._realm = realm
        self._introduce = introduce
        self._on_count = on_count
        self._wake = wake
        self._lock = threading.RLock()
        self._following = Following(self.neighbourhood, self._lock, on_news)
        self._links: dict[NodeId, Link] = {}
        self._workers = ThreadPoolExecutor(WORKERS, "company")
        self._told_clones: frozenset[NodeId] = frozenset()
        self._is_stopping = False

    # ---- coming and going --------------------------------------------------

    def start(self, seeds: Sequence[str]) -> None:
        """Take up where an earlier life ended."""
        now = time.monotonic()
        for seed in seeds:
            self.candidates.seed(seed, now)
        for node_id, address in remembered_addresses(self._realm.store):
            self.candidates.remembered(node_id, address, now)

    def stop(self) -> None:
        """Close every link; calls that run fail."""
        self._is_stopping = True
        with self._lock:
            links, self._links = list(self._links.values()), {}
        for link in links:
            link.cut()
        self._workers.shutdown(wait=True, cancel_futures=True)

    def step(self) -> None:
        """Do what is due; returns at once."""
        now = time.monotonic()
        with self._lock:
            self.neighbourhood.statements_digest = self._realm.statements_digest
            dials = self.candidates.take(now)
            tasks = self.neighbourhood.tick(now)
        for dial in dials:
            self._submit(partial(self._dial, dial))
        for task, node_id in tasks:
            self._begin(task, node_id)
        self._tell()

    def wait_s(self) -> float:
        """Return after how long to call :meth:`step` at the latest."""
        with self._lock:
            return self.neighbourhood.wait_s(time.monotonic())

    def cut(self, node_id: NodeId) -> None:
        """A neighbour is no member any more: no more calls, none that goes on."""
        with self._lock:
            self.candidates.ban(node_id)
            self.neighbourhood.drop(time.monotonic(), node_id)
            link = self._links.pop(node_id, None)
        if link is not None:
            link.cut()

    def remember(self, *, wait: bool = False) -> None:
        """Write down which neighbours are here, and where they answered.

        Args:
            wait: return only when it is durable.
        """
        with self._lock:
            addresses = self.candidates.good_addresses()
        with suppress(StoreError):
            self._realm.directory.saw(self.live())
            written = remember_addresses(self._realm.store, addresses)
            if wait:
                written.result()

    def reload(self) -> None:
        """Show a new certificate from now on."""
        self.client.reload()

    # ---- what others tell --------------------------------------------------

    def greeted(self, said: Introduction) -> None:
        """Take a Hello that a member sent of its own accord."""
        now = time.monotonic()
        self._realm.directory.call(said.node_id, said.name)
        with self._lock:
            self.neighbourhood.greeted(now, said)
            self.candidates.referral(said.node_id, self._dialable(said.addresses), now)
        self._wake()

    def heard(self, node_id: NodeId, addresses: Sequence[str]) -> None:
        """Take addresses of a member's announcement."""
        with self._lock:
            self.candidates.heard(node_id, addresses, time.monotonic())
        self._wake()

    def announced(
        self,
        node_id: NodeId,
        announced: Filter,
        *,
        is_complete: bool,
        id_of: AdvertisedId,
    ) -> None:
        """Take the filter of a member's announcement; see :class:`Hints`."""
        with self._lock:
            known = self.neighbourhood.get(node_id)
            if known is not None:
                known.hints.announce(
                    time.monotonic(), announced, is_complete=is_complete, id_of=id_of
                )

    def look_for_clone(self, addresses: Sequence[str]) -> None:
        """Dial who announces itself with our identity; its Hello will tell."""
        me = self._realm.identity.node_id
        for address in addresses:
            self._submit(partial(self._greet_clone, me, address))

    def _greet_clone(self, me: NodeId, address: str) -> None:
        link = self.client.to(me, address)
        with suppress(ExchangeError):
            self._hello(link)
        link.cut()

    def left(self, node_id: NodeId) -> None:
        """Take a goodbye."""
        with self._lock:
            self.neighbourhood.left(time.monotonic(), node_id)
        self._wake()

    # ---- what is asked -----------------------------------------------------

    def link(self, node_id: NodeId) -> Link | None:
        """Return the link to a live neighbour."""
        with self._lock:
            if node_id not in self.neighbourhood.live(time.monotonic()):
                return None
            return self._links.get(node_id)

    def all(self) -> dict[NodeId, Neighbour]:
        """Return all neighbours."""
        with self._lock:
            return self.neighbourhood.all()

    def clones(self) -> frozenset[NodeId]:
        """Return the members of whose identity there seem to be copies."""
        with self._lock:
            return self.neighbourhood.clones()

    def is_turned_away(self) -> bool:
        """Return whether others refuse us, and nobody else answers."""
        with self._lock:
            return self.neighbourhood.is_turned_away

    def live(self) -> dict[NodeId, Neighbour]:
        """Return the neighbours that may be asked something."""
        with self._lock:
            return self.neighbourhood.live(time.monotonic())

    def hints_for(self, keys: Sequence[NodeKey]) -> dict[NodeId, list[NodeKey]]:
        """Return whom to ask for which of ``keys``."""
        with self._lock:
            return self.neighbourhood.hints_for(time.monotonic(), keys)

    def listed(self, node_id: NodeId, keys: Sequence[NodeKey]) -> list[NodeKey]:
        """Return which of ``keys`` a neighbour's inventory has."""
        with self._lock:
            known = self.neighbourhood.get(node_id)
            return known.hints.listed(keys) if known is not None else []

    def listed_by(self, keys: Sequence[NodeKey]) -> dict[NodeId, list[NodeKey]]:
        """Return which live neighbours' inventories have which of ``keys``."""
        with self._lock:
            live = self.neighbourhood.live(time.monotonic())
            found = {
                node_id: known.hints.listed(keys) for node_id, known in live.items()
            }
        return {node_id: listed for node_id, listed in found.items() if listed}

    def referrals(self, asker: NodeId) -> list[peer_pb2.Referral]:
        """Return live neighbours, for another member."""
        with self._lock:
            found = self.neighbourhood.referrals(time.monotonic(), asker)
        return [
            peer_pb2.Referral(
                node_id=node_id, addresses=addresses[: limits.REFERRAL_ADDRESSES]
            )
            for node_id, addresses in found
        ]

    def failed(
        self, node_id: NodeId, error: ExchangeError, *, is_late: bool = False
    ) -> None:
        """Take note that a neighbour gave no good answer to a question.

        Args:
            node_id: whom it was asked.
            error: what came instead.
            is_late: whether nothing but the time that a run has was over.
        """
        trouble = trouble_of(error)
        if trouble is Trouble.SILENT and is_late:
            trouble = Trouble.LATE
        with self._lock:
            self.neighbourhood.troubled(time.monotonic(), node_id, trouble)
        self._count(node_id, error)

    # ---- tasks -------------------------------------------------------------

    def _submit(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except Exception as error:  # a mistake of ours must not go unseen
                mistake("company", error)
            self._wake()

        with suppress(RuntimeError):  # stopping
            self._workers.submit(guarded)

    def _begin(self, task: Task, node_id: NodeId) -> None:
        with self._lock:
            if task is Task.PART:
                self.candidates.lost(node_id, time.monotonic())
                link = self._links.pop(node_id, None)
            else:
                link = self._links.get(node_id)
        if task is Task.PART:
            event("part", peer=node_id)
            if link is not None:
                link.cut()
        elif link is None:
            with self._lock:
                self.neighbourhood.troubled(
                    time.monotonic(), node_id, Trouble.SILENT, task
                )
        elif task is Task.WATCH:
            threading.Thread(
                target=self._watch, args=(link,), name="watch", daemon=True
            ).start()
        else:
            self._submit(lambda: self._try(task, link))

    def _watch(self, link: Link) -> None:
        self._try(Task.WATCH, link)
        self._wake()

    def _try(self, task: Task, link: Link) -> None:
        works: dict[Task, Callable[[Link], object]] = {
            Task.HELLO: self._hello,
            Task.WATCH: self._following.watch,
            Task.PULL: self._following.pull,
            Task.SYNC: self._sync,
        }
        try:
            works[task](link)
        except Exception as error:
            if self._is_stopping:
                return
            trouble = Trouble.BUSY
            if isinstance(error, ExchangeError):
                trouble = trouble_of(error)
                self._count(link.node_id, error)
            elif not isinstance(error, StoreError):
                mistake(task.value, error)
            with self._lock:
                now = time.monotonic()
                self.neighbourhood.troubled(now, link.node_id, trouble, task)
            return
        with self._lock:
            self.neighbourhood.done(time.monotonic(), link.node_id, task)

    def _dial(self, dial: Dial) -> None:
        try:
            node_id = dial.node_id or peek(self._realm.identity, dial.address)
        except PeekError:
            with self._lock:
                self.candidates.failed(dial, time.monotonic())
            return
        now = time.monotonic()
        with self._lock:
            is_welcome = self.neighbourhood.is_dialable(now, node_id)
            is_revoked = self._realm.standing.is_revoked(node_id)
            if not is_welcome or is_revoked:
                known = self.neighbourhood.get(node_id)
                if known is not None:
                    self.candidates.verified(node_id, dial, now)
                else:
                    self.candidates.failed(dial, now, for_long=True)
                return
        link = self.client.to(node_id, dial.address)
        try:
            if self._hello(link, dial):
                with suppress(ExchangeError):
                    self._hello(link)  # the first one has measured the handshake
        except ExchangeError as error:
            link.cut()
            trouble = trouble_of(error)
            with self._lock:
                now = time.monotonic()
                is_hopeless = trouble in (Trouble.REFUSED, Trouble.MISMATCH)
                self.candidates.failed(dial, now, for_long=is_hopeless)
                self.neighbourhood.troubled(now, node_id, trouble)
                if isinstance(error, ClosedError):
                    self.neighbourhood.turned_away(node_id)
            self._count(node_id, error)

    def _hello(self, link: Link, dial: Dial | None = None) -> bool:
        """Exchange introductions; return whether this made a new neighbour."""
        started = time.monotonic()
        reply = link.hello(self._introduce())
        now = time.monotonic()
        if reply.me.protocol != limits.PROTOCOL:
            self._realm.counters.add("other_protocols")
            raise RefusedError(link.node_id, "FAILED_PRECONDITION", "another protocol")
        said = introduction_of(link.node_id, reply.me)
        self._realm.directory.call(said.node_id, said.name)
        with self._lock:
            if self._is_stopping:
                link.cut()
                return False
            is_new = self.neighbourhood.answered(
                now,
                said,
                address=link.address,
                route=dial.source if dial else "",
                rtt_s=now - started,
            )
            if dial is not None:
                self.candidates.verified(link.node_id, dial, now)
                if is_new:
                    self._links[link.node_id] = link
                elif self._links.get(link.node_id) is not link:
                    link.close()
            for referral in reply.referrals:
                node_id = NodeId(referral.node_id)
                addresses = self._dialable(referral.addresses)
                self.candidates.referral(node_id, addresses, now)
        if is_new and dial is not None:
            event("join", peer=said.node_id, called=said.name, found_by=dial.source)
        if reply.newer_keys:
            if said.statements_digest != self._realm.statements_digest:
                self._sync(link)  # or a key would be passed on to who is out already
            self._realm.take_keys(reply.newer_keys)
        self._tell()
        return is_new

    def _sync(self, link: Link) -> None:
        synchronise(self._realm, link)

    # ---- details -----------------------------------------------------------

    def _dialable(self, addresses: Sequence[str]) -> list[str]:
        """Return what to believe of what a member says of addresses.

        Nobody is led to what listens on this machine alone, unless we do ourselves.
        """
        if not all(map(is_elsewhere, self._introduce().addresses)):
            return list(addresses)
        return [address for address in addresses if is_elsewhere(address)]

    def _count(self, node_id: NodeId, error: ExchangeError) -> None:
        kind = type(error).__name__.removesuffix("Error").lower()
        self._realm.counters.add(f"asking_{kind}")

    def _tell(self) -> None:
        with self._lock:
            count = len(self.neighbourhood.live(time.monotonic()))
            clones = self.neighbourhood.clones()
            new = clones - self._told_clones
            self._told_clones = clones
        for node_id in new:
            event("clone", level=30, peer=node_id)
        self._on_count(count)


def trouble_of(error: ExchangeError) -> Trouble:
    """Return what an error says about a neighbour."""
    if isinstance(error, BusyError):
        return Trouble.BUSY
    if isinstance(error, RefusedError):
        if error.status == "FAILED_PRECONDITION":
            return Trouble.MISMATCH
        is_final = error.status in ("UNAUTHENTICATED", "PERMISSION_DENIED")
        return Trouble.REFUSED if is_final else Trouble.BUSY
    return Trouble.SILENT
