"""The daemon and its neighbours as people and programs read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from peer.quantities import format_duration, format_size, format_span

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
        if not peer.shares_floats:
            write_line(f"{peer.name or peer.node_id}: {floats_text(peer)}")


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
    if status.counters:
        counters = sorted(status.counters.items())
        yield "counters", ", ".join(f"{name} {count}" for name, count in counters)


def _census(peers: Iterable[PeerStatus]) -> str:
    states = [peer.state for peer in peers]
    counts = [f"{states.count(state)} {state}" for state in STATES if state in states]
    return ", ".join(counts) or "nobody yet"


def _own_hints(status: Status) -> Iterator[str]:
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
    name = f"{peer.name or '?'}{' *' if peer.is_sponsor else ''}"
    offers = str(peer.shared_results) if peer.state == "live" else "-"
    return name, peer.node_id, state, peer.version or "-", offers


def _traffic(peer: PeerStatus) -> tuple[str, ...]:
    fetched = "-"
    if peer.fetched:
        fetched = f"{peer.fetched} ({format_size(peer.fetched_bytes)})"
    return (
        fetched,
        format_duration(peer.saved_s) if peer.saved_s > 0 else "-",
        format_size(peer.served_bytes) if peer.served_bytes else "-",
        str(peer.rejected or "-"),
        "-" if peer.seen_s is None else f"{format_span(peer.seen_s)} ago",
        peer.addresses[0] if peer.addresses else "-",
    )
