"""One program on several machines at once: who executes what, and how long it takes."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import SimpleITK

from peer.local import DaemonNeighbours
from scheduler.neighbours import Claim, ClaimAnswer, Granted, Held
from store import NodeKey

from .machines import Lab, Machine, lab, until
from .measure import table
from .naps.naps import NAP_S, VOXELS

PEERS = (1, 2, 4, 8)
NODES = 64
LIMIT_S = 600.0
LATENCIES, BATCH, BATCHES = 400, 256, 40

NAPS = 'import "naps"\nlet t1 = load("phantom.nii")\n' + "".join(
    f'print "m{i}" volumeml(nap(t1, {i}))\n' for i in range(NODES)
)
"""Kernels that sleep: more machines than cores can be at work."""

KERNELS = 'import "vox1"\nlet t1 = intensity(load("phantom.nii"))\n' + "".join(
    f'print "m{i}" volumeml(distgeq(2, t1 >. {240 + i / 10}))\n' for i in range(NODES)
)
"""Kernels that compute: two cores are two cores, however many machines share them."""

KERNEL = "vox1.distgeq"
"""The primitive whose executions are counted."""


class Together(NamedTuple):
    """What came of a program that several machines ran at once."""

    span_s: float
    executions: float
    """Per node that takes its time."""
    most: int
    duplicates: dict[str, int]


def once(rounds: int) -> None:
    """The same program on 1, 2, 4 and 8 machines at once, one core each; claims."""
    with lab() as (made, lasting):
        for name, text in (("naps", NAPS), (KERNEL, KERNELS)):
            _spans(made, name, text, rounds)
        _troubles(made, rounds)
        _claims(made, lasting)


def _spans(made: Lab, name: str, text: str, rounds: int) -> None:
    rows: list[list[object]] = []
    alone_s = 0.0
    for peers in PEERS:
        tried = [_together(made, name, text, peers) for _ in range(rounds)]
        span_s = statistics.median(each.span_s for each in tried)
        alone_s = alone_s or span_s
        causes = Counter[str]()
        for each in tried:
            causes.update(each.duplicates)
        rows.append(
            [
                peers,
                f"{statistics.mean(each.executions for each in tried):.3f}",
                max(each.most for each in tried),
                span_s,
                span_s / alone_s,
                ", ".join(f"{cause} {n}" for cause, n in sorted(causes.items())) or "-",
            ]
        )
    table(
        f"{NODES} nodes ({name}), all machines at once, one core each, {rounds} rounds",
        [
            "machines",
            "executions per node",
            "most of one node",
            "make-span s",
            "of one machine",
            "duplicates by cause",
        ],
        rows,
    )


def _together(made: Lab, name: str, text: str, count: int) -> Together:
    """Have fresh machines run a program at the same time."""
    with ExitStack() as lasting:
        machines = realm(made, lasting, count)
        for machine in machines:
            write_phantom(machine.folder / "phantom.nii")
            (machine.folder / "program.imgql").write_text(text)
        started = time.monotonic()
        runs = [each.start("program.imgql", "--jobs", "1") for each in machines]
        said = [json.loads(run.communicate(timeout=LIMIT_S)[0]) for run in runs]
        span_s = time.monotonic() - started
        values = [[goal["value"] for goal in each["goals"]] for each in said]
        assert all(each == values[0] for each in values), "machines do not agree"
        executed = executions(machines, said) if name == KERNEL else naps(machines)
        duplicates = _duplicates(machines)
    assert len(executed) == NODES
    return Together(
        span_s,
        sum(executed.values()) / NODES,
        max(executed.values()),
        duplicates,
    )


def _troubles(made: Lab, rounds: int) -> None:
    """One machine runs the program, and all its neighbours stop to answer."""
    rows: list[list[object]] = []
    alone_s = 0.0
    for words, befalls in (
        ("none: alone, without a daemon", None),
        ("three, frozen as the run starts", Machine.freeze),
        ("three, killed as the run starts", lambda machine: machine.daemon.kill()),
        ("three, frozen in its midst", Machine.freeze),
    ):
        after_s = NODES * NAP_S / 8 if "midst" in words else 0.0
        tried = [_troubled(made, befalls, after_s) for _ in range(rounds)]
        span_s = statistics.median(tried)
        alone_s = alone_s or span_s
        rows.append([words, span_s, span_s / alone_s, 0.5 + 1.2 * alone_s])
    table(
        f"{NODES} nodes (naps) on one machine, by its neighbours",
        ["neighbours", "s", "of alone", "budget s"],
        rows,
    )


def _troubled(
    made: Lab, befalls: Callable[[Machine], None] | None, after_s: float
) -> float:
    """Return the seconds of a run whose neighbours something befalls."""
    with ExitStack() as lasting:
        here, *others = realm(made, lasting, 4 if befalls else 1)
        write_phantom(here.folder / "phantom.nii")
        (here.folder / "program.imgql").write_text(NAPS)
        started = time.monotonic()
        run = here.start("program.imgql", "--jobs", "1")
        time.sleep(after_s)
        for other in others:
            assert befalls is not None
            befalls(other)
        said = json.loads(run.communicate(timeout=LIMIT_S)[0])
        span_s = time.monotonic() - started
        assert said["stats"]["failed"] == 0
    return span_s


def naps(machines: Sequence[Machine]) -> Counter[str]:
    """Return how often each nap was begun, on all machines together."""
    return Counter(level for machine in machines for level in machine.naps())


def executions(
    machines: Sequence[Machine], said: Sequence[dict[str, Any]]
) -> Counter[bytes]:
    """Return how often each kernel came to its end, all runs together."""
    found = Counter[bytes]()
    for machine, document in zip(machines, said, strict=True):
        for key, of, how in machine.obtained(document["run_id"]):
            if of == KERNEL and how == "computed":
                found[key] += 1
    return found


def realm(made: Lab, lasting: ExitStack, count: int) -> list[Machine]:
    """Switch on machines that all know each other; a single one has no daemon."""
    machines = [lasting.enter_context(made.machine(f"lab-{i}")) for i in range(count)]
    if count > 1:
        machines[0].found()
        for machine in machines[1:]:
            machine.join(machines[0].invite())
        for machine in machines:
            until(lambda: len(live(machine)) == count - 1, "all machines meet")  # noqa: B023
    return machines


def live(machine: Machine) -> list[str]:
    """Return the names of a machine's live neighbours."""
    peers = machine.status()["peers"]
    return [each["name"] for each in peers if each["state"] == "live"]


def write_phantom(path: Path) -> None:
    """Write an image for which the first guess of a nap's time is right."""
    side = round(VOXELS ** (1 / 3))
    voxels = np.random.default_rng(1).integers(0, 256, (side,) * 3, dtype=np.uint8)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(voxels), str(path))


def _duplicates(machines: Sequence[Machine]) -> dict[str, int]:
    """Return what the daemons have counted, by cause."""
    prefix = "duplicate_executions_"
    causes = Counter[str]()
    for machine in machines if len(machines) > 1 else ():
        for name, count in machine.status()["counters"].items():
            if name.startswith(prefix) and count:
                causes[name.removeprefix(prefix)] += count
    return dict(causes)


# ---- claims alone ---------------------------------------------------------------


def _claims(made: Lab, lasting: ExitStack) -> None:
    """What a claim costs on its way from a run to an arbiter and back."""
    here, _ = realm(made, lasting, 2)
    neighbours = DaemonNeighbours(here.store)
    until(lambda: not neighbours.is_alone, "the daemon has company")
    own: list[float] = []
    other: list[float] = []
    for number in range(LATENCIES):
        key = NodeKey(number.to_bytes(32, "big"))
        (rank,) = neighbours.ranks([key])
        (own if rank == 0 else other).append(_granted_s(neighbours, [key]))
        neighbours.release([key])
    batch_s = []
    for number in range(BATCHES):
        first = (number + 1) << 32
        keys = [NodeKey((first + i).to_bytes(32, "big")) for i in range(BATCH)]
        batch_s.append(_granted_s(neighbours, keys))
        neighbours.release(keys)
    neighbours.close()
    table(
        "A claim, from a run to its grant and back, two daemons on one machine",
        ["decided", "p50 ms", "p95 ms", "claims/s"],
        [
            ["by this machine's daemon", *_percentiles_ms(own), ""],
            ["by the neighbour", *_percentiles_ms(other), ""],
            [
                f"by both, {BATCH} at once",
                *_percentiles_ms(batch_s),
                BATCH / statistics.median(batch_s),
            ],
        ],
    )


def _granted_s(neighbours: DaemonNeighbours, keys: Sequence[NodeKey]) -> float:
    """Return the seconds until all of some claims are granted."""
    granted = threading.Semaphore(0)
    refused: list[ClaimAnswer] = []

    def answer(said: ClaimAnswer) -> None:
        if not isinstance(said, Held):
            if not isinstance(said, Granted):
                refused.append(said)
            granted.release()

    started = time.perf_counter()
    neighbours.claim([Claim(key, 1.0, 1000) for key in keys], answer)
    for _ in keys:
        if not granted.acquire(timeout=10):
            raise RuntimeError("a claim was not answered within 10 s")
    assert not refused, f"not granted: {refused[0]}"
    return time.perf_counter() - started


def _percentiles_ms(seconds: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(seconds)
    return (
        1e3 * statistics.median(ordered),
        1e3 * ordered[int(0.95 * (len(ordered) - 1))],
    )
