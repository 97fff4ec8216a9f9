"""The port at which others join, open while an invitation is alive."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from peer.events import event
from peer.exchange import EnrolServer, ExchangeError
from peer.identity import NodeId
from store import StoreError

from .realm import Realm

LOOK_S = 2.0
"""Between two looks for invitations that another process has made."""

Referrals = Callable[[], Sequence[tuple[NodeId, Sequence[str]]]]


class Enrolling:
    """Opens and closes the port; does nothing on who is no sponsor."""

    def __init__(
        self, realm: Realm, addresses: Sequence[str], referrals: Referrals
    ) -> None:
        """Prepare; nothing listens before :meth:`look` finds an invitation.

        Args:
            realm: who we are.
            addresses: where to listen.
            referrals: where the members are that a newcomer should dial.
        """
        self._server: EnrolServer | None = None
        if realm.identity.is_sponsor:
            self._server = EnrolServer(
                realm.store,
                realm.identity,
                realm.standing,
                addresses,
                realm.counters,
                referrals,
            )
        self._bound: list[str] = []
        self._next = 0.0
        self.problem = ""
        """Why it cannot listen, for people."""

    @property
    def port(self) -> int:
        """Where it listens just now, or 0."""
        return int(self._bound[0].rpartition(":")[2]) if self._bound else 0

    def look(self, *, at_once: bool = False) -> None:
        """Open or close as invitations come and end."""
        now = time.monotonic()
        if self._server is None or (now < self._next and not at_once):
            return
        self._next = now + LOOK_S
        was_open = bool(self._bound)
        try:
            self._bound = self._server.refresh()
            self.problem = ""
        except ExchangeError as error:
            if not self.problem:
                event("enrol_port", level=30, problem=str(error))
            self.problem = f"others cannot join here: {error}"
        except StoreError:
            return  # locked for the moment
        if bool(self._bound) != was_open:
            event("enrol", port=self.port)

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
