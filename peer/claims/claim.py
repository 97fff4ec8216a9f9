"""One node that runs of this machine want."""

from __future__ import annotations

from dataclasses import dataclass, field

from .messages import Key, NodeId, RunId

MAX_BELIEVED = 4
"""Holders of one node that are waited for; more are a tale."""

NOBODY: frozenset[NodeId] = frozenset()


@dataclass(slots=True)
class Tenure:
    """A lease that this machine was granted.

    Attributes:
        arbiter: who granted it.
        boot_id: of its process.
        token: of the grant.
        is_hedge: whether somebody else held the node too.
        is_first_choice: whether the arbiter came first of all that were there.
        is_lost: whether others hold it now, as the arbiter says.
    """

    arbiter: NodeId
    boot_id: bytes
    token: int
    is_hedge: bool
    is_first_choice: bool
    is_lost: bool = False


@dataclass(slots=True, eq=False)
class Claim:
    """What this machine does about a node, from its first wish to the result.

    Attributes:
        key: the node.
        estimate_s: how long it takes here.
        whole_s: how long it takes from the grant to the result, with what is computed
            before it.
        waiting: runs that wait for an answer, or for the result.
        computing: runs that compute it, with a grant or without.
        started: when the first of them began.
        start: number of that start; names it to arbiters if nobody granted it.
        seen: who was there at the start.
        has_begun: whether it was without a grant.
        tenure: the lease, if there is one.
        told: arbiters that were told of the lease besides the one that granted it.

        call: number of the claim that is under way, or 0.
        is_check: whether it goes to the holder, to see whether it is one.
        order: whom to ask, as of ``order_version`` of the view.
        tried: who did not answer in this walk.
        avoided: whose word about this node proved empty.
        is_retried: whether the first of the walk was asked twice.
        redirects: how often this walk was sent elsewhere.
        insists_at: who is to be told that nobody better answers.

        holder: who computes it elsewhere, or None.
        said_by: the arbiter that says so.
        believed: until when each holder is waited for.
        check_at: when the holder itself is asked whether it is one.
        silences: how often in a row it did not answer to that question.
        denied: an arbiter, the holder it named that said it was none, and when; the
            first time, what the holder told the arbiter may have been on its way.
        eta: when runs were told to expect the result; -inf if they were told nothing.
        told_holder: of whom they were told.

        source: from whom the result is being fetched, or empty.
        sources: who else has it.
        missing: from whom it could not be had.
        is_denied: whether the arbiter was told so already.
        elsewhere: who was heard to have the result.
    """

    key: Key
    estimate_s: float
    whole_s: float = 0.0
    waiting: dict[RunId, None] = field(default_factory=dict)
    computing: dict[RunId, None] = field(default_factory=dict)
    started: float = 0.0
    start: int = 0
    seen: frozenset[NodeId] = NOBODY
    has_begun: bool = False
    tenure: Tenure | None = None
    told: tuple[NodeId, ...] = ()

    call: int = 0
    is_check: bool = False
    order: list[NodeId] = field(default_factory=list)
    order_version: int = -1
    tried: frozenset[NodeId] = NOBODY
    avoided: frozenset[NodeId] = NOBODY
    is_retried: bool = False
    redirects: int = 0
    insists_at: NodeId = ""

    holder: NodeId | None = None
    said_by: NodeId = ""
    believed: dict[NodeId, float] = field(default_factory=dict)
    check_at: float = float("inf")
    silences: int = 0
    denied: tuple[NodeId, NodeId, float] | None = None
    eta: float = float("-inf")
    told_holder: NodeId = ""

    source: NodeId = ""
    sources: tuple[NodeId, ...] = ()
    missing: frozenset[NodeId] = NOBODY
    is_denied: bool = False
    elsewhere: frozenset[NodeId] = NOBODY

    @property
    def is_ours(self) -> bool:
        """Whether this machine computes the node, or is granted to."""
        return bool(self.computing) or self.tenure is not None

    @property
    def is_told(self) -> bool:
        """Whether runs were told when to expect the result."""
        return self.eta > float("-inf")

    @property
    def state(self) -> str:
        """Where the claim stands, for people."""
        if self.tenure is not None:
            return "granted"
        if self.computing:
            return "begun"
        if self.source:
            return "fetching"
        return "asking" if self.call and not self.said_by else "held"

    def left_s(self, now: float) -> float:
        """Return how long the computation here may still take."""
        return max(0.0, self.started + self.whole_s - now)

    def is_believed(self, now: float) -> bool:
        """Return whether the holder may still be within its time."""
        return self.holder is not None and now < self.believed.get(self.holder, 0.0)

    def believe(self, now: float, holder: NodeId, until: float) -> None:
        """Take a holder, and wait for it until then, but no longer than once said."""
        if holder not in self.believed and len(self.believed) < MAX_BELIEVED:
            self.believed[holder] = until
        if holder != self.holder:
            self.holder = holder
            self.silences = 0
            self.check_at = self.believed.get(holder, now)
