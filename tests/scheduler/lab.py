"""Several runs at once, each on a store of its own, that divide their work.

A :class:`Lab` stands for everything between the runs: one table says who is at which
node, and results are copied from store to store as soon as somebody wants them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from scheduler import Arrived, Located, OnArrived, OnLocated
from scheduler.neighbours import (
    Claim,
    ClaimAnswer,
    Free,
    Granted,
    Held,
    OnClaimed,
)
from store import NodeKey, SqliteStore

from .neighbourhood import Errands, bring


@dataclass(slots=True)
class _Place:
    """What is known of one node."""

    holder: Member | None = None
    since: float = 0.0
    estimate_s: float = 0.0
    done_by: Member | None = None
    waiting: list[tuple[Member, OnClaimed]] = field(default_factory=list)


class Lab:
    """Who is at which node, and who has what."""

    def __init__(self, errand_s: float = 0.001) -> None:
        self.members: list[Member] = []
        self.errand_s = errand_s
        self.errands = Errands()
        self._places: dict[NodeKey, _Place] = {}
        self._lock = threading.Lock()

    def member(self, name: str, store: SqliteStore) -> Member:
        """Return the neighbours of another run."""
        made = Member(self, name, store)
        self.members.append(made)
        return made

    def join(self) -> None:
        """Close, and wait until nothing uses the stores any more."""
        self.errands.join()

    @property
    def held(self) -> set[NodeKey]:
        """The nodes that somebody is at."""
        with self._lock:
            return {key for key, place in self._places.items() if place.holder}

    def claim(self, member: Member, claims: Sequence[Claim], answer: OnClaimed) -> None:
        with self._lock:
            for claim in claims:
                place = self._places.setdefault(claim.key, _Place())
                if place.done_by not in (None, member):
                    self._deliver(member, claim.key, place, answer)
                elif place.holder not in (None, member):
                    place.waiting.append((member, answer))
                    self._tell(answer, _held(claim.key, place))
                else:
                    self._grant(member, claim.key, place, answer, claim.estimate_s)

    def release(
        self, member: Member, keys: Sequence[NodeKey], *, has_failed: bool
    ) -> None:
        with self._lock:
            for key in keys:
                place = self._places.setdefault(key, _Place())
                place.waiting = [each for each in place.waiting if each[0] != member]
                if place.holder is not member:
                    continue
                place.holder = None
                while place.waiting and (place.holder is None or has_failed):
                    other, answer = place.waiting.pop(0)
                    self._grant(other, key, place, answer, place.estimate_s)

    def publish(self, member: Member, keys: Sequence[NodeKey]) -> None:
        with self._lock:
            for key in keys:
                place = self._places.setdefault(key, _Place())
                place.holder, place.done_by = None, place.done_by or member
                waiting, place.waiting = place.waiting, []
                for other, answer in waiting:
                    if other is not member:
                        self._deliver(other, key, place, answer)

    def located(self, member: Member, keys: Sequence[NodeKey]) -> dict[NodeKey, Member]:
        with self._lock:
            return {
                key: place.done_by
                for key in keys
                if (place := self._places.get(key)) is not None
                and place.done_by not in (None, member)
            }

    def _grant(
        self,
        member: Member,
        key: NodeKey,
        place: _Place,
        answer: OnClaimed,
        estimate_s: float,
    ) -> None:
        place.holder, place.since = member, time.monotonic()
        place.estimate_s = estimate_s
        self._tell(answer, Granted(key))

    def _deliver(
        self, member: Member, key: NodeKey, place: _Place, answer: OnClaimed
    ) -> None:
        source = place.done_by
        assert source is not None

        def run(is_closed: bool) -> None:
            if not is_closed:
                answer(member.receive(key, source))

        self.errands.later(self.errand_s, run)

    def _tell(self, answer: OnClaimed, said: ClaimAnswer) -> None:
        self.errands.later(self.errand_s, lambda _: answer(said))


class Member:
    """Implements ``scheduler.Neighbours`` for one run of a lab.

    Attributes:
        claimed: the claims of every batch.
        begun: keys that were begun without a grant.
    """

    def __init__(self, lab: Lab, name: str, store: SqliteStore) -> None:
        self.name = name
        self.store = store
        self.claimed: list[list[Claim]] = []
        self.begun: list[NodeKey] = []
        self.lab = lab
        self._is_closed = False

    @property
    def is_alone(self) -> bool:
        return self._is_closed

    def locate(self, keys: Sequence[NodeKey], answer: OnLocated) -> None:
        found = {} if self._is_closed else self.lab.located(self, keys)
        offers = {
            key: Located(key, hit.result.size_bytes, 0.001, hit.result.cost_s)
            for key, other in found.items()
            for hit in other.store.lookup([key]).values()
        }
        self._later(lambda: answer(offers))

    def fetch(
        self, keys: Sequence[NodeKey], answer: OnArrived, spares_s: Sequence[float] = ()
    ) -> None:
        found = {} if self._is_closed else self.lab.located(self, keys)
        for key in keys:
            self._later(self._fetching(key, found.get(key), answer))

    def _fetching(
        self, key: NodeKey, source: Member | None, answer: OnArrived
    ) -> Callable[[], None]:
        def run() -> None:
            if source is None:
                answer(Arrived(key, "", 0.0))
            else:
                answer(self.receive(key, source))

        return run

    def receive(self, key: NodeKey, source: Member) -> Arrived:
        """Bring a result here from another member."""
        started = time.monotonic()
        hit = source.store.lookup([key])[key]
        bring(hit, source.store, self.store)
        seconds = time.monotonic() - started
        return Arrived(key, source.name, seconds, hit.result.size_bytes)

    def ranks(self, keys: Sequence[NodeKey]) -> list[int]:
        if self._is_closed:
            return [0] * len(keys)
        names = [member.name for member in self.lab.members]
        return [sorted(names, key=_weight(key)).index(self.name) for key in keys]

    def claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
        if self._is_closed:
            for claim in claims:
                answer(Free(claim.key))
            return
        self.claimed.append(list(claims))
        self.lab.claim(self, claims, answer)

    def begin(self, keys: Sequence[NodeKey]) -> None:
        self.begun += keys

    def release(self, keys: Sequence[NodeKey], *, has_failed: bool = False) -> None:
        self.lab.release(self, keys, has_failed=has_failed)

    def publish(self, keys: Sequence[NodeKey]) -> None:
        self.lab.publish(self, keys)

    def close(self) -> None:
        self._is_closed = True
        self.lab.release(self, list(self.lab.held), has_failed=False)

    def _later(self, run: Callable[[], None]) -> None:
        self.lab.errands.later(self.lab.errand_s, lambda _: run())


def _held(key: NodeKey, place: _Place) -> Held:
    assert place.holder is not None
    left_s = place.estimate_s - (time.monotonic() - place.since)
    return Held(key, place.holder.name, max(0.0, left_s))


def _weight(key: NodeKey) -> Callable[[str], bytes]:
    return lambda name: blake2b(name.encode(), key=key, digest_size=8).digest()
