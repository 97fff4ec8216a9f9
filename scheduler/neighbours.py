"""What a run may ask of other machines.

The port has two questions and one announcement.  All of it is asynchronous, and
"nobody" is always an answer: a run that hears nothing computes for itself.

What comes back is in the store already: whoever implements the port fetches, verifies
and commits, and then says that it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from store import NodeKey


@dataclass(frozen=True, slots=True)
class Located:
    """A result that a neighbour offers.

    Attributes:
        key: the node.
        size_bytes: what would have to be fetched.
        fetch_s: estimated seconds until it is here.
        cost_s: seconds that it took at the peer that computed it, arguments not
            counted.
    """

    key: NodeKey
    size_bytes: int
    fetch_s: float
    cost_s: float


@dataclass(frozen=True, slots=True)
class Arrived:
    """How a fetch ended.

    Attributes:
        key: the node.
        source: name of the peer that it came from; empty if it did not come.
        seconds: how long it took.
        size_bytes: what was fetched.
    """

    key: NodeKey
    source: str
    seconds: float
    size_bytes: int = 0


OnLocated: TypeAlias = Callable[[dict[NodeKey, Located]], None]
"""Called once, from any thread, with what somebody offers; the rest nobody has."""

OnArrived: TypeAlias = Callable[[Arrived], None]
"""Called once, from any thread, when a result is in the store, or will not be."""


class Neighbours(Protocol):
    """Other machines that may have results.

    No method blocks or raises.  Every question is answered exactly once, with
    "nobody" if need be, also after :meth:`close` and when the way to the neighbours
    breaks.
    """

    @property
    def is_alone(self) -> bool:
        """Whether there is nobody to ask just now, so that asking can be spared."""

    def locate(self, keys: Sequence[NodeKey], answer: OnLocated) -> None:
        """Ask who has results of ``keys``."""

    def fetch(
        self, keys: Sequence[NodeKey], answer: OnArrived, spares_s: Sequence[float] = ()
    ) -> None:
        """Have located results fetched into the store; one answer for each key.

        Args:
            keys: the nodes, each once.
            answer: called for each of them.
            spares_s: for each of them, as far as it is known, the seconds of
                computing here that its result spares; for counters alone.
        """

    def publish(self, keys: Sequence[NodeKey]) -> None:
        """Say that results of ``keys`` were committed to the store."""

    def close(self) -> None:
        """Ask no more; what was asked is answered with "nobody"."""


class Alone:
    """Nobody."""

    is_alone = True

    def locate(self, keys: Sequence[NodeKey], answer: OnLocated) -> None:
        """Answer that nobody has anything."""
        answer({})

    def fetch(
        self, keys: Sequence[NodeKey], answer: OnArrived, spares_s: Sequence[float] = ()
    ) -> None:
        """Answer that nothing came."""
        for key in keys:
            answer(Arrived(key, "", 0.0))

    def publish(self, keys: Sequence[NodeKey]) -> None:
        """Tell nobody."""

    def close(self) -> None:
        """Nothing to end."""
