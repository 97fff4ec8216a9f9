"""How a simulated daemon asks others for claims, and tells them of leases."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from peer.claims.messages import (
    Answer,
    Answered,
    Ask,
    Key,
    NodeId,
    Release,
    Renew,
    RenewalAnswered,
    RenewalFailed,
    Unanswered,
)

from .network import Call

if TYPE_CHECKING:
    from .daemon import Daemon

CALL_S = 1.0
"""Deadline of renewals and releases."""


class Calls:
    """The calls of one life of a daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def call(
        self,
        to: NodeId,
        deadline_s: float,
        serve: Callable[[Daemon], Any],
        succeed: Callable[[Any], None],
        fail: Callable[[], None],
    ) -> None:
        """Ask a member something.

        Args:
            to: the member.
            deadline_s: how long to wait for its answer.
            serve: what is done there; returns the answer.
            succeed: takes the answer here.
            fail: called if there is none.
        """
        stage = self._daemon.stage
        deadline = stage.world.now + deadline_s
        stage.network.call(Call(self._daemon, to, deadline, serve, succeed, fail))

    def ask(self, ask: Ask) -> None:
        """Carry claims to an arbiter, and its answers back."""
        me, boot_id = self._daemon.me, self._daemon.boot_id

        def serve(arbiter: Daemon) -> tuple[bytes, tuple[Answer, ...]]:
            return arbiter.service.claim(me, boot_id, ask.items)

        def succeed(reply: tuple[bytes, tuple[Answer, ...]]) -> None:
            self._daemon.step(Answered(ask.number, *reply))

        fail = partial(self._daemon.step, Unanswered(ask.number))
        self.call(ask.to, ask.deadline_s, serve, succeed, fail)

    def renew(self, renew: Renew) -> None:
        """Carry renewals to an arbiter, and back what is lost."""
        me, boot_id = self._daemon.me, self._daemon.boot_id

        def serve(arbiter: Daemon) -> tuple[Key, ...]:
            return arbiter.service.renew(me, boot_id, renew.leases)

        def succeed(lost: tuple[Key, ...]) -> None:
            self._daemon.step(RenewalAnswered(renew.to, lost))

        fail = partial(self._daemon.step, RenewalFailed(renew.to))
        self.call(renew.to, CALL_S, serve, succeed, fail)

    def release(self, release: Release) -> None:
        """Carry releases to an arbiter."""
        me, boot_id = self._daemon.me, self._daemon.boot_id

        def serve(arbiter: Daemon) -> None:
            arbiter.service.release(me, boot_id, release.released)

        self.call(release.to, CALL_S, serve, _nothing, _nothing_more)


def _nothing(_: Any) -> None:
    """Take an answer that says nothing."""


def _nothing_more() -> None:
    """Take note that nothing was answered."""
