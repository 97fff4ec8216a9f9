"""Whose turn it is: the claims of one run, and how long it waits for them.

Before a run computes a node that others may want, it claims it, and hears whether it
is to compute the node or somebody else does.  :class:`Turns` knows which claims are
out, what to do with an answer, and when a wait is over.  It does no I/O and has no
clock: times are arguments, in seconds of one monotonic clock.

How it is driven, by an engine as by a simulated run:

1. *Claim.*  While :meth:`Turns.may_ask` says so, and there are ready nodes worth it,
   take the next one, call :meth:`Turns.ask`, and send the claims as one batch.
   ``soon`` is the number of slots that are free or will be within :data:`AHEAD_S`.
2. *Hear.*  Give every answer to :meth:`Turns.answer` and do what the :class:`Move`
   says.  After ``USE``, call :meth:`Turns.took` if the result was there, else
   :meth:`Turns.missed`, which says what to do instead.
3. *Start.*  What may start is put in a queue; when a slot takes it, call
   :meth:`Turns.start`.  Then take what :meth:`Turns.surplus` returns out of the queue,
   release it, and treat it as ready and unclaimed: somebody else may be waiting for it.
4. *Wait.*  When a slot is free, nothing can be started, and :attr:`Turns.is_waiting`:
   sleep until a message comes, at most :meth:`Turns.wait_s`; then tell how long that
   was with :meth:`Turns.spend`.  Take no account of time in which there was other work.
5. *Begin.*  In the same situation, after the sleep, start what :meth:`Turns.overdue`
   returns, and tell the neighbours that it is begun without having been granted.
6. *End.*  When a node is published, has failed, or is not wanted any more, call
   :meth:`Turns.end`.  All but what was published is to be released as well.

What an idle wait costs.  A holder is believed for as long as it says that it will
take, counted from the first time that it is said, and no longer than the node would
take here; :data:`AHEAD_S` more, because it may have claimed that long before it began.
Such a wait costs nothing if the result comes and spares as much time as was waited:
what is beyond that, as with a holder that is slower than this machine, is taken from
the run's :class:`~scheduler.patience.Patience`.  If the run computes the node in the
end, granted or not, the whole wait is taken from it, which may leave less than nothing:
then nobody is waited for until it has recovered.  All other waiting, for answers and
beyond what is believed, is taken from it as it happens.  So whatever others say, and
however slow they are, costs a run its patience and one wait at most.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, TypeAlias

from store import NodeKey

from .neighbours import Arrived, ClaimAnswer, Granted, Held
from .patience import LEAST_S, Patience

AHEAD_S = 0.3
"""Claims go out this long before a slot is expected to be free: time enough for an
arbiter that does not answer, and so short that little is granted before its turn."""

MORE = 2
"""Claims beyond the number of slots that may be out without having been started."""

SLOW_S = 0.05
"""A claim that is not answered after this does not keep others from being claimed."""

ABANDON_SHARE = 0.3
"""What was begun without a grant is left to another who is at it before this share of
its estimate."""

SAME_S = 0.25
"""Times that are no farther apart count as equal where machines choose."""

GRAIN_S = 1e-3
"""Less patience than this counts as none: waits would become ever shorter."""

Cause: TypeAlias = Literal["", "hedge", "held_too_long", "no_answer"]
"""Why a claimed node is computed here although somebody else may be at it, too.

* ``hedge``: it was granted because the one who is at it takes too long.
* ``held_too_long``: nothing came of somebody else's being at it.
* ``no_answer``: its claim was not answered in time.
"""


class Move(Enum):
    """What to do after an answer."""

    START = auto()
    """Compute the node as soon as there is a slot."""
    WAIT = auto()
    """Somebody else is at it: take other work."""
    USE = auto()
    """The result is in the store."""
    GO_ON = auto()
    """Nothing: the node is being computed, or may be."""
    ABANDON = auto()
    """Stop computing the node, and wait for the one who is at it.

    The claim is released and made anew, without a call of :meth:`Turns.ask`: so it is
    known that the node is not computed here any more.
    """
    IGNORE = auto()
    """Nothing: there is no such claim."""


class _Stage(Enum):
    ASKED = auto()
    HELD = auto()
    GRANTED = auto()
    """It may start, and has not."""
    COMPUTING = auto()


@dataclass(slots=True)
class _Turn:
    key: NodeKey
    estimate_s: float
    rank: int
    since: float
    """When it was claimed; once it is computed, when that began."""
    stage: _Stage = _Stage.ASKED
    is_granted: bool = False
    cause: Cause = ""
    holder: str = ""
    held_from: float | None = None
    """When it was first said that somebody is at it."""
    held_until: float | None = None
    """When the wait for it ended."""
    until: float = 0.0
    """Until when the holder is believed."""
    idle_from: float = 0.0
    """The believed idle time before that."""


class Turns:
    """The claims of one run."""

    def __init__(self, patience: Patience, slots: int) -> None:
        """Begin without claims.

        Args:
            patience: the account of the run.
            slots: nodes that it computes at once.
        """
        self._patience = patience
        self._slots = max(1, slots)
        self._turns: dict[NodeKey, _Turn] = {}
        self._asked: dict[NodeKey, _Turn] = {}
        self._granted: dict[NodeKey, _Turn] = {}
        self._held: dict[NodeKey, _Turn] = {}
        self._ends: list[tuple[float, NodeKey]] = []
        """When beliefs end, a heap; some entries are of claims that have ended."""
        self._idle_s = 0.0
        """Idle time of slots in which everybody who was waited for was believed."""
        self._debt_s = 0.0
        """What of it has neither been made good by results nor been charged."""

    def __contains__(self, key: NodeKey) -> bool:
        """Return whether there is a claim on a node."""
        return key in self._turns

    def __len__(self) -> int:
        """Return the number of claims."""
        return len(self._turns)

    # ---- claims that go out ------------------------------------------------

    def may_ask(self, soon: int, now: float, freed: int = 0) -> bool:
        """Return whether another claim may go out.

        Args:
            soon: slots that are free or will be within :data:`AHEAD_S`.
            now: the time.
            freed: nodes that may start without a claim and have not.
        """
        out = len(self._asked) + len(self._granted)
        if soon <= 0 or out >= self._slots + MORE:
            return False
        fresh = [turn for turn in self._asked.values() if now - turn.since < SLOW_S]
        fresh += self._granted.values()
        count = len(fresh) + freed
        if count < soon:
            return True
        # Of what takes a moment only, some more: an answer takes a moment, too.
        work_s = sum(turn.estimate_s for turn in fresh)
        return count < soon + MORE and work_s < AHEAD_S * soon

    def ask(self, key: NodeKey, estimate_s: float, now: float, rank: int = 0) -> None:
        """Take note that a claim goes out.

        Args:
            key: the node; there must be no claim on it.
            estimate_s: seconds that it would take here.
            now: the time.
            rank: place of this machine among those that may compute the node.
        """
        turn = _Turn(key, max(0.0, estimate_s), rank, now)
        self._turns[key] = self._asked[key] = turn

    def surplus(self, soon: int) -> list[NodeKey]:
        """Return what was granted and has no slot in sight; these claims end.

        Args:
            soon: as in :meth:`may_ask`.
        """
        if not self._granted:
            return []
        turns = sorted(self._granted.values(), key=lambda turn: turn.rank)
        work_s = 0.0
        kept = 0
        for turn in turns:
            is_short = kept < soon + MORE and work_s < AHEAD_S * soon
            if kept >= soon and not is_short:
                break
            work_s += turn.estimate_s
            kept += 1
        for turn in turns[kept:]:
            self._remove(turn)
        return [turn.key for turn in turns[kept:]]

    def next_slow(self, now: float) -> float | None:
        """Return in how many seconds a claim will count as slow; None if none will."""
        waits = [turn.since + SLOW_S - now for turn in self._asked.values()]
        return min((wait for wait in waits if wait > 0), default=None)

    # ---- what is answered --------------------------------------------------

    def answer(self, answer: ClaimAnswer, now: float) -> Move:
        """Take an answer, and return what to do.

        Any answer may come at any time, also twice or out of order.
        """
        turn = self._turns.get(answer.key)
        if turn is None:
            return Move.IGNORE
        if isinstance(answer, Held):
            return self._hold(turn, answer, now)
        if isinstance(answer, Granted):
            return self._grant(turn, answer, now)
        if isinstance(answer, Arrived) and answer.source:
            return Move.USE
        return self._free(turn, now)

    def _grant(self, turn: _Turn, granted: Granted, now: float) -> Move:
        is_waited_for = turn.stage in (_Stage.ASKED, _Stage.HELD)
        turn.is_granted = True
        if not is_waited_for:
            return Move.GO_ON
        self._charge(turn, now)
        turn.cause = "hedge" if granted.is_hedge else ""
        self._put(turn, _Stage.GRANTED)
        return Move.START

    def _hold(self, turn: _Turn, held: Held, now: float) -> Move:
        if turn.stage is _Stage.HELD:
            turn.holder = held.holder
            return Move.WAIT
        if turn.stage in (_Stage.ASKED, _Stage.GRANTED):
            # What was granted may have gone to somebody else since, with the daemon
            # that knew of the grant.
            turn.is_granted = False
            self._believe(turn, held, now)
            return Move.WAIT
        if turn.stage is _Stage.COMPUTING and self._may_abandon(turn, now):
            self._patience.spend(now - turn.since, is_promised=False)
            self._believe(turn, held, now)
            return Move.ABANDON
        return Move.GO_ON

    def _believe(self, turn: _Turn, held: Held, now: float) -> None:
        """Wait for a holder, as it says, but not much longer than the node takes here.

        It may have been granted the node ahead of a free slot.
        """
        turn.holder, turn.cause = held.holder, ""
        turn.held_from = now
        turn.until = now + min(max(0.0, held.left_s), turn.estimate_s) + AHEAD_S
        turn.idle_from = self._idle_s
        self._put(turn, _Stage.HELD)
        heapq.heappush(self._ends, (turn.until, turn.key))

    def _may_abandon(self, turn: _Turn, now: float) -> bool:
        """Return whether to leave what was begun to another; once for each claim."""
        if turn.is_granted or turn.held_from is not None:
            return False
        spent_s = now - turn.since
        if spent_s >= ABANDON_SHARE * turn.estimate_s:
            return False
        return self._patience.left_s(now) >= spent_s + LEAST_S

    def _free(self, turn: _Turn, now: float) -> Move:
        """End a claim; its node is computed as if there had been none."""
        is_waited_for = turn.stage in (_Stage.ASKED, _Stage.HELD)
        if is_waited_for:
            self._charge(turn, now)
        self._remove(turn)
        return Move.START if is_waited_for else Move.GO_ON

    def took(self, key: NodeKey, now: float) -> None:
        """End a claim whose result came and was used.

        What it spared makes good what was waited; what is left of that is paid back.
        """
        turn = self._turns.get(key)
        if turn is None:
            return
        spared_s = turn.estimate_s
        if turn.stage is _Stage.COMPUTING:
            spared_s -= now - turn.since
        spared_s = max(0.0, spared_s)
        made_good_s = min(self._debt_s, spared_s)
        self._debt_s -= made_good_s
        self._patience.pay_back((spared_s - made_good_s) / self._slots)
        self._remove(turn)
        self._charge_what_is_lost()

    def missed(self, key: NodeKey, now: float) -> Move:
        """End a claim whose result was said to be in the store, and was not."""
        turn = self._turns.get(key)
        return Move.IGNORE if turn is None else self._free(turn, now)

    # ---- starts and ends ---------------------------------------------------

    def start(self, key: NodeKey, now: float) -> None:
        """Take note that a node that may start does; one without a claim is ignored."""
        turn = self._turns.get(key)
        if turn is not None and turn.stage is not _Stage.COMPUTING:
            self._put(turn, _Stage.COMPUTING)
            turn.since = now

    def may_start(self, key: NodeKey) -> bool:
        """Return whether a claimed node may be computed: granted, or begun."""
        turn = self._turns.get(key)
        return turn is not None and turn.stage in (_Stage.GRANTED, _Stage.COMPUTING)

    def cause(self, key: NodeKey) -> Cause:
        """Return why a node is computed although somebody else may be at it."""
        turn = self._turns.get(key)
        return "" if turn is None else turn.cause

    def waited(self, key: NodeKey, now: float) -> tuple[str, float] | None:
        """Return who was said to be at a node, and for how many seconds it was held.

        None if nobody was said to be, or the claim has ended.
        """
        turn = self._turns.get(key)
        if turn is None or turn.held_from is None:
            return None
        until = now if turn.held_until is None else turn.held_until
        return turn.holder, until - turn.held_from

    def end(self, key: NodeKey) -> bool:
        """End a claim; return whether there was one."""
        turn = self._turns.get(key)
        if turn is not None:
            self._remove(turn)
        return turn is not None

    def keys(self) -> list[NodeKey]:
        """Return the nodes that are claimed."""
        return list(self._turns)

    # ---- waiting -----------------------------------------------------------

    @property
    def is_waiting(self) -> bool:
        """Whether a claim is waited for: not answered, or held by somebody else."""
        return bool(self._asked or self._held)

    @property
    def held(self) -> int:
        """How many claimed nodes somebody else is at."""
        return len(self._held)

    def is_silent(self, now: float) -> bool:
        """Return whether what is waited for is more than what is believed.

        That is an answer, or a result that should have come.
        """
        return bool(self._asked) or self._end_of_belief() <= now

    def wait_s(self, now: float) -> float:
        """Return after how many seconds of idle waiting to look at the latest."""
        left_s = self._patience.left_s(now)
        if self.is_silent(now):
            return left_s if left_s > GRAIN_S else 0.0
        return self._end_of_belief() - now if left_s > -LEAST_S else 0.0

    def spend(self, seconds: float, now: float, free: int = 1) -> None:
        """Take note of time in which slots had nothing to do but wait for claims.

        Args:
            seconds: how long, at most what :meth:`wait_s` said.
            now: when that ended.
            free: how many slots they were.
        """
        if self.is_silent(now - seconds):
            self._patience.spend(seconds, is_promised=False)
        else:
            # Alone, no more of them would have had something to do.
            idle_s = seconds * min(free, len(self._held))
            self._idle_s += idle_s
            self._debt_s += idle_s
            self._charge_what_is_lost()

    def overdue(self, now: float, free: int) -> list[NodeKey]:
        """Return what to begin without a grant, and take note that it is begun.

        First comes what nobody is known to be at, then what should have come, and only
        with clearly less than no patience what others are still believed to bring.

        Args:
            now: the time.
            free: slots that have nothing to do.
        """
        left_s = self._patience.left_s(now)
        if free <= 0 or left_s > GRAIN_S or not self.is_waiting:
            return []
        waits = [*self._asked.values(), *self._held.values()]
        if left_s > -LEAST_S:
            waits = [turn for turn in waits if turn.until <= now]
        chosen = heapq.nsmallest(free, waits, key=lambda turn: _urgency(turn, now))
        for turn in chosen:
            self._charge(turn, now)
            is_held = turn.stage is _Stage.HELD
            turn.cause = "held_too_long" if is_held else "no_answer"
            self.start(turn.key, now)
        return [turn.key for turn in chosen]

    def _charge(self, turn: _Turn, now: float) -> None:
        """Take a wait from the account that was believed, and in vain."""
        if turn.stage is _Stage.HELD:
            turn.held_until = now
            self._lose(min(self._debt_s, self._idle_s - turn.idle_from))

    def _charge_what_is_lost(self) -> None:
        """Take from the account what no result can make good any more."""
        most_s = sum(turn.estimate_s for turn in self._held.values())
        if self._debt_s > most_s:
            self._lose(self._debt_s - most_s)

    def _lose(self, seconds: float) -> None:
        """Take idle time of a slot from the account, which is of all of them."""
        self._debt_s -= seconds
        self._patience.spend(seconds / self._slots, is_promised=False)

    def _end_of_belief(self) -> float:
        """Return when the first belief ends; long ago, if it has."""
        ends = self._ends
        while ends:
            until, key = ends[0]
            turn = self._held.get(key)
            if turn is not None and turn.until == until:
                return until
            heapq.heappop(ends)
        return float("inf")

    def _put(self, turn: _Turn, stage: _Stage) -> None:
        self._take_out(turn)
        turn.stage = stage
        if stage is _Stage.HELD:
            self._held[turn.key] = turn
        elif stage is _Stage.GRANTED:
            self._granted[turn.key] = turn

    def _remove(self, turn: _Turn) -> None:
        self._take_out(turn)
        del self._turns[turn.key]

    def _take_out(self, turn: _Turn) -> None:
        for part in (self._asked, self._granted, self._held):
            part.pop(turn.key, None)


def _urgency(turn: _Turn, now: float) -> tuple[int, float, int]:
    """Order waits that are over.

    Of what is equal otherwise, those nodes come first that this machine comes first
    for, so that machines that give up waiting at the same time begin with different
    ones.
    """
    if turn.stage is _Stage.ASKED:
        return 0, 0.0, turn.rank
    if turn.until <= now:
        return 1, round(turn.estimate_s / SAME_S), turn.rank
    return 2, -round((turn.until - now) / SAME_S), turn.rank
