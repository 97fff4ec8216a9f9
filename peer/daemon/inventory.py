"""What has results here, as a set of short keys with a history.

A short key is the first eight bytes of a node key as a big-endian number.  Neighbours
hold such sets of each other; what changed travels as a difference as long as the
history reaches back, else as filter blocks.  Nothing here does I/O.

Block ``i`` of ``n`` has the short keys ``u`` with ``floor(u n / 2^64) = i``; its items
are ``u n mod 2^64``, so that they are spread evenly again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from peer.discovery.gcs import encode

JOURNAL = 65_536
"""Changes that are remembered."""

BLOCK_ITEMS = 49_152
"""Items that a block is meant to have; chance brings no block over 65536."""

FILTER_P = 12
WORD = 1 << 64


@dataclass(frozen=True, slots=True)
class State:
    """Where an inventory stands: its id, number of changes, number of short keys."""

    id: bytes = b""
    sequence: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """One filter block; fields as in the message ``FilterBlock``."""

    index: int
    blocks: int
    items: int
    p: int
    set: bytes


def short_key(key: bytes) -> int:
    """Return the short key of a node key."""
    return int.from_bytes(key[:8], "big")


def place_of(short: int, blocks: int) -> tuple[int, int]:
    """Return the block of a short key among ``blocks``, and its item there."""
    product = short * blocks
    return product >> 64, product % WORD


class Inventory:
    """The short keys of what is shared here."""

    def __init__(self, inventory_id: bytes) -> None:
        """Begin empty.

        Args:
            inventory_id: 8 random bytes, new with every history.
        """
        self._id = inventory_id
        self._sequence = 0
        self._shorts: set[int] = set()
        self._journal: deque[tuple[int, bool]] = deque(maxlen=JOURNAL)

    @property
    def state(self) -> State:
        """Where it stands."""
        return State(self._id, self._sequence, len(self._shorts))

    def add(self, shorts: Iterable[int]) -> None:
        """Add short keys; those that are there are no change."""
        for short in shorts:
            if short not in self._shorts:
                self._shorts.add(short)
                self._note(short, True)

    def remove(self, shorts: Iterable[int]) -> None:
        """Remove short keys; those that are not there are no change."""
        for short in shorts:
            if short in self._shorts:
                self._shorts.discard(short)
                self._note(short, False)

    def since(self, have: State) -> tuple[list[int], list[int]] | None:
        """Return what was added and what was removed since a state.

        None means that the history does not reach back to it.
        """
        missed = self._sequence - have.sequence
        if have.id != self._id or not 0 <= missed <= len(self._journal):
            return None
        last: dict[int, bool] = {}
        start = len(self._journal) - missed
        for at in range(start, len(self._journal)) if missed else ():
            short, is_there = self._journal[at]
            last[short] = is_there
        added = [short for short, is_there in last.items() if is_there]
        return added, [short for short, is_there in last.items() if not is_there]

    def blocks(self) -> Iterator[Block]:
        """Yield filter blocks of everything; at least one."""
        count = max(1, -(-len(self._shorts) // BLOCK_ITEMS))
        parts: list[list[int]] = [[] for _ in range(count)]
        for short in self._shorts:
            index, item = place_of(short, count)
            parts[index].append(item)
        for index, items in enumerate(parts):
            yield Block(index, count, len(items), FILTER_P, encode(items, FILTER_P))

    def _note(self, short: int, is_there: bool) -> None:
        self._sequence += 1
        self._journal.append((short, is_there))
