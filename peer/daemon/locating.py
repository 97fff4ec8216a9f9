"""Who has what a run asks for: hints first, then one question to each who might.

What was found is remembered for a while, so that fetching knows whom to ask.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from peer.events import mistake
from peer.exchange import ExchangeError
from peer.identity import NodeId
from peer.local.messages import Offer
from peer.trust.barring import Barring
from peer.wire import limits
from store import NodeKey, StoreError

from .company import Company
from .realm import Realm
from .traffic import Traffic

DEADLINE_S = 0.25
"""For one answer; who is slower is suspect."""

TOTAL_S = 0.4
"""For all answers to a run."""

CALLERS = 16
QUESTIONS = 4
"""Questions of runs that are dealt with at one time."""

REMEMBERED = 100_000
REMEMBERED_S = 120.0
VERIFYING_BYTES_PER_S = 900e6
FIRST_BYTES_PER_S = 40e6
SPEED_WEIGHT = 0.3
SPEED_BYTES = 256 * 1024
"""What is shorter says nothing about the speed of a link."""


@dataclass(frozen=True, slots=True)
class Source:
    """Somebody who has a result."""

    node_id: NodeId
    size_bytes: int
    cost_s: float


class Speeds:
    """How fast bytes come from each neighbour."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._speeds: dict[NodeId, float] = {}
        self._queued: dict[NodeId, int] = {}

    def estimate_s(self, node_id: NodeId, rtt_s: float, size_bytes: int) -> float:
        """Return seconds until so many bytes would be here, verified."""
        with self._lock:
            speed = self._speeds.get(node_id, FIRST_BYTES_PER_S)
            queued = self._queued.get(node_id, 0)
        wire_s = (size_bytes + queued) / speed
        return 2 * rtt_s + wire_s + size_bytes / VERIFYING_BYTES_PER_S

    def begin(self, node_id: NodeId, size_bytes: int) -> None:
        """Count bytes that are on their way."""
        with self._lock:
            self._queued[node_id] = self._queued.get(node_id, 0) + size_bytes

    def end(self, node_id: NodeId, size_bytes: int) -> None:
        """Count them no longer."""
        with self._lock:
            self._queued[node_id] = max(0, self._queued.get(node_id, 0) - size_bytes)

    def learn(self, node_id: NodeId, size_bytes: int, seconds: float) -> None:
        """Take note of verified bytes and what they took."""
        if size_bytes < SPEED_BYTES or seconds <= 0:
            return
        with self._lock:
            old = self._speeds.get(node_id, FIRST_BYTES_PER_S)
            self._speeds[node_id] = old + SPEED_WEIGHT * (size_bytes / seconds - old)


class Locating:
    """Answers a run's question.  Any thread may ask."""

    def __init__(
        self,
        realm: Realm,
        company: Company,
        traffic: Traffic,
        speeds: Speeds,
        barring: Barring,
    ) -> None:
        self._realm = realm
        self._company = company
        self._barring = barring
        self._traffic = traffic
        self._speeds = speeds
        self._callers = ThreadPoolExecutor(CALLERS, "locate")
        self._questions = ThreadPoolExecutor(QUESTIONS, "question")
        self._lock = threading.Lock()
        self._found: OrderedDict[NodeKey, tuple[float, list[Source]]] = OrderedDict()

    def stop(self) -> None:
        """Answer no more."""
        self._questions.shutdown(wait=False, cancel_futures=True)
        self._callers.shutdown(wait=False, cancel_futures=True)

    def locate(
        self, keys: Sequence[NodeKey], answer: Callable[[list[Offer]], None]
    ) -> None:
        """Find who has ``keys``; ``answer`` is called once, soon."""

        def work() -> None:
            offers: list[Offer] = []
            try:
                offers = self._offers(self.find(keys))
            except (RuntimeError, CancelledError, StoreError):
                pass  # stopping, or the store is gone for the moment
            except Exception as error:
                mistake("locate", error)
            answer(offers)

        try:
            self._questions.submit(work)
        except RuntimeError:
            answer([])

    def find(self, keys: Sequence[NodeKey]) -> dict[NodeKey, list[Source]]:
        """Ask everybody who probably has some of ``keys``; returns within a moment."""
        forgotten = set(self._realm.standing.forgotten_among(keys))
        wanted = [key for key in dict.fromkeys(keys) if key not in forgotten]
        calls: list[Future[list[tuple[NodeKey, Source]]]] = []
        barred = self._barring.barred(time.monotonic())
        for node_id, probable in self._company.hints_for(wanted).items():
            if node_id in barred:
                continue
            for start in range(0, len(probable), limits.LOCATE_KEYS):
                part = probable[start : start + limits.LOCATE_KEYS]
                calls.append(self._callers.submit(self._ask, node_id, part))
        done, late = wait(calls, TOTAL_S)
        for call in late:
            call.cancel()
        found: dict[NodeKey, list[Source]] = {}
        for call in done:
            for key, source in call.result():
                found.setdefault(key, []).append(source)
        self._remember(found)
        return found

    def sources(self, keys: Sequence[NodeKey]) -> dict[NodeKey, list[Source]]:
        """Return who was found to have each of ``keys`` lately, the fastest first."""
        oldest = time.monotonic() - REMEMBERED_S
        with self._lock:
            found = {key: self._found[key] for key in keys if key in self._found}
        estimate_s = self._estimates()
        return {
            key: sorted(
                (each for each in sources if estimate_s(each) < float("inf")),
                key=estimate_s,
            )
            for key, (located, sources) in found.items()
            if located >= oldest
        }

    def _ask(
        self, node_id: NodeId, keys: Sequence[NodeKey]
    ) -> list[tuple[NodeKey, Source]]:
        link = self._company.link(node_id)
        if link is None:
            return []
        started = time.monotonic()
        try:
            answers = link.locate(keys, DEADLINE_S)
        except ExchangeError as error:
            is_late = time.monotonic() - started >= DEADLINE_S
            self._company.failed(node_id, error, is_late=is_late)
            return []
        found = [
            (key, Source(node_id, located[0], located[1] / 1000))
            for key, located in zip(keys, answers, strict=True)
            if located is not None
        ]
        if found:
            self._traffic.add(node_id, located=len(found))
        return found

    def _offers(self, found: dict[NodeKey, list[Source]]) -> list[Offer]:
        offers = []
        estimate_s = self._estimates()
        for key, sources in found.items():
            seconds, _, best = min(
                (estimate_s(source), at, source) for at, source in enumerate(sources)
            )
            if seconds < float("inf"):
                offers.append(Offer(key, best.size_bytes, seconds, best.cost_s))
        return offers

    def _estimates(self) -> Callable[[Source], float]:
        """Return what estimates how long a fetch takes; infinite: nobody is there."""
        rtts = {node_id: it.rtt_s for node_id, it in self._company.live().items()}

        def estimate_s(source: Source) -> float:
            rtt_s = rtts.get(source.node_id)
            if rtt_s is None:
                return float("inf")
            return self._speeds.estimate_s(source.node_id, rtt_s, source.size_bytes)

        return estimate_s

    def _remember(self, found: dict[NodeKey, list[Source]]) -> None:
        now = time.monotonic()
        with self._lock:
            for key, sources in found.items():
                self._found[key] = (now, sources)
                self._found.move_to_end(key)
            while len(self._found) > REMEMBERED:
                self._found.popitem(last=False)
