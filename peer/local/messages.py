"""What commands and runs say to the daemon of their store, and what it answers.

Each message is one MessagePack map; ``Request`` and ``Answer`` are the unions of what
may come.  Only what the daemon reads from the store itself crosses the socket: node
keys, never the bytes of artifacts.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

VERSION = 2
"""Version of these messages; a daemon of another one is asked to be restarted."""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of all messages."""


class Request(Message, frozen=True, kw_only=True):
    """Base of what is asked; ``id`` comes back in every answer."""

    id: int


class Greet(Request, frozen=True, kw_only=True):
    """First message of a connection; answered by :class:`Greeting`."""

    version: int = VERSION


class Locate(Request, frozen=True, kw_only=True):
    """Who has results of these nodes?  Answered by :class:`Offers`.

    Attributes:
        keys: node keys, 32 bytes each one after the other.
    """

    keys: bytes


class Fetch(Request, frozen=True, kw_only=True):
    """Bring these results here.  Answered by one :class:`Arrival` for each key.

    Attributes:
        keys: as in :class:`Locate`.
        spares_s: for each key, as far as it is known, the estimated seconds of
            computing that its result spares the run, what several spare counted once.
    """

    keys: bytes
    spares_s: tuple[float, ...] = ()


class ClaimItem(msgspec.Struct, frozen=True, array_like=True):
    """One node to claim; fields as in ``scheduler.neighbours.Claim``."""

    key: bytes
    estimate_s: float
    size_bytes: int = 0
    reveals_input: bool = False
    is_goal: bool = False
    operation: str = ""
    environment: str = ""


class Claim(Request, frozen=True, kw_only=True):
    """Shall the run compute these nodes, or wait for others?

    Answered for each node by one or more of :class:`Claimed` and :class:`Arrival`, all
    with the ``id`` of this request.
    """

    items: tuple[ClaimItem, ...]


class Begin(Request, frozen=True, kw_only=True):
    """The run computes these claimed nodes without a grant.  Not answered."""

    keys: bytes


class Release(Request, frozen=True, kw_only=True):
    """The run neither computes these nodes nor waits for them.  Not answered."""

    keys: bytes
    has_failed: bool = False


class Alive(Request, frozen=True, kw_only=True):
    """The run lives.  Sent every 2 seconds while it has claims.  Not answered.

    Claims of a run that is silent for 10 seconds end.
    """


class Publish(Request, frozen=True, kw_only=True):
    """These results were committed.  Not answered."""

    keys: bytes


class GetStatus(Request, frozen=True, kw_only=True):
    """How are you?  Answered by :class:`Status`."""


class Revoke(Request, frozen=True, kw_only=True):
    """End a membership; answered by :class:`Done` or :class:`Refused`."""

    node_id: str
    from_sequence: int = 0


class Trust(Request, frozen=True, kw_only=True):
    """Take a member's results here again, whatever was found against it up to now.

    Answered by :class:`Done`, or :class:`Refused` if there is nothing against it.
    """

    node_id: str


class Forget(Request, frozen=True, kw_only=True):
    """Have these results forgotten in the realm; answered by :class:`Done`."""

    keys: bytes


class Nudge(Request, frozen=True, kw_only=True):
    """Something in the store's realm changed (an invitation, say); look again."""


class Stop(Request, frozen=True, kw_only=True):
    """End; answered by :class:`Done` before the connection ends with the daemon."""


class Answer(Message, frozen=True, kw_only=True):
    """Base of what the daemon says."""

    id: int


class Greeting(Answer, frozen=True, kw_only=True):
    """The daemon of this store, and whether it has company.

    It comes again, with ``id`` 0, whenever the number of neighbours changes.
    """

    version: int = VERSION
    store_id: str = ""
    neighbours: int = 0
    node_id: str = ""
    arbiters: tuple[str, ...] = ()
    """Node ids of all who decide about claims now, this daemon's own among them."""


class Offer(msgspec.Struct, frozen=True, array_like=True):
    """One located result; fields as in ``scheduler.neighbours.Located``."""

    key: bytes
    size_bytes: int
    fetch_s: float
    cost_s: float


class Offers(Answer, frozen=True, kw_only=True):
    """What neighbours have of what was asked."""

    offers: tuple[Offer, ...] = ()


class Arrival(Answer, frozen=True, kw_only=True):
    """A result is in the store, or will not be (``source`` is empty)."""

    key: bytes
    source: str
    seconds: float
    size_bytes: int = 0
    wants_audit: bool = False


class Claimed(Answer, frozen=True, kw_only=True):
    """What was decided about one claimed node.

    Attributes:
        key: the node.
        state: ``"granted"``, ``"held"`` or ``"free"``; see ``scheduler.neighbours``.
        is_hedge: of a grant, whether somebody else is at it too.
        holder: of what is held, the name of the peer, or ``"this machine"``.
        left_s: of what is held, estimated seconds until the result is here.
    """

    key: bytes
    state: Literal["granted", "held", "free"]
    is_hedge: bool = False
    holder: str = ""
    left_s: float = 0.0


class Done(Answer, frozen=True, kw_only=True):
    """It was done; ``text`` says what, for people."""

    text: str = ""


class Refused(Answer, frozen=True, kw_only=True):
    """It cannot be done; ``reason`` says why and what to do, for people."""

    reason: str


class PeerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One member of the realm as this daemon knows it.

    Attributes:
        node_id: 16 characters.
        name: what people call it.
        addresses: "host:port", the one in use first.
        state: "live", "suspect", "gone", or "revoked".
        found_by: "mdns", "seed", "remembered" or "referral".
        version: of voxpeer there.
        shares_floats: whether its float results have the keys that ours have.
        difference: which libraries differ, for people; empty if none does.
        is_sponsor: whether it may enrol others.
        shared_results: how many it offers.
        located: keys found there; fetched: results that came from there.
        fetched_bytes: their length.
        saved_s: estimated seconds of one core that runs here would have computed for
            them and what is missing below them, less those that they took to fetch.
        rejected: results and chunks refused; served_bytes: what it got from here.
        refused_from: number of the first of its records that is not taken here, since
            it was found wrong; None: nothing is known against it.
        refused_because: how that is known, for people.
        refused_s: seconds since then.
        excuses: names of members whose results the wrong one was computed from: the
            fault may be theirs.
        is_accused: whether somebody says that it is wrong, which is not settled here.
        is_barred: whether it is not asked for artifacts, because damaged ones came.
        seen_s: seconds since it last answered, or None.
        rtt_ms: milliseconds of a small call, or None.
    """

    node_id: str
    name: str = ""
    addresses: tuple[str, ...] = ()
    state: str = "gone"
    found_by: str = ""
    version: str = ""
    shares_floats: bool = True
    difference: str = ""
    is_sponsor: bool = False
    shared_results: int = 0
    located: int = 0
    fetched: int = 0
    fetched_bytes: int = 0
    saved_s: float = 0.0
    rejected: int = 0
    served_bytes: int = 0
    refused_from: int | None = None
    refused_because: str = ""
    refused_s: float = 0.0
    excuses: tuple[str, ...] = ()
    is_accused: bool = False
    is_barred: bool = False
    seen_s: float | None = None
    rtt_ms: float | None = None


class Status(Answer, frozen=True, kw_only=True):
    """The daemon as a whole.

    Attributes:
        name, node_id, realm_id, version: who it is; ``realm_id`` in hexadecimal.
        pid: its process.
        up_s: seconds since it started.
        addresses: where it listens.
        enrol_port: port on which it enrols others just now, or 0.
        discovery: what is known of multicast, for people.
        hints: what the user might do something about, for people.
        shared_results: how many results are offered.
        advertised: how many of them stand in the mDNS record.
        epoch: of the realm's keys.
        certificate_days: until the certificate ends.
        peers: everybody known, without those who were not seen for two weeks and are
            not revoked: they may have left.
        disputes: how many are known of members about each other's results.
        conflicts: nodes of which two results are known here, and it is not settled
            which is right.
        open_audits: results that are to be computed here as well.
        audits: of those that were, by what came of it: ``confirmed``, ``differs``,
            ``unstable``, ``impossible``; as far as is remembered.
        audit_cpu_s: CPU-seconds that these took.
        unshareable: operations that are not the same on every machine, for people;
            their results are not shared.
        wrong_files: files that programs saved and that rest on what was found wrong
            since; they are to be made right.
        counters: name → count of everything refused, dropped or served, such as
            ``refused_calls``, ``bad_announcements``, ``bad_chunks``.
        claims: state → number of claims just now, and the sizes of tables.
        claim_seconds: of claims that came so far, how many and the seconds of all of
            them: until the first ``answer``; and from the first word that somebody
            else computes a node until its ``arrival``, a ``grant``, or until the run
            began (``begin``) without one.
    """

    name: str
    node_id: str
    realm_id: str
    version: str
    pid: int
    up_s: float
    addresses: tuple[str, ...] = ()
    enrol_port: int = 0
    discovery: str = ""
    hints: tuple[str, ...] = ()
    shared_results: int = 0
    advertised: int = 0
    epoch: int = 0
    certificate_days: float = 0.0
    is_sponsor: bool = False
    peers: tuple[PeerStatus, ...] = ()
    disputes: int = 0
    conflicts: int = 0
    open_audits: int = 0
    audits: dict[str, int] = {}
    audit_cpu_s: float = 0.0
    unshareable: tuple[str, ...] = ()
    wrong_files: tuple[str, ...] = ()
    counters: dict[str, int] = {}
    claims: dict[str, int] = {}
    claim_seconds: dict[str, tuple[int, float]] = {}


AnyRequest: TypeAlias = (
    Greet
    | Locate
    | Fetch
    | Claim
    | Begin
    | Release
    | Alive
    | Publish
    | GetStatus
    | Revoke
    | Trust
    | Forget
    | Nudge
    | Stop
)
AnyAnswer: TypeAlias = Greeting | Offers | Claimed | Arrival | Done | Refused | Status
