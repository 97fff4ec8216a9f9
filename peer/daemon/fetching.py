"""Bringing results here for runs: records first, then bytes, then both into the store.

A result is answered for when it is durable here, or will not come.  Runs that want the
same one at the same time share one fetch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from peer.events import event, mistake
from peer.exchange import ExchangeError, FetchOutcome, Link, fetch
from peer.identity import NodeId
from peer.trust import attestations
from peer.trust.barring import Barring
from peer.trust.drawing import Draw
from peer.wire import limits
from primitives.errors import ValueEncodingError
from store import (
    Batch,
    CorruptArtifactError,
    Digest,
    NodeKey,
    Result,
    StoreError,
    StoreFullError,
    digest_of,
)

from .accepting import Accepted
from .asking import Asking
from .company import Company
from .content import holds_voxels, parts_of
from .locating import Locating, Speeds
from .quota import Quota
from .realm import Realm
from .traffic import Traffic

ASKERS = 8
TRANSFERS = 4
MAX_SOURCES = 4
MAX_ASKED = 3
"""Replies of one source that may leave a record out while others come."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """How a fetch ended; fields as in ``scheduler.neighbours.Arrived``."""

    key: NodeKey
    source: str = ""
    seconds: float = 0.0
    size_bytes: int = 0
    wants_audit: bool = False


Answer = Callable[[Arrived], None]


@dataclass(slots=True)
class _Wanted:
    """A result that somebody waits for."""

    key: NodeKey
    begun: float
    sources: list[NodeId]
    asked: int = 0
    spares_s: float | None = None
    """Seconds of computing that runs say it spares them."""
    answers: list[Answer] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Come:
    """A result whose record has come."""

    wanted: _Wanted
    accepted: Accepted
    source: NodeId
    size_bytes: int = 0
    parts: tuple[Digest, ...] = ()


class Fetching:
    """Fetches for all runs of the store.  Any thread may ask."""

    def __init__(
        self,
        realm: Realm,
        company: Company,
        locating: Locating,
        traffic: Traffic,
        speeds: Speeds,
        quota: Quota,
        barring: Barring,
        draw: Draw,
    ) -> None:
        self._realm = realm
        self._draw = draw
        self._store = realm.store
        self._company = company
        self._barring = barring
        self._locating = locating
        self._traffic = traffic
        self._speeds = speeds
        self._quota = quota
        self._asking = Asking(realm, company, traffic, quota)
        self._lock = threading.Lock()
        self._wanted: dict[NodeKey, _Wanted] = {}
        self._askers = ThreadPoolExecutor(ASKERS, "records")
        self._transfers = ThreadPoolExecutor(TRANSFERS, "transfer")
        self._stop = threading.Event()

    def stop(self) -> None:
        """Give up what runs; what has come of it is kept for the next time."""
        self._stop.set()
        self._askers.shutdown(wait=False, cancel_futures=True)
        self._transfers.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            wanted = list(self._wanted.values())
        for each in wanted:
            self._end(each, Arrived(each.key))

    def fetch(
        self,
        keys: Sequence[NodeKey],
        answer: Answer,
        spares_s: Sequence[float] = (),
        has: Mapping[NodeKey, NodeId] | None = None,
    ) -> None:
        """Bring results of ``keys`` here; ``answer`` is called once for each.

        Args:
            keys: the nodes.
            answer: called from any thread.
            spares_s: for each of ``keys``, what computing it spares.
            has: who is said to have a result, who is asked first.
        """
        new: list[_Wanted] = []
        now = time.monotonic()
        spares = {
            key: spared
            for key, spared in zip(keys, spares_s, strict=False)
            if 0 <= spared < float("inf")
        }
        with self._lock:
            for key in dict.fromkeys(keys):
                wanted = self._wanted.get(key)
                if wanted is None:
                    wanted = self._wanted[key] = _Wanted(key, now, [])
                    if has is not None and key in has:
                        wanted.sources.append(has[key])
                    new.append(wanted)
                wanted.answers.append(answer)
                if key in spares:
                    wanted.spares_s = (wanted.spares_s or 0.0) + spares[key]
        if new:
            self._submit(self._askers, lambda: self._start(new), new)

    # ---- records -----------------------------------------------------------

    def _start(self, wanted: Sequence[_Wanted]) -> None:
        keys = [each.key for each in wanted]
        known = self._locating.sources(keys)
        unknown = [
            each.key for each in wanted if not (each.sources or known.get(each.key))
        ]
        if unknown:
            self._locating.find(unknown)
            known |= self._locating.sources(unknown)
        for each in wanted:
            found = [source.node_id for source in known.get(each.key, [])]
            each.sources = list(dict.fromkeys(each.sources + found))[:MAX_SOURCES]
        self._ask_first(wanted)

    def _ask_first(self, wanted: Sequence[_Wanted]) -> None:
        """Ask the best source of each for its records."""
        groups: dict[NodeId, list[_Wanted]] = {}
        for each in wanted:
            if each.sources:
                groups.setdefault(each.sources[0], []).append(each)
            else:
                self._end(each, Arrived(each.key))
        for node_id, group in groups.items():
            for start in range(0, len(group), limits.RECORDS_KEYS):
                part = group[start : start + limits.RECORDS_KEYS]
                self._submit(self._askers, partial(self._ask, node_id, part), part)

    def _ask(self, node_id: NodeId, wanted: Sequence[_Wanted]) -> None:
        left = {each.key: each for each in wanted}
        short: list[_Come] = []
        records: list[Accepted] = []
        try:
            records = self._asking.records(node_id, set(left))
            disputed = self._asking.disputed(records)
            for accepted in records:
                each = left.pop(accepted.key)
                come = _Come(each, accepted, node_id)
                if accepted.key in disputed:
                    self._end(each, Arrived(each.key))
                elif accepted.inline is None or accepted.record.children:
                    self._submit(self._transfers, partial(self._transfer, come), [each])
                elif is_value(accepted):
                    self._store.put([accepted.inline])
                    short.append(replace(come, size_bytes=len(accepted.inline)))
                else:
                    self._asking.reject(node_id, "bad_inline")
                    if digest_of([accepted.inline]) != accepted.attestation.digest:
                        self._strike(node_id, accepted.attestation.digest)
                    left[each.key] = each
        except ExchangeError as error:
            self._company.failed(node_id, error)
        for each in left.values():
            each.asked += 1
            # A reply has room for so much; what did not fit is asked for again.
            if not records or each.asked > MAX_ASKED:
                each.sources.remove(node_id)
                each.asked = 0
        if short:
            self._submit(
                self._transfers,
                lambda: self._commit(short),
                [come.wanted for come in short],
            )
        self._ask_first(list(left.values()))

    # ---- bytes -------------------------------------------------------------

    def _transfer(self, come: _Come) -> None:
        wanted, record = come.wanted, come.accepted.record
        digest = come.accepted.attestation.digest
        room = self._room(NodeId(record.signer))
        size = self._bring(wanted, digest, record.size_bytes, room)
        if size is None:
            self._end(wanted, Arrived(wanted.key))
            return
        try:
            parts = self._parts(come.accepted)
            for part in parts:
                # All parts together have the room of one signer.
                more = self._bring(wanted, part, None, room - size)
                if more is None:
                    self._end(wanted, Arrived(wanted.key))
                    return
                if not holds_voxels(self._store.open(part).view()):
                    raise ValueEncodingError("a part is neither an image nor a mask")
                size += more
        except (ValueEncodingError, CorruptArtifactError):
            self._asking.reject(come.source, "refused_contents")
            self._end(wanted, Arrived(wanted.key))
            return
        self._commit([replace(come, size_bytes=size, parts=parts)])

    def _parts(self, accepted: Accepted) -> tuple[Digest, ...]:
        """Return what the value refers to, if it is what its record says.

        Raises:
            ValueEncodingError: it is something else.
            CorruptArtifactError: it has been damaged here.
        """
        said = tuple(Digest(each) for each in accepted.record.children)
        payload = self._store.open(accepted.attestation.digest).view()
        if set(parts_of(payload, accepted.record.kind)) != set(said):
            raise ValueEncodingError("it refers to other things than its record says")
        return said

    def _bring(
        self, wanted: _Wanted, digest: Digest, size: int | None, room: int
    ) -> int | None:
        """Bring one artifact here; return its bytes, or None if it did not come.

        Args:
            room: most bytes that it may have.
        """
        with suppress(StoreError):
            return self._store.manifest(digest).size_bytes
        links = self._links(wanted)
        if not links or self._stop.is_set():
            return None
        first = links[0].node_id
        self._speeds.begin(first, size or 0)
        try:
            outcome = fetch(
                links,
                wanted.key,
                digest,
                self._store.receive,
                size_bytes=size,
                limit_bytes=room,
                stop=self._stop,
            )
        finally:
            self._speeds.end(first, size or 0)
        self._learn(outcome, digest)
        return outcome.size_bytes if outcome.digest is not None else None

    def _room(self, signer: NodeId) -> int:
        return min(limits.ARTIFACT_BYTES, self._quota.left(signer))

    def _links(self, wanted: _Wanted) -> list[Link]:
        barred = self._barring.barred(time.monotonic())
        asked = (node_id for node_id in wanted.sources if node_id not in barred)
        links = (self._company.link(node_id) for node_id in asked)
        return [link for link in links if link is not None]

    def _learn(self, outcome: FetchOutcome, digest: Digest) -> None:
        total = sum(outcome.bytes_from.values())
        for node_id, size in outcome.bytes_from.items():
            self._traffic.add(node_id, fetched_bytes=size)
            self._speeds.learn(node_id, size, outcome.seconds * size / total)
        for node_id in outcome.liars:
            self._asking.reject(node_id, "bad_chunks")
            event("bad_chunk", level=30, peer=node_id)
            self._strike(node_id, digest)

    def _strike(self, node_id: NodeId, digest: Digest) -> None:
        if self._barring.strike(node_id, digest, time.monotonic()):
            self._realm.counters.add("servers_barred")
            event("bar", level=30, peer=node_id)

    # ---- the end -----------------------------------------------------------

    def _commit(self, comes: Sequence[_Come]) -> None:
        """Make results durable, and answer for them."""
        good = [come for come in comes if self._counts(come.accepted)]
        # What is queued first is durable no later: no result without its record.
        attestations.add(self._store, [come.accepted.attestation for come in good])
        results = [_result(come) for come in good]
        self._store.commit(Batch(results=results)).result()
        here = self._store.lookup([result.key for result in results])
        for come in comes:
            if come.wanted.key in here:
                self._arrived(come)
            else:  # disputed or revoked meanwhile
                self._end(come.wanted, Arrived(come.wanted.key))

    def _counts(self, accepted: Accepted) -> bool:
        """Return whether a record counts still, after its bytes have come."""
        attestation = accepted.attestation
        is_accepted = self._realm.accepts(attestation.signer, attestation.sequence)
        may_rest = self._realm.may_rest_on(accepted.others)
        return is_accepted and may_rest and not self._realm.is_forgotten(accepted.key)

    def _arrived(self, come: _Come) -> None:
        record, wanted = come.accepted.record, come.wanted
        seconds = time.monotonic() - wanted.begun
        # Who fetches without saying tells no better than the record does.
        spared_s = max(record.cost_us, record.subtree_us) / 1e6
        if wanted.spares_s is not None:
            spared_s = wanted.spares_s
        signer = come.accepted.attestation.signer
        self._quota.add(signer, come.size_bytes)
        self._traffic.add(
            come.source,
            fetched=1,
            fetched_bytes=len(come.accepted.inline or b""),
            saved_s=max(0.0, spared_s - seconds),
        )
        name = self._realm.directory.name(come.source)
        wants_audit = self._draw.wants_audit(signer)
        arrived = Arrived(wanted.key, name, seconds, come.size_bytes, wants_audit)
        self._end(wanted, arrived)

    def _end(self, wanted: _Wanted, arrived: Arrived) -> None:
        with self._lock:
            if self._wanted.get(wanted.key) is wanted:
                del self._wanted[wanted.key]
            answers, wanted.answers = wanted.answers, []
        for answer in answers:
            answer(arrived)

    def _submit(
        self,
        pool: ThreadPoolExecutor,
        work: Callable[[], None],
        wanted: Sequence[_Wanted],
    ) -> None:
        """Run ``work``; if it cannot, or fails, what it was for does not come."""

        def guarded() -> None:
            try:
                work()
            except StoreFullError:
                event("store_full", level=30)
                self._give_up(wanted)
            except StoreError as error:
                event("store", level=30, problem=type(error).__name__)
                self._give_up(wanted)
            except Exception as error:
                mistake("fetch", error)
                self._give_up(wanted)

        try:
            pool.submit(guarded)
        except RuntimeError:  # stopping
            self._give_up(wanted)

    def _give_up(self, wanted: Sequence[_Wanted]) -> None:
        for each in wanted:
            self._end(each, Arrived(each.key))


def is_value(accepted: Accepted) -> bool:
    """Return whether the bytes that came with a record are what it says."""
    if accepted.inline is None:
        return False
    if digest_of([accepted.inline]) != accepted.attestation.digest:
        return False
    try:
        return not parts_of(accepted.inline, accepted.record.kind)
    except ValueEncodingError:
        return False


def _result(come: _Come) -> Result:
    record = come.accepted.record
    return Result(
        key=come.wanted.key,
        digest=come.accepted.attestation.digest,
        kind=record.kind,
        size_bytes=record.size_bytes,
        cost_s=record.cost_us / 1e6,
        subtree_s=record.subtree_us / 1e6,
        environment=record.environment,
        origin="peer",
        reveals_input=record.reveals_input,
        children=come.parts,
        operation=record.operation,
        relies_on=come.accepted.relies_on,
    )
