"""What a run asks of its neighbours, what it has fetched, and how long it waits.

The engine offers every node that the store does not have.  Those worth asking for are
collected during the walk and asked for in one batch, so that a level of the plan costs
one question.  An answer leads to a fetch if that is cheaper than computing, else to
the node being expanded as if nobody had been asked.

Nobody is waited for beyond the run's :class:`~scheduler.patience.Patience`.  When it
is used up, questions count as answered, and nodes whose results are on the way are
computed beside that; whichever comes first is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from store import Found, NodeKey, Store

from .graph import Graph
from .neighbours import Arrived, Located, Neighbours
from .options import Progress
from .outlay import ROUGH_S, Outlay
from .patience import TRUST_SHARE, Patience
from .plan import App, Ref
from .reasons import Reason, Reasons

WORTH_FETCHING = 0.8
"""A fetch may take this share of what computing would take."""

GOAL_S = 0.1
"""A goal that takes no longer is fetched in any case: goals are few, and what is below
a goal that is here need neither be read nor looked up."""

GOAL_SHARE = 2.0
"""A goal may take this share of what computing would take: that is a rough guess, and a
fetch that lasts is raced."""

LATE_FACTOR = 2.0
LATE_S = 0.5
"""A fetch is late for good after this many times its estimate and these seconds."""

LOOK_S = 0.005
"""Shortest time between two looks for what is late while there is other work."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer to a question, on its way to the engine's thread."""

    question: int
    offers: dict[NodeKey, Located]


class Walk(Protocol):
    """What becomes of a node that was asked for."""

    def is_settled(self, ref: Ref) -> bool:
        """Return whether a node needs no result any more: done, failed, let go of."""

    def is_goal(self, ref: Ref) -> bool:
        """Return whether a node's value is a goal of the run."""

    def expand(self, ref: Ref) -> None:
        """Compute a node here."""

    def note_inputs(self, refs: Sequence[Ref]) -> None:
        """Write down from which files the results are that neighbours will bring."""

    def note_arrived(self, ref: Ref, found: Found, *, wants_audit: bool) -> None:
        """Write down how a result is made that came."""

    def arrive(self, ref: Ref, found: Found) -> bool:
        """Use a result that came; return False if it is not the value of the node."""

    def is_lost(self, ref: Ref) -> bool:
        """Return whether the store's bytes of a node's value were gone."""


@dataclass(slots=True)
class _Fetch:
    """A result on its way here."""

    refs: list[Ref]
    promised: float
    """When it should be here."""
    overdue: float
    """When it is not waited for any longer."""
    fetch_s: float
    saves: dict[Ref, float]
    """Seconds of one core that it would save, by node."""
    is_raced: bool = False
    """Whether its nodes are computed here meanwhile."""


@dataclass(slots=True)
class _Question:
    refs: list[Ref]
    is_open: bool = True
    """Whether its nodes wait for the answer."""
    is_again: bool = False
    """Whether its nodes were asked for before."""


class Asking:
    """The questions and fetches of one run; used by its engine's thread alone."""

    def __init__(
        self,
        neighbours: Neighbours,
        graph: Graph,
        store: Store,
        outlay: Outlay,
        progress: Progress,
        reasons: Reasons,
        patience: Patience,
        walk: Walk,
        tell: Callable[[Heard | Arrived], None],
    ) -> None:
        """Take what asking needs.

        Args:
            neighbours: whom to ask.
            graph: of the run.
            store: where results arrive.
            outlay: estimates of what computing would take.
            progress: counters to write.
            reasons: takes note of why nodes are computed.
            patience: the account of the run.
            walk: what becomes of nodes.
            tell: brings an answer to the engine's thread; called from any thread.
        """
        self.arrived: dict[Ref, Arrived] = {}
        self._neighbours = neighbours
        self._graph = graph
        self._store = store
        self._outlay = outlay
        self._progress = progress
        self._reasons = reasons
        self._had_company = False
        self._walk = walk
        self._tell = tell
        self._patience = patience
        self._to_ask: list[Ref] = []
        self._questions: dict[int, _Question] = {}
        self._fetches: dict[NodeKey, _Fetch] = {}
        self._held_back: set[Ref] = set()
        """Nodes that wait for a neighbour and for nothing else."""
        self._asked = 0
        self._backlog_s = 0.0
        self._saved: set[Ref] = set()
        self._next_look = 0.0
        self._is_stopped = False

    # ---- what is asked -----------------------------------------------------

    def takes(self, ref: Ref) -> bool:
        """Take a node that the store does not have, to ask for it; False if not."""
        if self._neighbours.is_alone:
            self._reasons.note(ref, "nobody")
            return False
        if not self._had_company:
            self._had_company = True
            self._reasons.count_alone(self._progress.executed)
        if not self._is_worth_asking(ref):
            return False
        if not self._patience.may_ask(time.monotonic()):
            self._reasons.note(ref, "late")
            return False
        self._to_ask.append(ref)
        self._held_back.add(ref)
        return True

    def _is_worth_asking(self, ref: Ref) -> bool:
        graph = self._graph
        node = graph.nodes[ref]
        if graph.keys[ref] is None or not isinstance(node, App):
            return False
        if self._walk.is_goal(ref):
            return True
        if graph.is_small[ref] or graph.operation(node.primitive).reads:
            return False
        return self._outlay.rough_s(ref) >= ROUGH_S

    def send(self) -> None:
        """Ask, in one batch, for all nodes that were taken."""
        if not self._to_ask:
            return
        refs, self._to_ask = self._to_ask, []
        self._ask(_Question(refs))
        self._show()

    def ask_again(self, refs: Sequence[Ref]) -> None:
        """Ask for nodes that were asked for before, and are to be computed here later.

        What is offered by now is fetched beside the work, and nothing waits for it.
        While such a question is unanswered there is no other one.
        """
        if not any(question.is_again for question in self._questions.values()):
            self._ask(_Question(list(refs), is_open=False, is_again=True))

    def _ask(self, question: _Question) -> None:
        self._asked += 1
        number, graph_keys = self._asked, self._graph.keys
        self._questions[number] = question
        keys = [key for ref in question.refs if (key := graph_keys[ref]) is not None]
        self._neighbours.locate(
            list(dict.fromkeys(keys)),
            lambda offers: self._tell(Heard(number, offers)),
        )

    def withdraw(self, ref: Ref) -> bool:
        """Let go of a node that nobody wants; False if it waits for no neighbour.

        An answer is still heard, and what is fetched still lands in the store.
        """
        if ref not in self._held_back:
            return False
        self._held_back.remove(ref)
        return True

    # ---- what is answered --------------------------------------------------

    def on_heard(self, heard: Heard) -> None:
        """Fetch what is worth fetching of what is offered, expand the rest."""
        question = self._questions.pop(heard.question, None)
        if question is None or self._is_stopped:
            return
        wanted: dict[NodeKey, Ref] = {}
        spares_s: list[float] = []
        for ref in question.refs:
            key = self._graph.keys[ref]
            offer = heard.offers.get(key) if key is not None else None
            if question.is_again and (
                offer is None or key in self._fetches or self._walk.is_settled(ref)
            ):
                continue
            if offer is None or key is None or self._walk.is_settled(ref):
                self._compute(ref, "nobody")
            elif key in self._fetches:
                self._join(self._fetches[key], ref)
            elif self._begin(ref, key, offer, is_raced=not question.is_open):
                wanted[key] = ref
                spares_s.append(self._outlay.spared_s(ref, offer.cost_s))
            else:
                self._compute(ref, "cheap")
        self._show()
        if wanted:
            self._walk.note_inputs(list(wanted.values()))
            self._neighbours.fetch(list(wanted), self._tell, spares_s)

    def _compute(self, ref: Ref, reason: Reason = "late") -> None:
        """Let a node be computed here, if it was not already let."""
        self._reasons.note(ref, reason)
        if ref in self._held_back:
            self._held_back.remove(ref)
            if not self._walk.is_settled(ref):
                self._walk.expand(ref)

    def _begin(self, ref: Ref, key: NodeKey, offer: Located, *, is_raced: bool) -> bool:
        """Begin a fetch if it is cheaper than computing."""
        fetch_s = max(0.0, offer.fetch_s)
        enough_s = fetch_s / TRUST_SHARE
        missing = self._outlay.missing(
            ref, offer.cost_s, enough_s, with_running=is_raced
        )
        if missing.is_known:
            self._patience.expect(missing.alone_s)
            # What it took the peer knows of parameters, which an estimate does not.
            # It is believed here alone: trust is only given for what we would take.
            alone_s = max(missing.alone_s, offer.cost_s)
            if not self._is_worth_fetching(ref, fetch_s, alone_s):
                return False
        now = time.monotonic()
        # What was asked for before comes before.
        expected_s = self._backlog_s + fetch_s
        self._fetches[key] = _Fetch(
            refs=[ref],
            promised=now + expected_s,
            overdue=now + LATE_FACTOR * expected_s + LATE_S,
            fetch_s=fetch_s,
            saves=missing.parts,
            is_raced=is_raced,
        )
        self._backlog_s += fetch_s
        return True

    def _is_worth_fetching(self, ref: Ref, fetch_s: float, alone_s: float) -> bool:
        """Return whether a fetch is cheaper, for a goal not clearly dearer."""
        if self._walk.is_goal(ref):
            return fetch_s < max(GOAL_S, GOAL_SHARE * alone_s)
        return fetch_s < WORTH_FETCHING * alone_s

    def _join(self, fetch: _Fetch, ref: Ref) -> None:
        """Wait for a fetch that another node of the same key began."""
        fetch.refs.append(ref)
        if fetch.is_raced:
            self._compute(ref)

    def on_arrived(self, arrived: Arrived) -> None:
        """Use a result that came, or compute what did not come."""
        fetch = self._fetches.pop(arrived.key, None)
        if fetch is None or self._is_stopped:
            return
        self._unqueue(fetch)
        found = None
        if arrived.source:
            found = self._store.lookup([arrived.key]).get(arrived.key)
        if found is not None:
            self._walk.note_arrived(
                fetch.refs[0], found, wants_audit=arrived.wants_audit
            )
        for ref in fetch.refs:
            if self._walk.is_settled(ref):
                continue  # computed here, and sooner
            if found is not None and self._walk.arrive(ref, found):
                self._held_back.discard(ref)
                self.took(ref, arrived)
                self._pay_back(fetch)
            else:
                self._compute(ref)
        self._show()

    def took(self, ref: Ref, arrived: Arrived) -> None:
        """Take note that a node's value is a result that came."""
        self.arrived[ref] = arrived
        self._progress.from_peers += 1

    def _unqueue(self, fetch: _Fetch) -> None:
        self._backlog_s = max(0.0, self._backlog_s - fetch.fetch_s)
        fetch.fetch_s = 0.0

    def _pay_back(self, fetch: _Fetch) -> None:
        new = fetch.saves.keys() - self._saved
        self._saved |= new
        saved_s = sum(fetch.saves[ref] for ref in new) / self._outlay.cores
        self._patience.pay_back(saved_s)

    # ---- why nodes are computed all the same -------------------------------

    def executed(self, ref: Ref) -> None:
        """Count a node that was computed here."""
        if self._had_company:
            if self._walk.is_lost(ref):
                self._reasons.note(ref, "lost")
            self._reasons.count(ref)

    def executed_unasked(self, operations: int) -> None:
        """Count operations that ran without a node of their own."""
        if self._had_company:
            self._reasons.count_cheap(operations)

    def because(self, ref: Ref) -> str:
        """Return why a node was computed here; empty without neighbours."""
        return self._reasons.of(ref) if self._had_company else ""

    # ---- how long it is waited for -----------------------------------------

    @property
    def is_waiting(self) -> bool:
        """Whether a node waits for a neighbour and for nothing else."""
        return bool(self._held_back)

    def wait_s(self) -> float:
        """Return after how many seconds to call :meth:`look` at the latest."""
        now = time.monotonic()
        patience_s = max(0.0, self._patience.left_s(now))
        if self._is_promised(now):
            patience_s += self._patience.trust_s()
        due = now + patience_s
        for fetch in self._fetches.values():
            if not fetch.is_raced:
                is_late = fetch.promised <= now
                due = min(due, fetch.overdue if is_late else fetch.promised)
        return max(0.0, max(due, self._next_look) - now)

    def spend(self, seconds: float, *, is_silent: bool = False) -> None:
        """Take note of time in which a core waited for neighbours alone.

        Args:
            seconds: how long.
            is_silent: whether more was waited for than is asked for here.
        """
        is_promised = self._is_promised(time.monotonic() - seconds) and not is_silent
        self._patience.spend(seconds, is_promised=is_promised)

    def look(self) -> None:
        """Compute what is not waited for any longer."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_S
        is_over = self._patience.left_s(now) <= 0
        if is_over:
            self._close_questions()
        is_doubted = is_over and self._patience.trust_s() <= 0
        for fetch in list(self._fetches.values()):
            is_late = now >= fetch.overdue or (is_over and now >= fetch.promised)
            if not fetch.is_raced and (is_late or is_doubted):
                self._race(fetch)

    def _is_promised(self, now: float) -> bool:
        """Return whether all that is waited for are fetches not yet late."""
        return not any(
            question.is_open for question in self._questions.values()
        ) and all(
            fetch.is_raced or fetch.promised > now for fetch in self._fetches.values()
        )

    def _close_questions(self) -> None:
        """Go on as if nobody had anything; what is offered later is a race."""
        for question in self._questions.values():
            if question.is_open:
                question.is_open = False
                for ref in question.refs:
                    self._compute(ref)
        self._show()

    def _race(self, fetch: _Fetch) -> None:
        """Compute beside a fetch; whichever comes first is used."""
        fetch.is_raced = True
        self._unqueue(fetch)
        for ref in fetch.refs:
            self._compute(ref)

    def stop(self) -> None:
        """Take no answers any more."""
        self._is_stopped = True

    def _show(self) -> None:
        self._progress.asking = sum(
            len(question.refs)
            for question in self._questions.values()
            if question.is_open
        )
        self._progress.fetching = len(self._fetches)
