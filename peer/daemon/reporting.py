"""What the daemon says about itself and its neighbours."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from peer.identity import NodeId
from peer.local.messages import PeerStatus, Status
from peer.trust.quarantine import now_ms

from .company import Company
from .libraries import difference
from .neighbour import Neighbour
from .realm import Realm
from .shared import Shared
from .traffic import Traffic
from .trust import Report


def report(
    request_id: int,
    *,
    realm: Realm,
    company: Company,
    shared: Shared,
    traffic: Traffic,
    name: str,
    version: str,
    libraries: tuple[str, ...],
    started: float,
    addresses: tuple[str, ...],
    enrol_port: int,
    discovery: str,
    hints: Iterable[str],
    advertised: int,
    counters: Mapping[str, int],
    trust: Report,
    claims: Mapping[str, int],
    claim_seconds: Mapping[str, tuple[int, float]],
) -> Status:
    """Return the status of the daemon; every value is what it is just now.

    A member that was not seen for two weeks, and was not revoked, is left out: it may
    have left, of which nobody hears.
    """
    left = realm.identity.certificate_ends - datetime.now(UTC)
    return Status(
        id=request_id,
        name=name,
        node_id=realm.identity.node_id,
        realm_id=realm.identity.realm_id.hex(),
        version=version,
        pid=os.getpid(),
        up_s=time.monotonic() - started,
        addresses=addresses,
        enrol_port=enrol_port,
        discovery=discovery,
        hints=tuple(hints),
        shared_results=len(shared),
        advertised=advertised,
        epoch=realm.keys.epoch,
        certificate_days=left.total_seconds() / 86_400,
        is_sponsor=realm.identity.is_sponsor,
        peers=_peers(realm, company, traffic, libraries, trust),
        disputes=trust.disputes,
        conflicts=trust.conflicts,
        open_audits=trust.audits.open,
        audits=dict(trust.audits.verdicts),
        audit_cpu_s=trust.audits.cpu_s,
        unshareable=tuple(
            f"{operation} ({environment})" if environment else operation
            for operation, environment in trust.unshareable
        ),
        wrong_files=trust.wrong_files,
        counters=dict(counters),
        claims=dict(claims),
        claim_seconds=dict(claim_seconds),
    )


def _peers(
    realm: Realm,
    company: Company,
    traffic: Traffic,
    libraries: tuple[str, ...],
    trust: Report,
) -> tuple[PeerStatus, ...]:
    neighbours = company.all()
    names = realm.directory.all()
    known = {*neighbours, *names, *traffic.members()} - {realm.identity.node_id}
    known -= {
        node_id
        for node_id in known - neighbours.keys()
        if realm.directory.is_lost(node_id) and not realm.standing.is_revoked(node_id)
    }
    known |= trust.quarantined.keys()
    now = time.monotonic()
    peers = [
        _judged(
            _peer(node_id, neighbours.get(node_id), now, realm, traffic, libraries),
            realm,
            trust,
        )
        for node_id in known
    ]
    order = {"live": 0, "suspect": 1, "gone": 2, "revoked": 3}
    peers.sort(key=lambda peer: (order[peer.state], peer.name, peer.node_id))
    return tuple(peers)


def _peer(
    node_id: NodeId,
    neighbour: Neighbour | None,
    now: float,
    realm: Realm,
    traffic: Traffic,
    libraries: tuple[str, ...],
) -> PeerStatus:
    counts = traffic.of(node_id)
    member = realm.directory.member(node_id)
    status = PeerStatus(
        node_id=node_id,
        name=realm.directory.name(node_id),
        state=_state(node_id, neighbour, now, realm),
        is_sponsor=member is not None and member.is_sponsor,
        located=counts.located,
        fetched=counts.fetched,
        fetched_bytes=counts.fetched_bytes,
        saved_s=counts.saved_s,
        rejected=counts.rejected,
        served_bytes=counts.served_bytes,
    )
    if neighbour is None:
        return status
    said = neighbour.said
    differs = difference(libraries, said.libraries)
    addresses = dict.fromkeys((neighbour.address, *said.addresses))
    return PeerStatus(
        node_id=node_id,
        name=said.name or status.name,
        addresses=tuple(addresses),
        state=status.state,
        found_by=neighbour.route,
        version=said.version,
        shares_floats=not differs,
        difference=differs,
        is_sponsor=said.is_sponsor,
        shared_results=said.inventory.count,
        located=counts.located,
        fetched=counts.fetched,
        fetched_bytes=counts.fetched_bytes,
        saved_s=counts.saved_s,
        rejected=counts.rejected,
        served_bytes=counts.served_bytes,
        seen_s=now - neighbour.answered,
        rtt_ms=1000 * neighbour.rtt_s,
    )


def _judged(status: PeerStatus, realm: Realm, trust: Report) -> PeerStatus:
    """Add what is known against a member."""
    node_id = NodeId(status.node_id)
    status = replace(
        status,
        is_accused=node_id in trust.accused,
        is_barred=node_id in trust.barred,
    )
    against = trust.quarantined.get(node_id)
    if against is None:
        return status
    return replace(
        status,
        refused_from=against.from_sequence,
        refused_because=against.reason,
        refused_s=max(0.0, (now_ms() - against.since_ms) / 1000),
        excuses=tuple(
            realm.directory.name(NodeId(each.member)) for each in against.excuses
        ),
    )


def _state(
    node_id: NodeId, neighbour: Neighbour | None, now: float, realm: Realm
) -> str:
    if realm.standing.is_revoked(node_id):
        return "revoked"
    if neighbour is None:
        return "gone"
    return "suspect" if neighbour.is_suspect(now) else "live"
