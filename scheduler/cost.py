"""What a node will cost, and whether its result is worth keeping.

The estimate is made before a node runs and decides alone; what it took only trains
the next estimate.  So a run knows, before computing a node, whether it will keep it,
and takes a lease on exactly those nodes: two runs on one store never both compute a
kept node.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass

from primitives.registry import Primitive

LEARNING_RATE = 0.3
"""Weight of a new measurement in the running mean."""

OVERHEAD_S = 1e-4
"""Fixed cost of running a node in a worker."""

KEEP_FIXED_S = 1e-3
"""Fixed cost of keeping a result in a file and reading it again."""

KEEP_SMALL_S = 1e-4
"""Cost of keeping a result of less than 32 KiB, with its lease."""

KEEP_BYTES_PER_S = 250e6
"""Encode, hash, write and read again, per byte of the artifact."""

WORTH_RATIO = 4.0
"""A result is kept when computing it costs this many times keeping it."""


@dataclass(slots=True)
class _Rate:
    ns_per_voxel: float
    samples: int = 0
    is_changed: bool = False


class CostModel:
    """Seconds per primitive, learned from run to run.

    The time of a kernel is taken as proportional to the voxels of its arguments,
    starting from the primitive's declared class.
    """

    def __init__(self, learned: Iterable[tuple[str, int, float, int]] = ()) -> None:
        self._rates = {
            (name, version): _Rate(rate, samples)
            for name, version, rate, samples in learned
        }

    def estimate_s(self, primitive: Primitive, voxels: int) -> float:
        """Return the seconds that ``primitive`` will take on ``voxels`` voxels."""
        return OVERHEAD_S + self._rate(primitive).ns_per_voxel * voxels * 1e-9

    def learn(self, primitive: Primitive, voxels: int, seconds: float) -> None:
        """Take a measurement into account."""
        if voxels < 1000:
            return
        rate = self._rate(primitive)
        measured = max(seconds - OVERHEAD_S, 0.0) / voxels * 1e9
        weight = max(LEARNING_RATE, 1 / (rate.samples + 1))
        rate.ns_per_voxel += weight * (measured - rate.ns_per_voxel)
        rate.samples += 1
        rate.is_changed = True

    def learned(self) -> list[tuple[str, int, float, int]]:
        """Return what changed: name, version, nanoseconds per voxel, samples."""
        return [
            (name, version, rate.ns_per_voxel, rate.samples)
            for (name, version), rate in self._rates.items()
            if rate.is_changed
        ]

    def _rate(self, primitive: Primitive) -> _Rate:
        identity = (primitive.name, primitive.version)
        found = self._rates.get(identity)
        if found is None:
            found = self._rates[identity] = _Rate(primitive.cost.value)
        return found


class Outlook:
    """What is left to do, estimated anew with everything learned meanwhile."""

    def __init__(self, costs: CostModel, cores: int) -> None:
        self._costs = costs
        self._cores = cores
        self._work: dict[int, tuple[Primitive, int]] = {}
        self._pending: dict[str, tuple[Primitive, int, int]] = {}

    def add(self, ref: int, primitive: Primitive, voxels: int) -> None:
        """Expect a node: its primitive, and a guess of its arguments' voxels."""
        self._work[ref] = (primitive, voxels)
        self._count(primitive, 1, voxels)

    def remove(self, ref: int) -> None:
        """Say that a node is done, or will not be; one never expected is no error."""
        found = self._work.pop(ref, None)
        if found is not None:
            self._count(found[0], -1, -found[1])

    def seconds(self) -> float:
        """Return how long the rest will take on all cores."""
        return sum(
            nodes * self._costs.estimate_s(primitive, voxels // nodes)
            for primitive, nodes, voxels in self._pending.values()
            if nodes
        ) / max(1, self._cores)

    def _count(self, primitive: Primitive, nodes: int, voxels: int) -> None:
        _, before, total = self._pending.get(primitive.name, (primitive, 0, 0))
        self._pending[primitive.name] = (primitive, before + nodes, total + voxels)


def is_worth_keeping(compute_s: float, artifact_bytes: int) -> bool:
    """Return whether a result is cheaper to keep than to compute again.

    Args:
        compute_s: seconds to compute it from what is kept.
        artifact_bytes: estimated length of its artifact.
    """
    if artifact_bytes < 32768:
        return compute_s > WORTH_RATIO * KEEP_SMALL_S
    keep_s = KEEP_FIXED_S + artifact_bytes / KEEP_BYTES_PER_S
    return compute_s > WORTH_RATIO * keep_s


def load_rates(connection: sqlite3.Connection) -> list[tuple[str, int, float, int]]:
    """Read what earlier runs learned."""
    return connection.execute(
        "SELECT primitive, version, ns_per_voxel, samples FROM statistics"
    ).fetchall()


def save_rates(
    connection: sqlite3.Connection, learned: list[tuple[str, int, float, int]]
) -> None:
    """Write what this run learned."""
    now_ms = int(time.time() * 1000)
    connection.executemany(
        "INSERT OR REPLACE INTO statistics VALUES (?, ?, ?, ?, ?)",
        [(*row, now_ms) for row in learned],
    )
