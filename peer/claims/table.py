"""The leases that an arbiter knows of."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from .messages import Key, NodeId
from .settings import Settings

INF = float("inf")

KEPT_BOOTS = 4
"""Earlier lives of a holder that are known as such."""


@dataclass(slots=True, eq=False)
class Hold:
    """One member that computes a node.

    Attributes:
        holder: who.
        boot_id: of the process of the arbiter that granted it; empty if nobody did.
        token: of that grant; without one it names the start.
        started: when the computation began, on this clock.
        estimate_s: how long the whole of it should take.
        heard: when it was granted or renewed last.
        is_hedge: whether somebody else held the node when this one came.
        is_renewed: whether the holder is known to know of it.
        until: when it ends, if the process that held it has ended; the holder's next
            process may go on with it.
    """

    holder: NodeId
    boot_id: bytes
    token: int
    started: float
    estimate_s: float
    heard: float
    is_hedge: bool
    is_renewed: bool = False
    until: float = INF

    @property
    def is_inherited(self) -> bool:
        """Whether an earlier process of the holder held it, and none does since."""
        return self.until < INF

    def is_over(self, now: float, ttl_s: float) -> bool:
        """Return whether it has not been renewed in time."""
        return now >= self.heard + ttl_s or now >= self.until

    def hear(self, now: float) -> None:
        """Take note that the holder goes on."""
        self.heard = now
        self.until = INF


@dataclass(slots=True)
class Entry:
    """All that compute one node.

    Attributes:
        holds: one, and with hedges more; each member at most once.
        hedges: how many hedges were granted.
        hedged: when the last one was.
    """

    holds: list[Hold]
    hedges: int = 0
    hedged: float = float("-inf")


@dataclass(slots=True)
class _Holder:
    """One member: its process, and what that holds."""

    boot_id: bytes
    keys: set[Key] = field(default_factory=set)
    earlier: deque[bytes] = field(default_factory=lambda: deque(maxlen=KEPT_BOOTS))


class Table:
    """Holds by node and by member; a hold that is not renewed ends.

    Those of this machine end only when it says so, however long nobody looked: it may
    have slept.
    """

    def __init__(self, me: NodeId, settings: Settings) -> None:
        """Begin empty.

        Args:
            me: own node id.
            settings: how long a hold lives, and how many there may be.
        """
        self._me = me
        self._ttl_s = settings.ttl_s
        self._silent_s = settings.silent_s
        self._resume_s = settings.resume_s
        self._max_keys = settings.max_keys
        self._max_keys_per_holder = settings.max_keys_per_holder
        self._entries: dict[Key, Entry] = {}
        self._foreign = 0
        self._holders: dict[NodeId, _Holder] = {}
        # All live equally long, so that they end in the order in which they were heard
        # of; who was renewed goes to the back when its turn comes.
        self._ends: deque[tuple[float, Key, Hold]] = deque()

    def __len__(self) -> int:
        """Return how much others hold; this is what is bounded."""
        return self._foreign

    @property
    def own(self) -> int:
        """How many nodes this machine holds."""
        known = self._holders.get(self._me)
        return 0 if known is None else len(known.keys)

    @property
    def ends(self) -> float | None:
        """When there may be something to let go of."""
        return self._ends[0][0] if self._ends else None

    def is_current(self, now: float, holder: NodeId, boot_id: bytes) -> bool:
        """Take note of a member's process; return whether it is not an earlier one.

        What an earlier process held ends soon, unless the new one claims it: what is
        computed outlives the daemon that claimed it.
        """
        known = self._holders.get(holder)
        if known is None:
            self._holders[holder] = _Holder(boot_id)
            return True
        if known.boot_id == boot_id:
            return True
        if boot_id in known.earlier:
            return False
        for key in known.keys:
            hold = find(self._entries[key], holder)
            if hold is not None:
                hold.until = now + self._resume_s
        known.earlier.append(known.boot_id)
        known.boot_id = boot_id
        return True

    def is_full(self, holder: NodeId) -> bool:
        """Return whether ``holder`` can hold nothing more."""
        if holder == self._me:
            return False  # what it computes is so, whatever else is known
        count = len(self._holders[holder].keys)
        return self._foreign >= self._max_keys or count >= self._max_keys_per_holder

    def get(self, now: float, key: Key) -> Entry | None:
        """Return who computes a node, if anybody."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        over = [hold for hold in entry.holds if self._is_over(now, hold)]
        for hold in over:
            self.remove(key, hold)
        return self._entries.get(key) if over else entry

    def _is_over(self, now: float, hold: Hold) -> bool:
        return hold.holder != self._me and hold.is_over(now, self._ttl_s)

    def add(self, now: float, key: Key, hold: Hold) -> None:
        """Let somebody hold a node that does not yet; :meth:`is_current` was asked."""
        entry = self._entries.get(key)
        if entry is None:
            self._entries[key] = Entry([hold])
        else:
            entry.holds.append(hold)
        self._holders[hold.holder].keys.add(key)
        if hold.holder != self._me:
            self._foreign += 1
            self._ends.append((now + self._ttl_s, key, hold))

    def remove(self, key: Key, hold: Hold) -> None:
        """Let somebody hold a node no longer."""
        entry = self._entries[key]
        entry.holds.remove(hold)
        if not entry.holds:
            del self._entries[key]
        self._holders[hold.holder].keys.discard(key)
        self._foreign -= hold.holder != self._me

    def drop(self, now: float, holder: NodeId) -> None:
        """Let go of what a silent member holds, unless it was heard of just now."""
        known = self._holders.get(holder)
        if known is None:
            return
        for key in sorted(known.keys):
            hold = find(self._entries[key], holder)
            if hold is not None and hold.heard <= now - self._silent_s:
                self.remove(key, hold)
        if not known.keys:
            del self._holders[holder]

    def sweep(self, now: float) -> None:
        """Let go of what was not renewed."""
        ends = self._ends
        while ends and ends[0][0] <= now:
            _, key, hold = ends.popleft()
            entry = self._entries.get(key)
            if entry is None or hold not in entry.holds:
                continue
            if hold.is_over(now, self._ttl_s):
                self.remove(key, hold)
            else:
                ends.append((hold.heard + self._ttl_s, key, hold))


def find(entry: Entry | None, holder: NodeId) -> Hold | None:
    """Return what ``holder`` has of an entry."""
    if entry is not None:
        for hold in entry.holds:
            if hold.holder == holder:
                return hold
    return None
