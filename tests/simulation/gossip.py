"""What daemons hear of each other: who is there, and who has what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from peer.claims.messages import Gone, Key, Members, NodeId

from .alarm import Alarm
from .view import View

if TYPE_CHECKING:
    from .daemon import Daemon

GREET_S = 0.005
"""After this time a Hello is returned."""


class Gossip:
    """Hellos and hints of one life of a daemon.

    Attributes:
        view: who is believed to be there.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._stage = daemon.stage
        self.view = View()
        self.view.know(other for other in self._stage.machines if other != daemon.me)
        self._untold: dict[NodeId, set[Key]] = {}
        self._hints: dict[Key, NodeId] = {}
        self._alarm = Alarm(self._stage.world, daemon, self.hello)

    # ---- who has what ------------------------------------------------------

    def publish(self, keys: tuple[Key, ...]) -> None:
        """Let everybody know of new results."""
        for member in sorted(self.view.live):
            self.tell(member, keys)

    def tell(self, member: NodeId, keys: tuple[Key, ...]) -> None:
        """Let a member know of results, at once or with the next Hello."""
        network = self._stage.network
        other = network.hears(self._daemon.me, member)
        if other is None:
            self._untold.setdefault(member, set()).update(keys)
        else:
            delay = network.delay_s() + network.delay_s()
            me = self._daemon.me
            self._stage.world.after(delay, other, other.hear_of, me, keys)

    def hear(self, member: NodeId, keys: Iterable[Key]) -> None:
        """Take note of who has results."""
        self._hints.update(dict.fromkeys(keys, member))

    def doubt(self, member: NodeId, key: Key) -> None:
        """Take note that a member has not what it was said to have."""
        if self._hints.get(key) == member:
            del self._hints[key]

    def offers(self, keys: Iterable[Key]) -> dict[NodeId, list[Key]]:
        """Return who is known to have some of ``keys``."""
        offers: dict[NodeId, list[Key]] = {}
        for key in keys:
            member = self._hints.get(key)
            if member in self.view.live:
                offers.setdefault(member, []).append(key)
        return offers

    # ---- who is there ------------------------------------------------------

    def hello(self) -> None:
        """Say hello to whom it is due, and let the claim machine know who is there."""
        daemon, stage, view = self._daemon, self._stage, self.view
        now = daemon.now
        gone: list[tuple[NodeId, bytes]] = []
        for member in view.due(now):
            other = stage.network.hears(daemon.me, member)
            if other is None:
                if view.silent(now, member):
                    gone.append((member, b""))
                continue
            if view.answered(now, member, other.boot_id):
                gone.append((member, other.boot_id))
            self._answered(member, other)
        if view.look():
            stage.ledger.disturb(stage.world.now)
            daemon.step(Members(view.live))
        for member, new_boot in gone:
            stage.checker.dropped(daemon, member, new_boot)
            daemon.step(Gone(member, new_boot))
        self._alarm.set(daemon.machine.clock.when(view.next_due))

    def _answered(self, member: NodeId, other: Daemon) -> None:
        if member not in self.view.live:  # its inventory comes with the first Hello
            self.hear(member, other.machine.shelf.kept)
        if self._daemon.me not in other.gossip.view.live:
            other.gossip.greeted_by(self._daemon.me)
        untold = self._untold.pop(member, None)
        if untold:
            self.tell(member, tuple(sorted(untold)))

    def greeted_by(self, member: NodeId) -> None:
        """A member that was not live here said hello; say it back."""
        self.view.greet_soon(member)
        self._alarm.set(self._stage.world.now + GREET_S)

    def clock_jumped(self) -> None:
        """Look who is there by the new time."""
        self._alarm.clear()
        self.hello()
