"""What the claim protocol is told, and what it wants done.

Nothing here does I/O: a shell turns calls, timers and sockets into events, and carries
actions out.  Times are seconds of one monotonic clock; no time of day is ever compared,
and no clock crosses the network, only durations do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

NodeId: TypeAlias = str
"""A member, by its 16 characters."""

Key: TypeAlias = bytes
"""A node of a plan, 32 bytes."""

RunId: TypeAlias = int
"""A run of this machine; each has a number of its own."""


# ---- what is asked of an arbiter, and what it answers ------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """One node in a claim.

    Attributes:
        key: the node.
        estimate_ms: how long the claimer thinks it takes.
        is_hedge: whether the claimer has waited long for a holder, and wants to compute
            the node beside it.
        is_missing: whether the result that was said to exist could not be had.
        is_insisting: whether arbiters that come before did not answer.
    """

    key: Key
    estimate_ms: int
    is_hedge: bool = False
    is_missing: bool = False
    is_insisting: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """The claimer is to compute the node.

    Attributes:
        token: rises with every grant of this arbiter's life; orders grants of a key.
        ttl_ms: how long it holds without being renewed.
        is_hedge: whether somebody else holds the node too.
    """

    token: int
    ttl_ms: int
    is_hedge: bool = False


@dataclass(frozen=True, slots=True)
class HeldBy:
    """Somebody computes the node.

    Attributes:
        holder: who.
        age_ms: since when.
        left_ms: how long it may still take, by the holder's own estimate.
        retry_ms: when to ask again.
    """

    holder: NodeId
    age_ms: int
    left_ms: int
    retry_ms: int


@dataclass(frozen=True, slots=True)
class DoneAt:
    """The result exists; ``node_id`` has it."""

    node_id: NodeId


@dataclass(frozen=True, slots=True)
class Better:
    """``node_id`` lives, and comes first for this node: ask there."""

    node_id: NodeId


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """The node is not to be claimed: it fails, or the arbiter's table is full."""


Answer: TypeAlias = Grant | HeldBy | DoneAt | Better | Unclaimed


@dataclass(frozen=True, slots=True)
class Lease:
    """A grant as its holder renews it.

    Attributes:
        key: the node.
        arbiter: who granted it; empty for a start without a grant, and if the grant
            was lost.
        boot_id: of the arbiter's process when it did; empty without a grant.
        token: of the grant; without one, a number of the start that is not 0.
        age_ms: since when the node is being computed.
        estimate_ms: how long the whole of it is estimated to take.
    """

    key: Key
    arbiter: NodeId
    boot_id: bytes
    token: int
    age_ms: int
    estimate_ms: int


@dataclass(frozen=True, slots=True)
class Released:
    """The end of a lease.

    Attributes:
        key: the node.
        boot_id: as in :class:`Lease`.
        token: likewise; 0 of one that knows of no lease: it has a result without one,
            or heard no answer to its claim and went on.
        is_done: whether the holder has the result.
        has_failed: whether the node has no value.
    """

    key: Key
    boot_id: bytes
    token: int
    is_done: bool
    has_failed: bool = False


# ---- events ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run wants nodes whose arguments it has: (key, estimated seconds)."""

    run: RunId
    items: tuple[tuple[Key, float], ...]


@dataclass(frozen=True, slots=True)
class Begun:
    """A run computes claimed nodes without a grant."""

    run: RunId
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """Results of these nodes are in this machine's store, and are shared.

    ``run``: who computed them; it is not told that they arrived.
    """

    keys: tuple[Key, ...]
    run: RunId | None = None


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A run neither computes these nodes nor waits for them any longer."""

    run: RunId
    keys: tuple[Key, ...]
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run is over, or has died."""

    run: RunId


@dataclass(frozen=True, slots=True)
class Members:
    """Who answers just now, without this machine: the others that can arbitrate."""

    live: frozenset[NodeId]


@dataclass(frozen=True, slots=True)
class Gone:
    """A member has not answered for long, or has begun a new life.

    ``boot_id``: of its present process, if it is there; what that was granted stays.
    """

    node_id: NodeId
    boot_id: bytes = b""


@dataclass(frozen=True, slots=True)
class Offered:
    """A member was heard to have results of nodes that are waited for here.

    Said just before :class:`Wanted`, it leads to a fetch instead of a claim: arbiters
    remember for a minute only that a node is done.
    """

    node_id: NodeId
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """An arbiter answered the call ``number``, item by item."""

    number: int
    boot_id: bytes
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The call ``number`` failed, or its deadline is over."""

    number: int


@dataclass(frozen=True, slots=True)
class RenewalAnswered:
    """A renewal came through; the leases on ``lost`` are held by others."""

    node_id: NodeId
    lost: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class RenewalFailed:
    """A renewal did not come through."""

    node_id: NodeId


@dataclass(frozen=True, slots=True)
class Fetched:
    """A result was brought into this machine's store.

    Attributes:
        key: the node.
        source: name of the peer, for people; empty if another run of this machine
            computed it.
        seconds: how long it took.
        size_bytes: what was fetched.
        wants_audit: whether the result was drawn to be computed here as well.
    """

    key: Key
    source: str
    seconds: float
    size_bytes: int = 0
    wants_audit: bool = False


@dataclass(frozen=True, slots=True)
class NotFetched:
    """A result could not be had from ``node_id``."""

    key: Key
    node_id: NodeId


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by."""


Event: TypeAlias = (
    Wanted
    | Begun
    | Finished
    | GivenUp
    | RunEnded
    | Members
    | Gone
    | Offered
    | Answered
    | Unanswered
    | RenewalAnswered
    | RenewalFailed
    | Fetched
    | NotFetched
    | Tick
)


# ---- actions -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a claim; to be followed by Answered or Unanswered with this number."""

    number: int
    to: NodeId
    items: tuple[Item, ...]
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Renew:
    """Send a renewal; to be followed by RenewalAnswered or RenewalFailed."""

    to: NodeId
    leases: tuple[Lease, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """Send releases; nothing follows."""

    to: NodeId
    released: tuple[Released, ...]


@dataclass(frozen=True, slots=True)
class Fetch:
    """Bring a result here from a member; to be followed by Fetched or NotFetched."""

    key: Key
    source: NodeId


@dataclass(frozen=True, slots=True)
class TellGranted:
    """Tell a run to compute a node."""

    run: RunId
    key: Key
    is_hedge: bool


@dataclass(frozen=True, slots=True)
class TellHeld:
    """Tell a run who computes a node; an empty holder is another run of this machine.

    ``left_s``: estimated seconds until the result is here.
    """

    run: RunId
    key: Key
    holder: NodeId
    left_s: float


@dataclass(frozen=True, slots=True)
class TellFree:
    """Tell a run to compute a node that nobody else waits for."""

    run: RunId
    key: Key


@dataclass(frozen=True, slots=True)
class TellArrived:
    """Tell a run that a result is in the store."""

    run: RunId
    fetched: Fetched


@dataclass(frozen=True, slots=True)
class Count:
    """Count something under a name, for status and metrics."""

    name: str
    by: int = 1


Action: TypeAlias = (
    Ask
    | Renew
    | Release
    | Fetch
    | TellGranted
    | TellHeld
    | TellFree
    | TellArrived
    | Count
)
