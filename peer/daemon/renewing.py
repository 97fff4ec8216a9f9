"""A new certificate before the old one ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from peer.events import event
from peer.exchange import ExchangeError
from peer.identity import CertificateError, install_chain, renew_own
from store import StoreError

from .company import Company
from .realm import Realm

LOOK_S = 60.0
RETRY_S = 2.0
"""Until the next look for a sponsor while none is there."""


class Renewing:
    """Renews the daemon's certificate, by itself or through a sponsor."""

    def __init__(
        self, realm: Realm, company: Company, on_renewed: Callable[[], None]
    ) -> None:
        self._realm = realm
        self._company = company
        self._on_renewed = on_renewed
        self._next = 0.0

    def look(self) -> None:
        """Renew if it is time and somebody can."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + LOOK_S
        at = datetime.now(UTC)
        if not self._realm.identity.renewal_due(at):
            return
        try:
            self._renew(at)
        except (CertificateError, ExchangeError, StoreError) as error:
            event("renewal", level=30, problem=str(error))

    def _renew(self, at: datetime) -> None:
        identity = self._realm.identity
        if identity.is_sponsor:
            self._realm.identity = renew_own(identity, at)
        else:
            sponsors = (
                node_id
                for node_id, neighbour in self._company.live().items()
                if neighbour.said.is_sponsor
            )
            links = [self._company.link(node_id) for node_id in sponsors]
            link = next((each for each in links if each is not None), None)
            if link is None:
                self._next = time.monotonic() + RETRY_S
                return
            chain = link.renew(identity.renewal_request())
            self._realm.identity = install_chain(identity, chain, at)
        self._realm.directory.learn(self._realm.identity.chain)
        self._on_renewed()
        ends = self._realm.identity.certificate_ends
        event("renewed", until=ends.isoformat(timespec="seconds"))
