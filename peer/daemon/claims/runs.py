"""The runs of this machine that have claims, and what each of them has open.

Bookkeeping between connections and the claim protocol: what a run says becomes events,
what the protocol tells a run becomes answers.  No lock, socket or clock of its own:
whoever uses it holds the lock of the protocol, and sends the outboxes afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import count

import msgspec

from peer.claims.messages import (
    Begun,
    Event,
    Finished,
    GivenUp,
    RunEnded,
    RunId,
    TellArrived,
    TellFree,
    Wanted,
)
from peer.identity import NodeId
from peer.local.messages import Claimed
from peer.local.server import Reply
from store import NodeKey

from .news import Contested
from .open_claims import OpenClaim, Run, Tell
from .outbox import Outbox
from .times import ClaimTimes

SILENCE_S = 10.0
"""Claims of a run that says nothing for so long end."""

SETTLE_S = 2.0
"""A published result that is not shared after so long cannot be."""

MAX_OPEN = 16_384
"""Claims of one run; more are free."""


@dataclass(frozen=True, slots=True)
class _Published:
    """A result that is in the store, and not yet shared."""

    run: RunId | None
    at: float


class Runs:
    """All runs with claims."""

    def __init__(self, name_of: Callable[[NodeId], str], times: ClaimTimes) -> None:
        """Begin with none.

        Args:
            name_of: returns what people call a member.
            times: takes note of how long claims take.
        """
        self._name_of = name_of
        self._times = times
        self._numbers = count(1)
        self._by_connection: dict[int, Run] = {}
        self._by_number: dict[RunId, Run] = {}
        self._published: dict[NodeKey, _Published] = {}
        self._contested = Contested()

    # ---- what runs say -----------------------------------------------------

    def claim(
        self,
        now: float,
        reply: Reply,
        request: int,
        wanted: Iterable[tuple[NodeKey, float]],
        free: Iterable[NodeKey],
    ) -> tuple[list[Event], list[Outbox]]:
        """Take claims of a run.

        Args:
            now: when they came.
            reply: of the connection.
            request: number of the message.
            wanted: nodes to be claimed, with their estimates in seconds.
            free: nodes that the run is to compute at once.
        """
        run = self._of(now, reply)
        for key in free:
            run.outbox.put(Claimed(id=request, key=key, state="free"))
        new = []
        for key, estimate_s in wanted:
            known = run.claims.get(key)
            if known is not None:
                self._say_again(run, known, request)
            elif len(run.claims) >= MAX_OPEN:
                run.outbox.put(Claimed(id=request, key=key, state="free"))
            else:
                run.claims[key] = OpenClaim(request, estimate_s, now)
                new.append((key, estimate_s))
        events: list[Event] = [Wanted(run.number, tuple(new))] if new else []
        return events, [run.outbox]

    def _say_again(self, run: Run, claim: OpenClaim, request: int) -> None:
        claim.request = request
        if claim.said is not None:
            claim.said = msgspec.structs.replace(claim.said, id=request)
            run.outbox.put(claim.said)

    def begin(self, now: float, reply: Reply, keys: Sequence[NodeKey]) -> list[Event]:
        """A run computes claimed nodes without a grant."""
        run = self._heard(now, reply)
        begun = []
        for key in keys:
            claim = run.claims.get(key) if run is not None else None
            if claim is not None and claim.is_waiting:
                claim.begin(now, self._times)
                begun.append(key)
        return [Begun(run.number, tuple(begun))] if run and begun else []

    def release(
        self, now: float, reply: Reply, keys: Sequence[NodeKey], *, has_failed: bool
    ) -> list[Event]:
        """A run ends claims without a result."""
        run = self._heard(now, reply)
        if run is None:
            return []
        ended = tuple(key for key in keys if run.claims.pop(key, None) is not None)
        return [GivenUp(run.number, ended, has_failed)] if ended else []

    def publish(self, now: float, reply: Reply, keys: Sequence[NodeKey]) -> bool:
        """Results are in the store; return whether that is news for any claim."""
        publisher = self._heard(now, reply)
        is_news = False
        for key in keys:
            if any(key in run.claims for run in self._by_number.values()):
                number = publisher.number if publisher is not None else None
                self._published[key] = _Published(number, now)
                is_news = True
        return is_news

    def alive(self, now: float, reply: Reply) -> None:
        """A run lives."""
        self._heard(now, reply)

    def ended(self, connection: int) -> list[Event]:
        """A connection is over; what it published is still settled."""
        run = self._by_connection.pop(connection, None)
        return [] if run is None else self._part(run)

    def _part(self, run: Run) -> list[Event]:
        """A run has no claims any more, but for what it published just now."""
        run.is_over = True
        pending = {key for key, it in self._published.items() if it.run == run.number}
        given_up = tuple(key for key in run.claims if key not in pending)
        run.claims = {key: it for key, it in run.claims.items() if key in pending}
        if not run.claims:
            return self._end(run)
        return [GivenUp(run.number, given_up)] if given_up else []

    def lapse(self, now: float) -> tuple[list[Event], list[Outbox]]:
        """End the claims of runs that are silent; they are told when they wake."""
        events: list[Event] = []
        told: list[Outbox] = []
        for connection, run in list(self._by_connection.items()):
            if not run.claims or now - run.heard < SILENCE_S:
                continue
            del self._by_connection[connection]
            for key, claim in run.claims.items():
                if claim.is_waiting:
                    run.outbox.put(claim.free(key))
            events += self._part(run)
            told.append(run.outbox)
        return events, told

    def end(self) -> list[Event]:
        """End all claims: the daemon stops."""
        numbers = list(self._by_number)
        self._by_connection.clear()
        self._by_number.clear()
        return [RunEnded(number) for number in numbers]

    def excuse(self, now: float) -> None:
        """It was us who heard nothing: begin to count anew."""
        for run in self._by_connection.values():
            run.heard = now

    # ---- what becomes of published results ---------------------------------

    @property
    def is_settling(self) -> bool:
        """Whether a published result is not shared yet."""
        return bool(self._published)

    def settle(
        self, now: float, is_shared: Callable[[NodeKey], bool]
    ) -> tuple[list[Event], list[Outbox]]:
        """Look what became of published results.

        Args:
            now: the time.
            is_shared: whether others can have a result now.
        """
        events: list[Event] = []
        told: list[Outbox] = []
        for key, published in list(self._published.items()):
            if is_shared(key):
                events.append(Finished((key,), published.run))
                self._close(now, published.run, key)
            elif now - published.at > SETTLE_S:
                events += self._keep_private(key, published.run, told)
            else:
                continue
            del self._published[key]
        for run in [run for run in self._by_number.values() if run.is_over]:
            if not run.claims:
                events += self._end(run)
        return events, told

    def _keep_private(
        self, key: NodeKey, publisher: RunId | None, told: list[Outbox]
    ) -> list[Event]:
        """Nobody else can have a result; the other runs of this machine have it."""
        events: list[Event] = []
        for run in self._by_number.values():
            claim = run.claims.pop(key, None)
            if claim is None:
                continue
            events.append(GivenUp(run.number, (key,)))
            if run.number != publisher:
                run.outbox.put(claim.arrive(key))
                told.append(run.outbox)
        return events

    def _close(self, now: float, number: RunId | None, key: NodeKey) -> None:
        run = self._by_number.get(number) if number is not None else None
        claim = run.claims.pop(key, None) if run is not None else None
        if claim is not None and claim.is_contested:
            self._contested.add(now, key)

    # ---- what runs are told ------------------------------------------------

    def tell(self, now: float, action: Tell) -> Outbox | None:
        """Put what the protocol says into a run's outbox; None: it is of no use now."""
        key = NodeKey(
            action.fetched.key if isinstance(action, TellArrived) else action.key
        )
        run = self._by_number.get(action.run)
        claim = run.claims.get(key) if run is not None else None
        if run is None or claim is None or key in self._settled_by(run):
            return None
        if isinstance(action, TellArrived | TellFree):
            del run.claims[key]
        run.outbox.put(claim.take(now, key, action, self._times, self._name_of))
        return run.outbox

    def _settled_by(self, run: Run) -> Collection[NodeKey]:
        """Return what a run has published: it has no questions about that."""
        return [key for key, it in self._published.items() if it.run == run.number]

    # ---- what is known -----------------------------------------------------

    def awaited(self, now: float) -> list[NodeKey]:
        """Return the nodes of which it matters that others have their results.

        They are waited for, or computed and could be fetched instead, or others were
        said to compute them too.  What was published here is not among them: others may
        have fetched it already.
        """
        found = dict.fromkeys(self._contested.keys(now))
        for run in self._by_number.values():
            found |= dict.fromkeys(run.claims)
        return [key for key in found if key not in self._published]

    def computed(self) -> set[NodeKey]:
        """Return the nodes that others were told to wait for, for they are ours."""
        return {
            key
            for run in self._by_number.values()
            for key, claim in run.claims.items()
            if not claim.is_waiting
        }

    def estimate_s(self, key: NodeKey) -> float:
        """Return what computing a claimed node would take."""
        estimates = (
            claim.estimate_s
            for run in self._by_number.values()
            if (claim := run.claims.get(key)) is not None
        )
        return max(estimates, default=0.0)

    def next_lapse(self) -> float | None:
        """Return when the next silent run loses its claims."""
        heard = [run.heard for run in self._by_connection.values() if run.claims]
        return min(heard) + SILENCE_S if heard else None

    # ---- details -----------------------------------------------------------

    def _of(self, now: float, reply: Reply) -> Run:
        run = self._heard(now, reply)
        if run is None:
            run = Run(next(self._numbers), Outbox(reply), now)
            self._by_connection[reply.connection] = run
            self._by_number[run.number] = run
        return run

    def _heard(self, now: float, reply: Reply) -> Run | None:
        run = self._by_connection.get(reply.connection)
        if run is not None:
            run.heard = now
        return run

    def _end(self, run: Run) -> list[Event]:
        self._by_number.pop(run.number, None)
        return [RunEnded(run.number)]
