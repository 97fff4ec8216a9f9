"""How a run is to go, what it says while it goes, and what came of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from primitives.values import Value
from store import Digest, NodeKey

StorePolicy: TypeAlias = Literal["worth", "all", "goals", "none"]
ExecutionEngine: TypeAlias = Literal["dynamic", "sequential"]
OnFailure: TypeAlias = Literal["continue", "stop"]


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Choices of one run.

    Attributes:
        jobs: cores to use.
        store_policy: which results are kept.  ``worth``: goals, and what costs more
            to compute than to keep; ``all``: everything; ``goals``; ``none``.
        execution_engine: ``dynamic`` runs what is ready in parallel; ``sequential``
            one node at a time in the order of the program.
        on_failure: whether a failed node stops the rest of the run.
        use_cache: whether results that are held may answer.
        timeout_s: the run is stopped after this many seconds.
        memory_bytes: no further image job starts while values take more than this.
        trusts_only_itself: whether of what is held only that may answer which was
            computed here, and from nothing of others'.  No other run waits for what
            such a run computes, and it waits for none.
    """

    jobs: int = field(default_factory=available_cores)
    store_policy: StorePolicy = "worth"
    execution_engine: ExecutionEngine = "dynamic"
    on_failure: OnFailure = "continue"
    use_cache: bool = True
    timeout_s: float | None = None
    memory_bytes: int | None = None
    trusts_only_itself: bool = False


@dataclass(slots=True)
class Progress:
    """Counters of a run under way; written by its scheduler, read by anyone."""

    started: float = field(default_factory=time.monotonic)
    nodes: int = 0
    """Nodes asked for so far."""
    done: int = 0
    executed: int = 0
    from_memory: int = 0
    from_store: int = 0
    from_peers: int = 0
    executed_because: dict[str, int] = field(default_factory=dict)
    """What was executed although there were neighbours, by
    :data:`~scheduler.reasons.Reason`; without neighbours nothing."""
    failed: int = 0
    memory_bytes: int = 0
    waiting_for_others: int = 0
    """Nodes that another process is computing."""
    held_elsewhere: int = 0
    """Nodes that other machines, or other runs on this one, have claimed before."""
    waited_s: float = 0.0
    """Seconds in which a core had nothing to do but wait for claimed nodes."""
    asking: int = 0
    """Nodes that neighbours were asked for and have not answered."""
    fetching: int = 0
    """Results that are on their way from neighbours."""
    remaining_s: float = 0.0
    """Estimated seconds until everything that is asked for so far is done."""
    running: dict[int, tuple[str, float]] = field(default_factory=dict)
    """Node → name and start of what is computed right now."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a goal has no value.

    Attributes:
        message: what happened, for people.
        primitive: qualified name of what failed, or empty.
        site: index into ``Plan.sites`` of where it was written, or -1.
        items: the items of the loops that it happened for, outermost first.
    """

    message: str
    primitive: str = ""
    site: int = -1
    items: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What happened, and for which items."""
        items = ", ".join(f"item {item}" for item in self.items)
        return f"{items}: {self.message}" if items else self.message


@dataclass(frozen=True, slots=True)
class GoalOutcome:
    """What came of one goal, in program order.

    Attributes:
        index: position among the goals.
        kind: ``"print"`` or ``"save"``.
        label: what to print before the value, or the path saved to.
        value: the value of a ``print`` goal; None for ``save``.
        value_kind: kind of the value, ``"double"``, ``"image"``, …
        key: node key; None where the value depends on this machine's places.
        digest: digest of the value's artifact.
        failure: set when there is no value.
        saved: where a ``save`` goal's file is.
        is_unchanged: the saved file was there already, from the same value.
        extremes: least and greatest voxel of an image that was written.
    """

    index: int
    kind: str
    label: str
    value: Value = None
    value_kind: str = ""
    key: NodeKey | None = None
    digest: Digest | None = None
    failure: Failure | None = None
    saved: Path | None = None
    is_unchanged: bool = False
    extremes: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class RunReport:
    """What came of a run.

    Attributes:
        run_id: 32 hexadecimal digits.
        goals: outcomes in program order.
        progress: final counters.
        seconds: how long it took.
        store_problem: why results could not be kept, or empty.
    """

    run_id: str
    goals: tuple[GoalOutcome, ...]
    progress: Progress
    seconds: float
    store_problem: str = ""


OnGoal: TypeAlias = Callable[[GoalOutcome], None]
"""Called in program order, on the thread that runs, as soon as a goal is done."""
