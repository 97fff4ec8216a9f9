"""The same graphs of additions by others: ``rivals ENGINE SHAPE NODES FOLDER``.

Prints the result and the seconds that evaluating the graph took.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

Step = tuple[int, int, bool]
"""Two operands, and whether to subtract and not add.

An operand is the position of an earlier step, or -n for the constant n.
"""


def steps(shape: str, nodes: int) -> list[Step]:
    """List the operations of a graph of about ``nodes`` nodes, all different.

    chain: each adds 1 to the one before.  fan: half of them add a number each to the
    same node, and a chain of sums joins them.  ladder: two chains, where each step
    needs the one before it of both.
    """
    if shape == "chain":
        return [(-1, -1, False)] + [(at, -1, False) for at in range(nodes - 1)]
    if shape == "fan":
        half = nodes // 2
        fan = [(-1, -1, False)] + [(0, -at, False) for at in range(1, half)]
        return fan + [(at - 1, at - half + 1, False) for at in range(half, nodes - 1)]
    ladder = [(-1, -2, False), (-3, -4, False)]
    for at in range(2, nodes, 2):
        ladder += [(at - 1, at - 2, True), (at, -at, False)]
    return ladder


def plain(graph: list[Step], folder: Path) -> float:
    """Evaluate in a loop."""
    values: list[float] = []
    for left, right, is_difference in graph:
        a = values[left] if left >= 0 else float(-left)
        b = values[right] if right >= 0 else float(-right)
        values.append(a - b if is_difference else a + b)
    return values[-1]


def _combine(left: float, right: float, is_difference: bool) -> float:
    return left - right if is_difference else left + right


def dask_threads(graph: list[Step], folder: Path) -> float:
    """Evaluate with Dask's threaded scheduler, which keeps nothing."""
    from dask.threaded import get

    tasks = {
        f"n{at}": (
            _combine,
            f"n{left}" if left >= 0 else float(-left),
            f"n{right}" if right >= 0 else float(-right),
            is_difference,
        )
        for at, (left, right, is_difference) in enumerate(graph)
    }
    return float(get(tasks, f"n{len(graph) - 1}"))


def joblib_memory(graph: list[Step], folder: Path) -> float:
    """Evaluate in a loop through joblib.Memory, which keeps every result."""
    from joblib import Memory

    combine = Memory(folder / "joblib", verbose=0).cache(_combine)
    values: list[float] = []
    for left, right, is_difference in graph:
        a = values[left] if left >= 0 else float(-left)
        b = values[right] if right >= 0 else float(-right)
        values.append(combine(a, b, is_difference))
    return values[-1]


ENGINES: dict[str, Callable[[list[Step], Path], float]] = {
    "plain loop": plain,
    "dask threads": dask_threads,
    "joblib.Memory": joblib_memory,
}


def main() -> None:
    """Run the command line."""
    engine, shape, nodes, folder = sys.argv[1:]
    graph = steps(shape, int(nodes))
    started = time.perf_counter()
    result = ENGINES[engine](graph, Path(folder))
    print(result, time.perf_counter() - started)


if __name__ == "__main__":
    main()
