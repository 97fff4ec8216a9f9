"""What was executed, why, and what went wrong meanwhile.

For every node the number of executions is bounded by what explains them.  The ledger
counts both sides; :mod:`tests.simulation.invariants` compares them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from peer.claims.messages import Key, NodeId

MEMORY_S = 75.0
"""How long a fault still has consequences: a member that was silent for 15 s is
suspect for another 60 s."""


class Cause(Enum):
    """Why an execution began."""

    GRANTED = "granted"
    HEDGE = "hedge"
    FREE = "free"
    """Nobody was there to share the work with, or the node fails elsewhere too."""
    UNGRANTED = "ungranted"
    """The run waited no longer."""
    SMALL = "small"
    """Not worth a claim."""
    AUDIT = "audit"
    OFFLINE = "offline"
    """The run had no daemon."""


@dataclass(slots=True)
class Execution:
    """One beginning of a computation.

    Attributes:
        began: when.
        machine: where.
        cause: why.
        is_needless: whether somebody who could be reached had the result, or was at it.
        ended: when; None while it lasts.
        is_done: whether it came to its end.
    """

    began: float
    machine: NodeId
    cause: Cause
    is_needless: bool = False
    ended: float | None = None
    is_done: bool = False


@dataclass(slots=True)
class Ledger:
    """All executions of a world.

    Attributes:
        executions: by node.
        excuses: by node, refusals and lies about it.
        lost_results: by node, copies that were there and are not any more.
        disturbances: times of faults and of changes in what members see, in order.
    """

    executions: dict[Key, list[Execution]] = field(default_factory=dict)
    excuses: Counter[Key] = field(default_factory=Counter)
    lost_results: Counter[Key] = field(default_factory=Counter)
    disturbances: list[float] = field(default_factory=list)

    def begin(
        self,
        now: float,
        machine: NodeId,
        key: Key,
        cause: Cause,
        *,
        is_needless: bool = False,
    ) -> Execution:
        """Take note of the beginning of a computation."""
        execution = Execution(now, machine, cause, is_needless)
        self.executions.setdefault(key, []).append(execution)
        return execution

    def disturb(self, now: float) -> None:
        """Take note of a fault, a silence, or a member that sees others come or go."""
        self.disturbances.append(now)

    def excuse(self, keys: Iterable[Key]) -> None:
        """Take note that somebody refuses to decide about nodes, or lies."""
        self.excuses.update(keys)

    def transitions(self, key: Key) -> int:
        """Return how many faults, and ends without a result, explain executions."""
        executions = self.executions[key]
        since = executions[0].began - MEMORY_S
        until = executions[-1].began
        faults = self.disturbances
        between = bisect_right(faults, until) - bisect_left(faults, since)
        given_up = sum(one.ended is not None and not one.is_done for one in executions)
        return between + given_up + self.excuses[key] + self.lost_results[key]

    def count(self, key: Key, *causes: Cause) -> int:
        """Return how many executions of a node had one of ``causes``."""
        return sum(one.cause in causes for one in self.executions[key])

    def total(self, *causes: Cause) -> int:
        """Return how many executions of all nodes had one of ``causes``."""
        return sum(self.count(key, *causes) for key in self.executions)
