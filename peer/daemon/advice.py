"""What the user of a daemon might do something about, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from peer.discovery import BLOCKED_HINT

from .announcing import Announcing
from .company import Company
from .enrolling import Enrolling
from .realm import Realm

ENDING = timedelta(days=7)
"""Before its end, a certificate that was not renewed is worth a hint."""


def advice(
    realm: Realm,
    company: Company,
    announcing: Announcing | None,
    enrolling: Enrolling | None,
) -> Iterator[str]:
    """Yield one sentence or two for each thing that is not well."""
    if announcing is not None and announcing.is_blocked:
        yield BLOCKED_HINT
    yield from _on_clones(realm, company)
    if company.is_turned_away() and not company.live():
        yield (
            "others refuse this machine: it was revoked, or its certificate ended:"
            " ask for a token ('voxpeer invite' on a sponsor), then run 'voxpeer"
            " leave' here and join again with it"
        )
    if realm.standing.is_revoked(realm.identity.node_id):
        yield "this machine was revoked: run 'voxpeer leave', then join again"
    if enrolling is not None and enrolling.problem:
        yield enrolling.problem
    left = realm.identity.certificate_ends - datetime.now(UTC)
    if left < ENDING:
        yield (
            f"the certificate ends in {max(0, left.days)} days and no sponsor was"
            " there to renew it: start the daemon of one, or join again with a new"
            " token"
        )


def _on_clones(realm: Realm, company: Company) -> Iterator[str]:
    for node_id in sorted(company.clones()):
        if node_id == realm.identity.node_id:
            yield (
                "another machine uses a copy of this identity: run 'voxpeer leave'"
                " on one of the two, and join again with a new token"
            )
        else:
            name = realm.directory.name(node_id)
            yield f"two machines use the identity of {name} ({node_id})"
