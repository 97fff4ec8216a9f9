"""Neighbours whose results lie in another store of this machine.

They do what is asked of real ones: results are verified, committed to the run's store
and then announced.  A :class:`Manner` says how well they behave.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from primitives.encoding import children
from scheduler import Arrived, Located, OnArrived, OnLocated
from scheduler.neighbours import Claim, Free, Granted, OnClaimed
from store import (
    Batch,
    Digest,
    Found,
    NodeKey,
    Reliance,
    SqliteStore,
    StoreError,
)

NEVER_S = 1e9


@dataclass(frozen=True, slots=True)
class Manner:
    """How neighbours behave.

    Attributes:
        answer_s: seconds until a question is answered; ``NEVER_S`` for silence.
        arrive_s: seconds until a result is here.
        promise_s: seconds that they say it takes.
        says_size: the size that they say a result has, if not the true one.
        decide_s: seconds until a claim is answered.
        drops: fetches fail, after ``arrive_s``.
        vanishes: what is said to have arrived is not in the store.
    """

    answer_s: float = 0.0
    arrive_s: float = 0.0
    promise_s: float = 0.001
    decide_s: float = 0.0
    says_size: int | None = None
    drops: bool = False
    vanishes: bool = False


@dataclass(order=True)
class _Errand:
    due: float
    number: int
    run: Callable[[bool], None] = field(compare=False)
    """Takes whether the neighbours were closed meanwhile."""


class Errands:
    """Does things later, in one thread of its own."""

    def __init__(self) -> None:
        self.is_closed = False
        self._errands: list[_Errand] = []
        self._count = 0
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def later(self, seconds: float, run: Callable[[bool], None]) -> None:
        """Call ``run(is_closed)`` after some seconds, or when all of it is closed."""
        with self._changed:
            is_over = self.is_closed
            if not is_over:
                self._count += 1
                due = time.monotonic() + seconds
                heapq.heappush(self._errands, _Errand(due, self._count, run))
                self._changed.notify_all()
        if is_over:
            run(True)

    def close(self) -> None:
        """Do at once what is left."""
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    def join(self) -> None:
        """Close, and wait until everything is done."""
        self.close()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self.is_closed and not self._is_due():
                    wait_s = (
                        self._errands[0].due - time.monotonic()
                        if self._errands
                        else None
                    )
                    self._changed.wait(None if wait_s is None else min(wait_s, 60.0))
                if not self._errands:
                    return
                errand = heapq.heappop(self._errands)
                is_closed = self.is_closed
            errand.run(is_closed)

    def _is_due(self) -> bool:
        return bool(self._errands) and self._errands[0].due <= time.monotonic()


class Unclaiming:
    """Neighbours to whom all work is left."""

    def ranks(self, keys: Sequence[NodeKey]) -> list[int]:
        return [0] * len(keys)

    def claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
        for claim in claims:
            answer(Free(claim.key))

    def begin(self, keys: Sequence[NodeKey]) -> None:
        pass

    def release(self, keys: Sequence[NodeKey], *, has_failed: bool = False) -> None:
        pass


class StoreNeighbours:
    """Implements ``scheduler.Neighbours`` with the results of one other store.

    Nobody computes over there: whatever is claimed is granted.

    Attributes:
        asked: the keys of every question.
        fetched: keys in the order in which they were fetched.
        spares_s: what the run says of each, seconds that it spares.
        published: the keys of every announcement.
        claimed: the claims of every batch.
        begun: keys that were begun without a grant.
        released: keys of claims that ended without a result; failed: those of them
            that have no value.
    """

    name = "ada"

    def __init__(
        self,
        theirs: SqliteStore,
        ours: SqliteStore,
        manner: Manner | None = None,
        *,
        is_alone: bool = False,
    ) -> None:
        self.manner = manner or Manner()
        self.asked: list[list[NodeKey]] = []
        self.fetched: list[NodeKey] = []
        self.spares_s: list[float] = []
        self.published: list[list[NodeKey]] = []
        self.claimed: list[list[Claim]] = []
        self.begun: list[NodeKey] = []
        self.released: list[NodeKey] = []
        self.failed: list[NodeKey] = []
        self._theirs = theirs
        self._ours = ours
        self._is_alone = is_alone
        self._errands = Errands()
        self._later = self._errands.later

    @property
    def is_alone(self) -> bool:
        return self._is_alone or self._errands.is_closed

    def locate(self, keys: Sequence[NodeKey], answer: OnLocated) -> None:
        self.asked.append(list(keys))

        def run(is_closed: bool) -> None:
            found = {} if is_closed else self._theirs.lookup(list(keys))
            answer({key: self._offer(hit) for key, hit in found.items()})

        self._later(self.manner.answer_s, run)

    def _offer(self, hit: Found) -> Located:
        result = hit.result
        size = self.manner.says_size
        return Located(
            result.key,
            result.size_bytes if size is None else size,
            self.manner.promise_s,
            result.cost_s,
        )

    def fetch(
        self, keys: Sequence[NodeKey], answer: OnArrived, spares_s: Sequence[float] = ()
    ) -> None:
        self.spares_s += spares_s
        for key in keys:
            self.fetched.append(key)
            self._later(self.manner.arrive_s, self._fetching(key, answer))

    def _fetching(self, key: NodeKey, answer: OnArrived) -> Callable[[bool], None]:
        started = time.monotonic()

        def run(is_closed: bool) -> None:
            hit = None
            if not (is_closed or self.manner.drops):
                hit = self._theirs.lookup([key]).get(key)
            if hit is not None and not self.manner.vanishes:
                try:
                    bring(hit, self._theirs, self._ours)
                except StoreError:  # lost over there, or no room here
                    hit = None
            source = "" if hit is None else self.name
            size = 0 if hit is None else hit.result.size_bytes
            answer(Arrived(key, source, time.monotonic() - started, size))

        return run

    def ranks(self, keys: Sequence[NodeKey]) -> list[int]:
        return [0] * len(keys)

    def claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
        self.claimed.append(list(claims))

        def run(is_closed: bool) -> None:
            for claim in claims:
                answer(Free(claim.key) if is_closed else Granted(claim.key))

        self._later(self.manner.decide_s, run)

    def begin(self, keys: Sequence[NodeKey]) -> None:
        self.begun += keys

    def release(self, keys: Sequence[NodeKey], *, has_failed: bool = False) -> None:
        self.released += keys
        if has_failed:
            self.failed += keys

    def publish(self, keys: Sequence[NodeKey]) -> None:
        if not self._errands.is_closed:
            self.published.append(list(keys))

    def close(self) -> None:
        self._errands.close()

    def join(self) -> None:
        """Close, and wait until nothing uses the stores any more."""
        self._errands.join()


def bring(
    hit: Found,
    theirs: SqliteStore,
    ours: SqliteStore,
    relied: tuple[Reliance, ...] = (),
) -> None:
    """Copy a result and the images in it from one store to another.

    Args:
        hit: the result.
        theirs: where it is.
        ours: where it goes.
        relied: on whose word it rests; of the neighbour alone by default.
    """
    digest = hit.result.digest
    parts: tuple[Digest, ...] = ()
    if hit.payload is not None and not hit.result.kind:
        ours.put([hit.payload])  # a small one, which is no artifact over there
    else:
        payload = theirs.open(digest).view()
        parts = tuple(Digest(part) for part in children(payload))
        for part in parts:
            ours.put([theirs.open(part).view()])
        assert ours.put([payload]) == digest
    result = replace(
        hit.result,
        origin="peer",
        recipe=b"",
        children=parts,
        plan=None,
        relies_on=relied or (Reliance(StoreNeighbours.name, 1),),
    )
    ours.commit(Batch(results=[result])).result()
