"""Which results others may have, held in memory.

The store's follower says what came and what went; the rule decides.  What is asked
from here is answered without touching the disk.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from store import NodeKey

from .inventory import Block, Inventory, State, short_key
from .options import WORTH_S, Share

ADVERTISED_MS = 50
"""What is cheaper stands in no announcement."""

ADVERTISED_AGE_S = 7 * 86_400
"""What has been here for longer stands in none either."""

MAX_32 = (1 << 32) - 1
MAX_ADVERTISED = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """A result as the rule sees it.

    Attributes:
        key: the node.
        total_bytes: of its artifact and those that it refers to.
        cost_s: seconds that the kernel took.
        subtree_s: seconds to compute it again from what is kept.
        is_ours: whether it was computed here.
        reveals_input: whether it shows the voxels of an input.
    """

    key: NodeKey
    total_bytes: int
    cost_s: float
    subtree_s: float
    is_ours: bool
    reveals_input: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """Which results are shared; see :class:`DaemonOptions`."""

    share: Share
    share_inputs: bool

    def allows(self, row: Row, *, is_goal: bool) -> bool:
        """Return whether others may have a result."""
        if self.share == "none" or (row.reveals_input and not self.share_inputs):
            return False
        if self.share == "all" or is_goal:
            return True
        return self.share == "worth" and row.subtree_s >= WORTH_S


class Shared:
    """The results that are shared, and their inventory.  Any thread may ask."""

    def __init__(self, inventory_id: bytes) -> None:
        self._inventory = Inventory(inventory_id)
        # One number each, for the sake of memory: see `_pack`.
        self._entries: dict[NodeKey, int] = {}
        self._changed = threading.Condition()

    # ---- what changes ------------------------------------------------------

    def add(self, rows: Iterable[Row], goals: Collection[NodeKey]) -> int:
        """Share results; return how many are new."""
        now_s = int(time.time())
        with self._changed:
            before = len(self._entries)
            added = []
            for row in rows:
                self._entries[row.key] = _pack(row, now_s, row.key in goals)
                added.append(short_key(row.key))
            self._inventory.add(added)
            self._changed.notify_all()
            return len(self._entries) - before

    def remove(self, keys: Iterable[NodeKey]) -> int:
        """Share results no longer; return how many there were."""
        with self._changed:
            gone = [key for key in keys if self._entries.pop(key, None) is not None]
            self._inventory.remove(map(short_key, gone))
            if gone:
                self._changed.notify_all()
            return len(gone)

    # ---- what is asked -----------------------------------------------------

    def __contains__(self, key: NodeKey) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def located(self, keys: Sequence[NodeKey]) -> list[tuple[int, int] | None]:
        """Return bytes and milliseconds of each key that is shared, else None."""
        # Half a million a second are asked for: no call for each of them.
        return [
            None if packed is None else (packed >> 97, packed >> 33 & MAX_32)
            for packed in map(self._entries.get, keys)
        ]

    @property
    def state(self) -> State:
        """Where the inventory stands."""
        with self._changed:
            return self._inventory.state

    def since(self, have: State) -> tuple[State, list[int], list[int]] | None:
        """Return the state, and what was added and removed since another one."""
        with self._changed:
            changes = self._inventory.since(have)
            return None if changes is None else (self._inventory.state, *changes)

    def blocks(self) -> tuple[State, Iterator[Block]]:
        """Return the state, and filter blocks of everything."""
        with self._changed:
            return self._inventory.state, iter(list(self._inventory.blocks()))

    def wait(self, have: State, until: float, is_over: Callable[[], bool]) -> State:
        """Wait until the state is another than ``have``.

        Args:
            have: a state.
            until: of the monotonic clock.
            is_over: asked whenever somebody calls :meth:`wake`.
        """
        with self._changed:
            while True:
                state = self._inventory.state
                left = until - time.monotonic()
                is_same = (state.id, state.sequence) == (have.id, have.sequence)
                if not is_same or left <= 0 or is_over():
                    return state
                self._changed.wait(left)

    def wake(self) -> None:
        """Let everybody who waits look again."""
        with self._changed:
            self._changed.notify_all()

    def advertised(self) -> list[NodeKey]:
        """Return what to announce by multicast, the most useful first.

        Goals come first, then what cost most for its length; what is old or cheap is
        left to those who ask.
        """
        oldest = time.time() - ADVERTISED_AGE_S
        with self._changed:
            entries = list(self._entries.items())
        weighed = []
        for key, packed in entries:
            size, cost_ms = packed >> 97, _worth_ms(packed)
            if cost_ms >= ADVERTISED_MS and _seen_s(packed) >= oldest:
                weighed.append((not packed & 1, -cost_ms / (size + 1), key))
        weighed.sort()
        return [key for _, _, key in weighed[:MAX_ADVERTISED]]


def _pack(row: Row, seen_s: int, is_goal: bool) -> int:
    """Return all that is known of a result as one number: goal, times, bytes."""
    packed = row.total_bytes
    for number in (seen_s, round(1000 * row.cost_s), round(1000 * row.subtree_s)):
        packed = packed << 32 | min(max(number, 0), MAX_32)
    return packed << 1 | is_goal


def _seen_s(packed: int) -> int:
    return packed >> 65 & MAX_32


def _worth_ms(packed: int) -> int:
    """Return milliseconds of the kernel, or of all that would be computed anew."""
    return max(packed >> 33 & MAX_32, packed >> 1 & MAX_32)
