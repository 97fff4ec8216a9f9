"""An arbiter: who is to compute a node, and who is to wait for it.

It knows only what it is told, and only for a while: a lease that is not renewed
lapses, and an arbiter that begins anew learns from renewals what its earlier life
granted.  What it decides wrongly costs an execution more, never a value.

A holder's word that it has a result and the end of its lease are one message here, and
outlive the lease: who asks within the next minute is sent to the result instead of
being let compute it again before the news of it has come round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .memory import Memory
from .messages import (
    Answer,
    Better,
    DoneAt,
    Grant,
    HeldBy,
    Item,
    Key,
    Lease,
    NodeId,
    Released,
    Unclaimed,
)
from .results import Results
from .settings import Settings
from .table import Entry, Hold, Table, find

MAX_S = 7 * 86400.0
"""Ages and estimates that members tell count up to this."""

TIDY_S = 0.5
UNCLAIMED = Unclaimed()


class Arbiter:
    """The table of one arbiter, and what it says to claims."""

    def __init__(
        self,
        me: NodeId,
        boot_id: bytes,
        settings: Settings,
        better: Callable[[float, Key], NodeId | None],
    ) -> None:
        """Begin with nothing granted.

        Args:
            me: own node id.
            boot_id: of this process.
            settings: of the protocol.
            better: at a time, who lives and comes before this member for a node.
        """
        self._me = me
        self._boot_id = boot_id
        self._settings = settings
        self._better = better
        self._ttl_ms = round(settings.ttl_s * 1000)
        self._token = 0
        self._tidied = float("-inf")
        self._table = Table(me, settings)
        self._results = Results(settings)
        self._failed: Memory[Key, bool] = Memory(settings.memory_s, settings.max_keys)
        # Renewals that arrive after the release that followed them are to be known.
        self._released: Memory[tuple[NodeId, Key], tuple[bytes, int]] = Memory(
            settings.ttl_s, settings.max_keys
        )

    # ---- what members ask --------------------------------------------------------

    def claim(
        self, now: float, caller: NodeId, boot_id: bytes, items: Sequence[Item]
    ) -> list[Answer]:
        """Decide about nodes that ``caller`` wants to compute, one by one."""
        self._tidy(now)
        if not self._table.is_current(now, caller, boot_id):
            return [UNCLAIMED] * len(items)
        return [self._decide(now, caller, item) for item in items]

    def renew(
        self, now: float, caller: NodeId, boot_id: bytes, leases: Sequence[Lease]
    ) -> list[Key]:
        """Take note that nodes are still being computed; return which leases are lost.

        A lease that this arbiter does not know is entered, whoever granted it: it is
        its second arbiter, or granted it in an earlier life.  It is lost if it was
        granted here and somebody else holds the node now.
        """
        self._tidy(now)
        if not self._table.is_current(now, caller, boot_id):
            return []
        return [
            lease.key for lease in leases if not self._is_renewed(now, caller, lease)
        ]

    def release(
        self, now: float, caller: NodeId, boot_id: bytes, released: Sequence[Released]
    ) -> None:
        """Take note that leases have ended, and how."""
        self._tidy(now)
        if not self._table.is_current(now, caller, boot_id):
            return
        for each in released:
            self._release(now, caller, each)

    # ---- what this machine knows -------------------------------------------------

    def done_at(self, now: float, key: Key) -> NodeId | None:
        """Return who is known to have a result."""
        return self._results.get(now, key)

    def has_failed(self, now: float, key: Key) -> bool:
        """Return whether a node was computed lately and has no value."""
        return self._failed.get(now, key) is not None

    def holders(self, now: float, key: Key) -> list[NodeId]:
        """Return who computes a node, as far as is known here."""
        entry = self._table.get(now, key)
        return [] if entry is None else [hold.holder for hold in entry.holds]

    def forget(self, now: float, key: Key, holder: NodeId) -> None:
        """Take note that ``holder`` itself says that it does not compute a node."""
        hold = find(self._table.get(now, key), holder)
        if hold is not None:
            self._table.remove(key, hold)

    def drop(self, now: float, node_id: NodeId, boot_id: bytes) -> None:
        """Take note that a member is gone, or is the process ``boot_id`` now."""
        if boot_id:
            self._table.is_current(now, node_id, boot_id)
        else:
            self._table.drop(now, node_id)

    def sweep(self, now: float) -> None:
        """Let go of what is over."""
        self._table.sweep(now)
        self._results.sweep(now)
        self._failed.sweep(now)
        self._released.sweep(now)

    @property
    def ends(self) -> float | None:
        """When there may be something to let go of; nothing is wrong if it waits."""
        ends = [
            each.ends
            for each in (self._table, self._results, self._failed, self._released)
            if each.ends is not None
        ]
        return min(ends) if ends else None

    def states(self) -> dict[str, int]:
        """Return how much is known."""
        return {
            "table": len(self._table),
            "own": self._table.own,
            "done": len(self._results),
            "failed": len(self._failed),
            "released": len(self._released),
        }

    # ---- claims --------------------------------------------------------------------

    def _tidy(self, now: float) -> None:
        """Let go of what is over, now and then; nothing that is over is ever used."""
        if now >= self._tidied + TIDY_S:
            self._tidied = now
            self.sweep(now)

    def _decide(self, now: float, caller: NodeId, item: Item) -> Answer:
        key = item.key
        if self._failed.get(now, key) is not None:
            return UNCLAIMED
        done_at = self._results.tell(now, key, caller, is_missing=item.is_missing)
        if done_at is not None:
            return DoneAt(done_at)
        entry = self._table.get(now, key)
        if entry is not None:
            return self._beside(now, caller, item, entry)
        if not item.is_insisting:
            better = self._better(now, key)
            if better is not None:
                return Better(better)
        return self._grant(now, caller, item, is_hedge=False)

    def _beside(self, now: float, caller: NodeId, item: Item, entry: Entry) -> Answer:
        """Answer about a node that somebody computes."""
        hold = find(entry, caller)
        if hold is not None:
            if hold.boot_id == self._boot_id or len(entry.holds) == 1:
                return self._regrant(now, hold)
        elif item.is_hedge and self._is_hedge_due(now, item, entry):
            answer = self._grant(now, caller, item, is_hedge=True)
            if isinstance(answer, Grant):
                entry.hedges += 1
                entry.hedged = now
            return answer
        return self._held_by(now, self._primary(entry, caller))

    def _regrant(self, now: float, hold: Hold) -> Grant:
        """Grant again what the caller holds: the answer was lost, or it began alone.

        Or an earlier process of it was granted it, and the present one goes on.
        """
        if hold.boot_id != self._boot_id or hold.is_inherited:
            self._token += 1
            hold.boot_id = self._boot_id
            hold.token = self._token
        hold.hear(now)
        return Grant(hold.token, self._ttl_ms, hold.is_hedge)

    def _grant(
        self, now: float, caller: NodeId, item: Item, *, is_hedge: bool
    ) -> Answer:
        if self._table.is_full(caller):
            return UNCLAIMED
        self._token += 1
        token = self._token
        estimate_s = _seconds(item.estimate_ms)
        hold = Hold(caller, self._boot_id, token, now, estimate_s, now, is_hedge)
        self._table.add(now, item.key, hold)
        return Grant(token, self._ttl_ms, is_hedge)

    def _primary(self, entry: Entry, caller: NodeId) -> Hold:
        """Return the holder to name: this machine, which knows, or the first."""
        first = None
        for hold in entry.holds:
            if hold.holder == caller:
                continue
            if hold.holder == self._me:
                return hold
            first = first or hold
        assert first is not None
        return first

    def _held_by(self, now: float, hold: Hold) -> HeldBy:
        settings = self._settings
        age_s = min(MAX_S, max(0.0, now - hold.started))
        left_s = max(0.0, hold.estimate_s - age_s)
        # Who is late is asked less often the later it is.
        wait_s = max(left_s, age_s - hold.estimate_s) / 2
        wait_s = min(wait_s, hold.until - now)
        retry_s = min(settings.max_retry_s, max(settings.least_retry_s, wait_s))
        return HeldBy(
            hold.holder,
            int(age_s * 1000),
            int(left_s * 1000),
            int(retry_s * 1000),
        )

    def _is_hedge_due(self, now: float, item: Item, entry: Entry) -> bool:
        settings = self._settings
        if entry.hedges >= settings.max_hedges:
            return False
        # What a holder says of itself counts only so far against who waits for it.
        most_s = 10 * item.estimate_ms / 1000 + settings.ttl_s
        for hold in entry.holds:
            estimate_s = min(hold.estimate_s, most_s)
            slow_s = max(settings.hedge_least_s, settings.hedge_factor * estimate_s)
            if now - entry.hedged <= slow_s:
                return False
            is_silent = now - hold.heard > settings.silent_s
            is_silent = is_silent and hold.holder != self._me
            if now - hold.started <= slow_s and not is_silent:
                return False
        return True

    # ---- renewals and releases --------------------------------------------------

    def _is_renewed(self, now: float, caller: NodeId, lease: Lease) -> bool:
        key = lease.key
        origin = (lease.boot_id, lease.token)
        # What this machine computes it knows, whatever others say of results.
        if caller != self._me and (
            self._results.get(now, key) is not None
            or self._failed.get(now, key) is not None
            or self._released.get(now, (caller, key)) == origin
        ):
            return True
        started = now - _seconds(lease.age_ms)
        estimate_s = _seconds(lease.estimate_ms)
        entry = self._table.get(now, key)
        hold = find(entry, caller)
        if hold is not None:
            hold.started = started
            hold.estimate_s = estimate_s
            hold.hear(now)
            hold.is_renewed = True
            is_older = lease.boot_id == self._boot_id and lease.token < hold.token
            if not is_older:
                hold.boot_id, hold.token = origin
            return True
        if not self._table.is_full(caller):
            is_beside = entry is not None
            new = Hold(caller, *origin, started, estimate_s, now, is_beside, True)
            self._table.add(now, key, new)
        return entry is None or lease.arbiter != self._me

    def _release(self, now: float, caller: NodeId, released: Released) -> None:
        key = released.key
        hold = find(self._table.get(now, key), caller)
        if released.is_done:
            self._results.add(now, key, caller)
        elif hold is None or not (caller == self._me or _is_of(hold, released)):
            self._remember(now, caller, released)
            return
        elif released.has_failed:
            self._failed.put(now, key, True)
        self._remember(now, caller, released)
        if hold is not None:
            self._table.remove(key, hold)

    def _remember(self, now: float, caller: NodeId, released: Released) -> None:
        if released.token:
            origin = (released.boot_id, released.token)
            self._released.put(now, (caller, released.key), origin)


def _seconds(milliseconds: int) -> float:
    return min(MAX_S, max(0.0, milliseconds / 1000))


def _is_of(hold: Hold, released: Released) -> bool:
    """Return whether a release means this hold, and not an earlier one.

    Token 0 is the word of a member that heard no answer to its claim, and went on: it
    does not know of a grant, and means one that was never renewed.
    """
    if not released.token:
        return not hold.is_renewed
    return hold.token == released.token and hold.boot_id == released.boot_id
