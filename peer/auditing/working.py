"""Working through what is to be audited, those that matter most in front."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduler.auditing import Outcome, cpu_s, recompute
from scheduler.audits import (
    Audit,
    begin_audit,
    end_audit,
    open_audits,
    put_back_audit,
    request_audit,
)
from scheduler.options import Progress
from scheduler.passes import Stop, StoppedError
from store import StoreError

if TYPE_CHECKING:
    from primitives.registry import Registry
    from store import NodeKey, SqliteStore

MOST_BEGUN = 3
GIVEN_UP = f"computing it was begun {MOST_BEGUN} times, and ended the process each time"

OnOutcome = Callable[[Audit, Outcome], None]
"""Called with what came of each audit, after it was written down."""

Begin = Callable[[Audit, Progress], None]
"""Called when an audit begins, with the counters that it writes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When to begin no further audit.

    Attributes:
        audits: after so many; None for all.
        cpu_s: after so many CPU-seconds of this process; None for any number.
    """

    audits: int | None = None
    cpu_s: float | None = None

    def allow(self, done: int) -> bool:
        """Return whether to begin another one after so many."""
        if self.audits is not None and done >= self.audits:
            return False
        return self.cpu_s is None or cpu_s() < self.cpu_s


def work(
    store: SqliteStore,
    registry: Registry,
    *,
    limits: Limits,
    stop: Stop,
    begin: Begin,
    on_outcome: OnOutcome,
) -> None:
    """Audit what is open until nothing is, a limit is reached, or it is stopped.

    What is stopped, or cannot be kept, stays open.

    Args:
        store: whose results are audited.
        registry: the primitives.
        limits: when to begin no further one.
        stop: may be wanted at any time.
        begin: told of each audit.
        on_outcome: told of each outcome.

    Raises:
        StoreError: the store cannot be written.
    """
    done: set[NodeKey] = set()
    while not stop.is_wanted and limits.allow(len(done)):
        audit = _next(store, done)
        if audit is None:
            return
        progress = Progress()
        begin(audit, progress)
        try:
            outcome = _outcome(store, registry, audit, stop, progress)
        except StoppedError:
            return
        done.add(audit.key)
        request_audit(store, outcome.doubtful, "suspicion")
        if end_audit(store, audit, outcome):  # else another process was faster
            on_outcome(audit, outcome)


def _outcome(
    store: SqliteStore,
    registry: Registry,
    audit: Audit,
    stop: Stop,
    progress: Progress,
) -> Outcome:
    """Compute what an audit is about, unless that has ended the process often enough.

    Raises:
        StoppedError, StoreError: it is to be done another time.
    """
    if begin_audit(store, audit) >= MOST_BEGUN:
        return Outcome(audit.key, "impossible", reason=GIVEN_UP)
    try:
        return recompute(store, registry, audit, stop=stop, progress=progress)
    except (StoppedError, StoreError):
        with suppress(StoreError):
            put_back_audit(store, audit)
        raise


def _next(store: SqliteStore, done: set[NodeKey]) -> Audit | None:
    for audit in open_audits(store, limit=len(done) + 1):
        if audit.key not in done:
            return audit
    return None
