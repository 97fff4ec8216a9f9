"""Errors of the scheduler.

``SchedulerError``
    ``PlanError``        a plan cannot be run: found before execution, with its place
    ``UnavailableError``  a node that is needed has failed
        ``ItemFailedError``  a loop over scalars failed for an item
    ``InterruptedRunError``  the run was stopped; what was finished is kept
    ``AmbiguousKeyError``  more than one key begins so
"""

from __future__ import annotations

from collections.abc import Sequence

from store import NodeKey

from .options import Failure, RunReport


class SchedulerError(Exception):
    """Base of all errors of this room; its text is for people."""


class PlanError(SchedulerError):
    """A plan cannot be run as it is.

    Attributes:
        problems: each message with the index of its place in ``Plan.sites``, or -1.
    """

    def __init__(self, problems: list[tuple[str, int]]) -> None:
        super().__init__("; ".join(message for message, _ in problems))
        self.problems = problems


class UnavailableError(SchedulerError):
    """A node that is needed has failed.

    Attributes:
        failure: what went wrong, and where.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class ItemFailedError(UnavailableError):
    """A loop over scalars, which has no node for each item, failed for an item."""


class InterruptedRunError(SchedulerError):
    """The run was stopped by its user or by its time limit.

    Attributes:
        report: what was finished; it is kept, and running again goes on from there.
    """

    def __init__(self, message: str, report: RunReport) -> None:
        super().__init__(message)
        self.report = report


class AmbiguousKeyError(SchedulerError):
    """More than one key begins so.

    Attributes:
        keys: some of them.
    """

    def __init__(self, prefix: str, keys: Sequence[NodeKey]) -> None:
        shown = ", ".join(key.hex()[:24] for key in keys)
        super().__init__(
            f"several keys begin with {prefix}; give more digits of it: {shown}"
        )
        self.keys = tuple(keys)
