"""The daemon and its neighbours as people and programs read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from peer.quantities import format_duration, format_size, format_span

from .audit_views import audits_text
from .claim_views import claim_facts, is_of_claims
from .output import write_line, write_table

if TYPE_CHECKING:
    from peer.local.messages import PeerStatus, Status

STATES = ("live", "suspect", "gone", "revoked")
"""States of a peer, in the order in which they are shown."""

WAYS = {
    "mdns": "heard",
    "seed": "a seed",
    "remembered": "remembered",
    "referral": "introduced",
}
"""How a peer was found, as people read it."""

SHOWN_FILES = 20

SHOWN_REALM = 16
"""Hexadecimal digits of a realm that are shown."""


def status_json(status: Status) -> dict[str, object]:
    """Return the JSON object that ``status --json`` prints."""
    import msgspec

    fields = msgspec.to_builtins(status)
    assert isinstance(fields, dict)
    for internal in ("type", "id"):
        fields.pop(internal, None)
    return {"running": True, "answers": True, **fields}


def show_status(status: Status, store: str) -> None:
    """Show the daemon, its neighbours, and what to do about what is not well."""
    for label, text in _facts(status, store):
        write_line(f"{label:<12} {text}")
    if status.peers:
        write_line("")
        show_peers(status.peers)
    for hint in (*status.hints, *_own_hints(status)):
        write_line("")
        write_line(f"hint: {hint}")


def show_peers(peers: Iterable[PeerStatus]) -> None:
    """Show everybody known as a table, and below it who shares no floats."""
    ordered = sorted(peers, key=_rank)
    head = ("name", "node", "state", "version", "offers", "fetched", "saved", "served")
    rows = [(*_who(peer), *_traffic(peer)) for peer in ordered]
    write_table((*head, "refused", "seen", "address"), rows)
    for peer in ordered:
        for text in _remarks(peer):
            write_line(f"{peer.name or peer.node_id}: {text}")


def _remarks(peer: PeerStatus) -> Iterator[str]:
    """Yield what is worth saying of a peer besides its row."""
    if not peer.shares_floats:
        yield floats_text(peer)
    if peer.refused_from is not None:
        yield quarantine_text(peer)
    if peer.is_accused:
        yield (
            "another member says that a result of it is wrong; that is being looked"
            " into, and more of its results are computed here as well"
        )
    if peer.is_barred:
        yield (
            "is not asked for data for a day, because damaged data came from it three"
            " times: its disk or memory may be failing"
        )


def quarantine_text(peer: PeerStatus) -> str:
    """Return why a peer's results are not taken, and what to do."""
    first = peer.refused_from or 0
    since = f", from its record {first} on" if first > 1 else ""
    text = (
        f"its results are not taken here any more{since}, because one was wrong"
        f" ({peer.refused_because}, {format_span(peer.refused_s)} ago)"
    )
    if peer.excuses:
        text += (
            "; it was computed from results of"
            f" {', '.join(peer.excuses)}, and the fault may be there"
        )
    name = peer.name or peer.node_id
    return (
        f"{text}. Have that machine's memory, disk and software looked at; then"
        f" 'voxpeer peers trust {name}' here, or 'voxpeer peers revoke {name}' on a"
        " sponsor to end its membership everywhere"
    )


def floats_text(peer: PeerStatus) -> str:
    """Return why float results are not shared with a peer."""
    text = "shares no results of floating-point kernels with this machine"
    return f"{text}: {peer.difference}" if peer.difference else text


def _facts(status: Status, store: str) -> Iterator[tuple[str, str]]:
    role = ", sponsor" if status.is_sponsor else ""
    yield "peer", f"{status.name} ({status.node_id}){role}"
    yield "realm", status.realm_id[:SHOWN_REALM]
    up = format_span(status.up_s)
    yield "daemon", f"pid {status.pid}, up {up}, voxpeer {status.version}"
    yield "store", store
    yield "listening", ", ".join(status.addresses) or "nowhere"
    if status.enrol_port:
        yield "inviting", f"on port {status.enrol_port}, while a token is good"
    yield "discovery", status.discovery or "unknown"
    count = status.shared_results
    offered = f"{count} result{'' if count == 1 else 's'}"
    yield "sharing", f"{offered}, {status.advertised} of them announced by mDNS"
    yield "certificate", f"for {max(status.certificate_days, 0):.0f} more days"
    yield "peers", _census(status.peers)
    audits = audits_text(status.open_audits, status.audits, status.audit_cpu_s)
    if audits:
        yield "audits", audits
    trust = ", ".join(_trust(status))
    if trust:
        yield "trust", trust
    yield from claim_facts(status)
    counters = [
        f"{name} {count}"
        for name, count in sorted(status.counters.items())
        if not is_of_claims(name)
    ]
    if counters:
        yield "counters", ", ".join(counters)


def _census(peers: Iterable[PeerStatus]) -> str:
    states = [peer.state for peer in peers]
    counts = [f"{states.count(state)} {state}" for state in STATES if state in states]
    return ", ".join(counts) or "nobody yet"


def _trust(status: Status) -> Iterator[str]:
    """Yield what there is to say about what is believed."""
    quarantined = sum(peer.refused_from is not None for peer in status.peers)
    for count, one, many in (
        (quarantined, "member not believed", "members not believed"),
        (status.disputes, "dispute", "disputes"),
        (status.conflicts, "result in doubt", "results in doubt"),
        (len(status.unshareable), "operation not shared", "operations not shared"),
        (len(status.wrong_files), "file to make right", "files to make right"),
    ):
        if count:
            yield f"{count} {one if count == 1 else many}"


def _own_hints(status: Status) -> Iterator[str]:
    for operation in status.unshareable:
        yield (
            f"{operation} does not give the same on every machine, or not every time:"
            " its results are not shared, and each machine computes its own"
        )
    if status.wrong_files:
        names = "".join(f"\n  {path}" for path in status.wrong_files[:SHOWN_FILES])
        more = len(status.wrong_files) - SHOWN_FILES
        names += f"\n  and {more} more" if more > 0 else ""
        yield (
            "these files were made from results that are not believed any more. They"
            " are written anew when the machine has time; 'voxpeer audit' does it now,"
            f" and so does running the program again:{names}"
        )
    if sum(peer.refused_from is not None for peer in status.peers) > 1:
        yield (
            "several members are not believed here. If these do believe each other, it"
            " is this machine that is wrong: have its memory, disk and software looked"
            " at"
        )
    if status.certificate_days <= 0:
        yield (
            "the certificate of this machine has ended, so nobody talks to it; get a "
            "token from a sponsor ('voxpeer invite') and 'voxpeer join TOKEN' here"
        )
    members = [peer for peer in status.peers if peer.state != "revoked"]
    if members and all(peer.state == "gone" for peer in members):
        yield (
            "nobody who is known answers: they are off, the network or a firewall is "
            "between, or this machine was revoked, which a sponsor can tell"
        )


def _rank(peer: PeerStatus) -> tuple[int, str, str]:
    order = STATES.index(peer.state) if peer.state in STATES else len(STATES)
    return order, peer.name, peer.node_id


def _who(peer: PeerStatus) -> tuple[str, ...]:
    state = peer.state
    if state == "live" and peer.found_by:
        state = f"live ({WAYS.get(peer.found_by, peer.found_by)})"
    if peer.refused_from is not None:
        state += ", not believed"
    name = f"{peer.name or '?'}{' *' if peer.is_sponsor else ''}"
    offers = str(peer.shared_results) if peer.state == "live" else "-"
    return name, peer.node_id, state, peer.version or "-", offers


def _traffic(peer: PeerStatus) -> tuple[str, ...]:
    fetched = "-"
    if peer.fetched:
        fetched = str(peer.fetched)
        if peer.fetched_bytes:  # short values come within their records
            fetched += f" ({format_size(peer.fetched_bytes)})"
    return (
        fetched,
        format_duration(peer.saved_s) if peer.saved_s > 0 else "-",
        format_size(peer.served_bytes) if peer.served_bytes else "-",
        str(peer.rejected or "-"),
        "-" if peer.seen_s is None else f"{format_span(peer.seen_s)} ago",
        peer.addresses[0] if peer.addresses else "-",
    )
