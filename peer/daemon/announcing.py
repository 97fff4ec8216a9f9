"""What this peer says of itself by multicast, and what it hears."""

from __future__ import annotations

import time
from collections.abc import Callable

from peer.discovery import (
    Announcement,
    BlockedMulticast,
    ClonedIdentityError,
    Discovery,
    advertise,
)
from peer.events import event
from peer.identity import NodeId

from .company import Company
from .inventory import State
from .realm import Realm
from .shared import Shared

LEAST_S = 2.0
"""Between two looks at what is to be announced; discovery itself waits longer."""


class Announcing:
    """Keeps the announcement current, and passes on what others announce."""

    def __init__(
        self,
        realm: Realm,
        company: Company,
        shared: Shared,
        port: int,
        interfaces: tuple[str, ...],
        enrol_port: Callable[[], int],
    ) -> None:
        self._realm = realm
        self._company = company
        self._shared = shared
        self._port = port
        self._enrol_port = enrol_port
        self._blocked = BlockedMulticast()
        self._said: tuple[State, int, int] | None = None
        self._next = 0.0
        self.advertised = 0
        """How many results stand in the announcement."""
        self._discovery = Discovery(
            realm.identity.node_id,
            realm.keys,
            on_heard=self._heard,
            on_gone=company.left,
            on_clash=self._clash,
            interfaces=interfaces,
        )

    def start(self) -> None:
        """Announce, and listen."""
        self._discovery.start()

    def stop(self) -> None:
        """Say goodbye."""
        self._discovery.stop()

    @property
    def state(self) -> str:
        """What becomes of multicast, for people."""
        return self._discovery.multicast_state

    @property
    def is_blocked(self) -> bool:
        """Whether multicast seems not to get through."""
        return self._blocked.is_suspected

    @property
    def counters(self) -> dict[str, int]:
        """What was sent and refused."""
        return dict(self._discovery.counters)

    def step(self) -> None:
        """Announce what has changed."""
        now = time.monotonic()
        hint = self._blocked.hint(now, len(self._company.live()))
        if hint is not None:
            event("multicast_blocked", level=30, hint=hint)
        if now < self._next:
            return
        self._next = now + LEAST_S
        epoch, enrol_port = self._realm.keys.epoch, self._enrol_port()
        state = self._shared.state
        say = (state, epoch, enrol_port)
        if say == self._said:
            return
        is_urgent = self._said is not None and self._said[2] != enrol_port
        self._said = say
        ids = [self._realm.keys.advertised_id(key) for key in self._shared.advertised()]
        chosen = advertise(ids)
        self.advertised = chosen.count
        announcement = Announcement(
            node_id=self._realm.identity.node_id,
            port=self._port,
            generation=0,
            inventory_id=state.id,
            sequence=state.sequence,
            results=state.count,
            epoch=epoch,
            filter=chosen,
            enrol_port=enrol_port,
            pin_prefix=self._realm.identity.pin[:3] if enrol_port else b"",
        )
        self._discovery.announce(announcement, urgent=is_urgent)

    def _heard(
        self, node_id: NodeId, addresses: tuple[str, ...], heard: Announcement
    ) -> None:
        self._blocked.heard()
        key = self._realm.keys.with_tag(heard.tag)
        if key is not None:
            self._company.announced(
                node_id,
                heard.filter,
                is_complete=heard.is_complete,
                id_of=key.advertised_id,
            )
        self._company.heard(node_id, addresses)

    def _clash(self, error: ClonedIdentityError) -> None:
        event("clone", level=30, peer=self._realm.identity.node_id, problem=str(error))
        self._company.look_for_clone(error.addresses)
