"""What a simulated daemon answers to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer.claims.messages import Answer, Item, Key, Lease, NodeId, Released

from .shelf import Kept

if TYPE_CHECKING:
    from .daemon import Daemon


class Service:
    """The answers of one life of a daemon, as the nature of its machine has them."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._stage = daemon.stage
        self._nature = daemon.machine.nature

    def claim(
        self, caller: NodeId, boot_id: bytes, items: tuple[Item, ...]
    ) -> tuple[bytes, tuple[Answer, ...]]:
        """Answer a claim."""
        daemon, stage = self._daemon, self._stage
        answers = tuple(self._nature.claim(daemon, caller, boot_id, items))
        if self._nature.is_truthful:
            stage.checker.answered(daemon, caller, boot_id, items, answers)
        else:
            stage.ledger.disturb(stage.world.now)
        if stage.world.transcript is not None:
            stage.world.note(daemon.me, "answers", caller, answers)
        daemon.wind()
        return daemon.boot_id, answers

    def renew(
        self, caller: NodeId, boot_id: bytes, leases: tuple[Lease, ...]
    ) -> tuple[Key, ...]:
        """Answer a renewal."""
        daemon = self._daemon
        lost = tuple(self._nature.renew(daemon, caller, boot_id, leases))
        self._stage.ledger.excuse(lost)
        self._stage.checker.renewed(daemon, caller, [each.key for each in leases])
        daemon.wind()
        return lost

    def release(
        self, caller: NodeId, boot_id: bytes, released: tuple[Released, ...]
    ) -> None:
        """Take releases."""
        daemon = self._daemon
        self._nature.release(daemon, caller, boot_id, released)
        self._stage.checker.released(daemon, caller, [each.key for each in released])
        daemon.wind()

    def record(self, key: Key) -> Kept | None:
        """Return a result of this machine's store."""
        return self._daemon.machine.shelf.record(key, self._daemon.me)

    def records(self, keys: tuple[Key, ...]) -> dict[Key, Kept]:
        """Return those of results that are in this machine's store."""
        kept = ((key, self.record(key)) for key in keys)
        return {key: each for key, each in kept if each is not None}
