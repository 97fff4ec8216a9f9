"""Programs whose kernels sleep, run in processes of their own.

More machines than cores can so be at work, and who executes what is written down.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np

from peer.local import DaemonNeighbours
from primitives.catalog import NAMESPACES, standard_registry
from primitives.context import Context
from primitives.registry import Cost, Determinism, Primitive, Registry, Table
from primitives.values import Grid, Image, Mask, Value
from scheduler import RunOptions, run_plan
from scheduler.plan import Plan
from tests.peer.daemon.harness import Peer, eventually, new_store
from tests.scheduler.sketch import Sketch

NAP_S = 0.4
SIDE = round((NAP_S * 1e9 / Cost.HEAVY.value) ** (1 / 3))
"""Of a cube for which the first guess of a nap's time is right."""

GRID = Grid((SIDE,) * 3, (1.0,) * 3, (0.0,) * 3, (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
LOG = "NAPS_LOG"
GATE = "NAPS_GATE"


def scene(_context: Context, seed: Value) -> Image:
    """An image that differs with its seed."""
    array = np.full(GRID.shape, int(float(seed)), np.uint8)
    return Image.of_array(array, GRID)


def nap(context: Context, image: Image, level: Value) -> Mask:
    """Write down who begins what, sleep, and return a mask."""
    with Path(os.environ[LOG]).open("a") as log:
        log.write(f"{os.getpid()} {level}\n")
    until = time.monotonic() + NAP_S
    while time.monotonic() < until:
        context.check()
        time.sleep(0.01)
    array = np.zeros(image.grid.shape, bool)
    array[0, 0, : int(float(level))] = True
    return Mask(array, image.grid)


def count(_context: Context, mask: Mask) -> float:
    """Return how many voxels are in a mask."""
    return float(np.count_nonzero(mask.array))


def _table() -> Table:
    made = [
        Primitive(
            f"naps.{name}",
            version=1,
            signature=signature,
            kernel=f"{__name__}:{name}",
            determinism=Determinism.EXACT,
            cost=cost,
            summary="For tests.",
        )
        for name, cost, signature in (
            ("scene", Cost.CHEAP, "seed: number -> image"),
            ("nap", Cost.HEAVY, "image: image, level: number -> mask"),
            ("count", Cost.CHEAP, "mask: mask -> double"),
        )
    ]
    return {primitive.short_name: primitive for primitive in made}


@cache
def registry() -> Registry:
    """Return the standard primitives and those of this module."""
    standard = standard_registry()
    tables = {name: (lambda name=name: standard.table(name)) for name in NAMESPACES}
    return Registry({**tables, "naps": _table})


def plan(naps: int) -> Plan:
    """Return a program with so many goals, each of which takes one nap."""
    sketch = Sketch()
    image = sketch("naps.scene", 1)
    goals = [
        sketch("naps.count", sketch("naps.nap", image, level))
        for level in range(1, naps + 1)
    ]
    return sketch.plan(*goals)


def main() -> None:
    """Run the program in this process; print the goals' values."""
    store = new_store(Path(sys.argv[1]))
    neighbours = DaemonNeighbours(store.path)
    gate = Path(os.environ[GATE])
    (gate / str(os.getpid())).touch()
    eventually((gate / "open").exists, 60)
    try:
        report = run_plan(
            plan(int(sys.argv[2])),
            store=store,
            registry=registry(),
            options=RunOptions(jobs=1),
            neighbours=neighbours,
        )
    finally:
        neighbours.close()
        store.close()
    failures = [str(goal.failure) for goal in report.goals if goal.failure]
    values = [goal.value for goal in report.goals]
    print(json.dumps({"failures": failures, "values": values}))


class Nappers:
    """Runs of the program on machines, and what they execute."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "naps.log"
        self._log.touch()
        self._gate = folder / "gate"
        self._gate.mkdir()
        self._runs: list[subprocess.Popen[str]] = []

    def start(self, peer: Peer, naps: int) -> subprocess.Popen[str]:
        """Start a run on a machine; it waits until all may begin."""
        code = "from tests.peer.daemon.naps import main; main()"
        run = subprocess.Popen(
            [sys.executable, "-c", code, str(peer.store.path), str(naps)],
            env=os.environ | {LOG: str(self._log), GATE: str(self._gate)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._runs.append(run)
        return run

    def begin(self) -> None:
        """Let all runs begin at the same moment."""
        names = [str(run.pid) for run in self._runs]
        eventually(lambda: all((self._gate / name).exists() for name in names), 60)
        (self._gate / "open").touch()

    def begun(self, run: subprocess.Popen[str] | None = None) -> Counter[str]:
        """Return how often each nap was begun, by one run or by all."""
        lines = (line.split() for line in self._log.read_text().splitlines())
        return Counter(
            level for pid, level in lines if run is None or int(pid) == run.pid
        )

    def wait_for(self, run: subprocess.Popen[str], naps: int = 1) -> None:
        """Wait until a run has begun so many naps."""
        eventually(lambda: sum(self.begun(run).values()) >= naps, 60)

    def finish(self, run: subprocess.Popen[str], naps: int) -> None:
        """Wait for the end of a run, and see that its values are right."""
        out, said = run.communicate(timeout=120)
        assert run.returncode == 0, said
        found = json.loads(out)
        assert found["failures"] == []
        assert found["values"] == [float(level) for level in range(1, naps + 1)]

    def close(self) -> None:
        """End what still runs."""
        for run in self._runs:
            if run.poll() is None:
                run.kill()
            run.communicate()
