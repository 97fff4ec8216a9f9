"""What a run may ask of other machines.

The port finds results that others have (``locate``, ``fetch``), divides the work with
others who want the same (``claim``, ``begin``, ``release``), and announces results
(``publish``).  All of it is asynchronous, and "nobody" is always an answer: a run that
hears nothing computes for itself.

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
        wants_audit: whether the result was drawn to be computed here as well, some
            time, to see whether its signer tells the truth.
    """

    key: NodeKey
    source: str
    seconds: float
    size_bytes: int = 0
    wants_audit: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A node that a run is about to compute, and that others may want too.

    Attributes:
        key: the node.
        estimate_s: seconds that it will take here, arguments not counted.
        size_bytes: what its artifact will take, as far as that can be guessed.
        reveals_input: whether its value may show an input.
        is_goal: whether it is a goal of the run.
        operation: ``"namespace.primitive@version"``, and
        environment: what its results depend on besides, as in ``store.Result``.
    """

    key: NodeKey
    estimate_s: float
    size_bytes: int = 0
    reveals_input: bool = False
    is_goal: bool = False
    operation: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Granted:
    """The run is to compute the node; others who want it wait for its result.

    Attributes:
        key: the node.
        is_hedge: whether somebody else is at it too, and seems to take too long.
    """

    key: NodeKey
    is_hedge: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody else computes the node, or its result is on the way here.

    It may be said again, with a new estimate.

    Attributes:
        key: the node.
        holder: name of the peer, or ``"this machine"`` for another run.
        left_s: estimated seconds until its result is in the store.
    """

    key: NodeKey
    holder: str
    left_s: float


@dataclass(frozen=True, slots=True)
class Free:
    """There is nobody to share the node's work with: the run is to compute it."""

    key: NodeKey


ClaimAnswer: TypeAlias = "Granted | Held | Free | Arrived"
"""What is said of a claim.  First any number of ``Held``; then ``Free``, which ends the
claim, or ``Granted``.  At any time ``Arrived`` with a source: the result is in the
store, and the claim has ended.  ``Arrived`` without a source is never said."""


OnLocated: TypeAlias = Callable[[dict[NodeKey, Located]], None]
"""Called once, from any thread, with what somebody offers; the rest nobody has."""

OnArrived: TypeAlias = Callable[[Arrived], None]
"""Called once, from any thread, when a result is in the store, or will not be."""

OnClaimed: TypeAlias = Callable[[ClaimAnswer], None]
"""Called from any thread, at least once for every key that was claimed."""


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

    def ranks(self, keys: Sequence[NodeKey]) -> list[int]:
        """Return the place of this machine among those that may compute each node.

        Machines that want the same nodes meet late when each begins with those that it
        comes first for.  Alone, all are 0.
        """

    def claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
        """Ask whether to compute nodes whose arguments are here, or to wait.

        A claim that was granted lives until its key is published or released, or this
        process ends.  What was asked when the way to the neighbours breaks, and was not
        granted, is answered with :class:`Free`.
        """

    def begin(self, keys: Sequence[NodeKey]) -> None:
        """Say that claimed nodes are being computed here without having been granted.

        What comes of the claims is still answered.
        """

    def release(self, keys: Sequence[NodeKey], *, has_failed: bool = False) -> None:
        """End claims without a result.

        Args:
            keys: nodes that are neither computed nor waited for any longer.
            has_failed: whether the nodes were computed and have no value.
        """

    def publish(self, keys: Sequence[NodeKey]) -> None:
        """Say that results of ``keys`` were committed to the store; ends claims."""

    def close(self) -> None:
        """Ask no more; what was asked is answered with "nobody"; ends claims."""


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

    def ranks(self, keys: Sequence[NodeKey]) -> list[int]:
        """Return that this machine comes first."""
        return [0] * len(keys)

    def claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
        """Answer that there is nobody to share the work with."""
        for claim in claims:
            answer(Free(claim.key))

    def begin(self, keys: Sequence[NodeKey]) -> None:
        """Tell nobody."""

    def release(self, keys: Sequence[NodeKey], *, has_failed: bool = False) -> None:
        """Tell nobody."""

    def publish(self, keys: Sequence[NodeKey]) -> None:
        """Tell nobody."""

    def close(self) -> None:
        """Nothing to end."""
