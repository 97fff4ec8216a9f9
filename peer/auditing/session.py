"""One session of auditing: outcomes, their consequences, and files made right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from scheduler.audits import request_audit
from scheduler.found import is_own

from .acting import act
from .repairing import Repair, repair
from .working import Limits, work

if TYPE_CHECKING:
    from pathlib import Path

    from primitives.registry import Registry
    from scheduler.auditing import Outcome
    from scheduler.audits import Audit
    from scheduler.options import Progress
    from scheduler.passes import Stop
    from store import NodeKey, SqliteStore

PART = 500
"""Results that are asked for at a time."""


class View(Protocol):
    """Shows what happens."""

    def begin(self, audit: Audit, progress: Progress) -> None:
        """Show that an audit begins, and the counters that it writes."""

    def end(self, audit: Audit, outcome: Outcome) -> None:
        """Show what came of it."""

    def repairing(self, path: Path, progress: Progress) -> None:
        """Show that a saved file is looked after, and the counters of computing it."""

    def repaired(self, repair: Repair) -> None:
        """Show what became of a saved file."""


@dataclass(slots=True)
class Summary:
    """What came of a session.

    Attributes:
        outcomes: of the audits, in the order in which they came.
        repairs: of saved files.
        is_stopped: whether it was stopped before its end.
    """

    outcomes: list[tuple[Audit, Outcome]] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    is_stopped: bool = False

    @property
    def has_found_lies(self) -> bool:
        """Whether a result of somebody else is wrong."""
        return any(outcome.verdict == "differs" for _, outcome in self.outcomes)


def audit(
    store: SqliteStore, registry: Registry, limits: Limits, stop: Stop, view: View
) -> Summary:
    """Audit what is open, draw the consequences, and make saved files right.

    What an earlier session, or a daemon, has left undone is done first.

    Raises:
        StoreError: the store cannot be used.
    """
    summary = Summary()

    def end(audit: Audit, outcome: Outcome) -> None:
        summary.outcomes.append((audit, outcome))
        view.end(audit, outcome)
        if outcome.verdict in ("differs", "unstable"):
            act(store, audit.key if outcome.verdict == "differs" else None)
            mend()

    def mend() -> None:
        tried = {each.path for each in summary.repairs}
        for each in repair(store, registry, stop, view.repairing):
            if each.path not in tried:
                summary.repairs.append(each)
                view.repaired(each)

    act(store)
    mend()
    work(store, registry, limits=limits, stop=stop, begin=view.begin, on_outcome=end)
    if summary.outcomes:
        act(store)
    summary.is_stopped = stop.is_wanted
    return summary


def request_everything(store: SqliteStore) -> int:
    """Ask for audits of whatever is held of others; return how many there are.

    That of which it is not known how it is made cannot be audited, and is left out.
    """
    keys = list(_foreign(store))
    asked = 0
    for start in range(0, len(keys), PART):
        asked += len(request_audit(store, keys[start : start + PART], "drawn"))
    return asked


def _foreign(store: SqliteStore) -> Iterator[NodeKey]:
    for result in store.results():
        if not is_own(result):
            yield result.key
