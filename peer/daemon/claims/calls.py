"""Carries claims, renewals and releases to other members, on threads of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

from peer.claims.messages import (
    Answered,
    Ask,
    Release,
    Renew,
    RenewalAnswered,
    RenewalFailed,
    Unanswered,
)
from peer.daemon.company import Company
from peer.events import mistake
from peer.exchange import ExchangeError, NotOfferedError
from peer.identity import NodeId
from peer.wire import limits

ASKERS = 16
KEEPERS = 4
"""Threads that renew and release; a frozen arbiter holds one for a deadline."""

RTTS = 8
"""Small calls that would fit into the time that an arbiter is given, at least."""

MOST_S = 1.0
"""What an arbiter is given at most, however far away it is."""

KEEP_S = 2.0
STOP_S = 1.0
"""How long a daemon that ends tries to say so."""


class ClaimCalls:
    """Makes the calls that the protocol wants, and tells it what came of them."""

    def __init__(
        self,
        boot_id: bytes,
        company: Company,
        tell: Callable[..., None],
        exclude: Callable[[NodeId], None],
    ) -> None:
        """Prepare.

        Args:
            boot_id: of this process.
            company: the way to the others.
            tell: takes events of the protocol; called from any thread.
            exclude: called with who turns out to know no claims.
        """
        self._boot_id = boot_id
        self._company = company
        self._tell = tell
        self._exclude = exclude
        self._askers = ThreadPoolExecutor(ASKERS, "claims")
        self._keepers = ThreadPoolExecutor(KEEPERS, "leases")
        self._keeping: set[Future[None]] = set()

    def stop(self) -> None:
        """Ask no more; what is to be released is, if that takes no time."""
        self._askers.shutdown(wait=False, cancel_futures=True)
        wait(list(self._keeping), STOP_S)
        self._keepers.shutdown(wait=False, cancel_futures=True)

    def ask(self, ask: Ask) -> None:
        """Send a claim; Answered or Unanswered follows."""
        self._submit(self._askers, partial(self._ask, ask))

    def renew(self, renew: Renew) -> None:
        """Send a renewal; RenewalAnswered or RenewalFailed follows."""
        self._keep(partial(self._renew, renew))

    def release(self, release: Release) -> None:
        """Send releases, once."""
        self._keep(partial(self._release, release))

    def _keep(self, work: Callable[[], None]) -> None:
        keeping = self._submit(self._keepers, work)
        if keeping is not None:
            self._keeping.add(keeping)
            keeping.add_done_callback(self._keeping.discard)

    def soon(self, work: Callable[[], None]) -> None:
        """Do something that may take a moment."""
        self._submit(self._askers, work)

    def _ask(self, ask: Ask) -> None:
        said = None
        link = self._company.link(NodeId(ask.to))
        if link is not None:
            started = time.monotonic()
            deadline_s = self._deadline_s(ask)
            try:
                said = link.claim(self._boot_id, ask.items, deadline_s)
            except ExchangeError as error:
                is_late = time.monotonic() - started >= deadline_s
                self._failed(NodeId(ask.to), error, is_late=is_late)
        if said is None:
            self._tell(Unanswered(ask.number))
        else:
            boot_id, answers = said
            self._tell(Answered(ask.number, boot_id, tuple(answers)))

    def _deadline_s(self, ask: Ask) -> float:
        """Return how long to wait: longer for who is known to be far away."""
        known = self._company.all().get(NodeId(ask.to))
        rtt_s = known.rtt_s if known is not None else 0.0
        return max(ask.deadline_s, min(RTTS * rtt_s, MOST_S))

    def _renew(self, renew: Renew) -> None:
        lost: list[bytes] = []
        link = self._company.link(NodeId(renew.to))
        is_answered = link is not None
        if link is not None:
            try:
                for start in range(0, len(renew.leases), limits.CLAIM_LEASES):
                    part = renew.leases[start : start + limits.CLAIM_LEASES]
                    lost += link.renew_claims(self._boot_id, part, KEEP_S)
            except ExchangeError as error:
                is_answered = False
                self._failed(NodeId(renew.to), error, is_late=True)
        if is_answered:
            self._tell(RenewalAnswered(renew.to, tuple(lost)))
        else:
            self._tell(RenewalFailed(renew.to))

    def _release(self, release: Release) -> None:
        link = self._company.link(NodeId(release.to))
        if link is None:
            return  # its leases lapse
        try:
            for start in range(0, len(release.released), limits.CLAIM_LEASES):
                part = release.released[start : start + limits.CLAIM_LEASES]
                link.release_claims(self._boot_id, part, KEEP_S)
        except ExchangeError as error:
            self._failed(NodeId(release.to), error, is_late=True)

    def _failed(self, node_id: NodeId, error: ExchangeError, *, is_late: bool) -> None:
        if isinstance(error, NotOfferedError):
            self._exclude(node_id)
        else:
            self._company.failed(node_id, error, is_late=is_late)

    def _submit(
        self, pool: ThreadPoolExecutor, work: Callable[[], None]
    ) -> Future[None] | None:
        def guarded() -> None:
            try:
                work()
            except Exception as error:
                mistake("claims", error)

        try:
            return pool.submit(guarded)
        except RuntimeError:  # stopping
            return None
