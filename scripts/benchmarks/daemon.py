"""Whole daemons on one machine: at rest, joining, and what a run gains and pays."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK

from peer.discovery.interfaces import find_places

from . import exchange
from .images import EXAMPLE
from .machines import Lab, Machine, fill, lab, until, used_by
from .measure import table

RESULTS = 100_000
REST_S = 30.0
SETTLING_S = 5.0
SETTLED = 0.02
"""Of a core: below this, the work of starting is over."""

MEMORY_MIB, CPU_PERCENT, JOIN_S = 150, 1, 3
PATIENCE_S, PATIENCE_SHARE = 0.5, 1.2
"""What a run may take more than alone, in all."""

SHAPE, SMALL_SHAPE = (128, 512, 512), (32, 128, 128)
BIG_BYTES = 256 << 20

_SMOOTH = """import "vox1"
import "simpleitk"
let t1 = intensity(load("brain/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"))
"""
LEVELS = tuple(
    f'print "level {i}" volumeml(SmoothingRecursiveGaussian(t1, {1 + i / 10}) >. 99)\n'
    for i in range(8)
)
"""Goals of a good part of a second each; a run that came too soon has computed one."""

BIG = """import "vox1"
import "simpleitk"
let calm = CurvatureFlow(intensity(load("noise.nii")), 0.05, 15)
save "calm.nii" calm
"""
"""Many seconds of computing for an image that only who shares inputs shares."""

SMALL = BIG.replace("noise", "sample").replace("calm.nii", "small.nii")
"""Teaches a fresh store what the kernel costs; else the run would begin to compute
beside the fetch, and the two would share the cores."""


def daemons(rounds: int) -> None:
    """Daemons at rest, join to first fetch, a run beside neighbours, a large fetch."""
    with lab() as (made, lasting):
        large = lasting.enter_context(made.machine("large"))
        with made.machine("second") as second:
            _rest(large, second)
        giver = lasting.enter_context(made.machine("giver", shares_inputs=True))
        giver.found()
        _join_and_fetch(made, giver, rounds)
        _company(made, giver, large, rounds)
        _large_fetch(made, giver, rounds)


# ---- at rest --------------------------------------------------------------------


def _rest(large: Machine, second: Machine) -> None:
    """Two neighbours at rest, one of them with many results."""
    fill(large.store, RESULTS)
    listen = f"{_multicast_host()}:0"
    large.found(listen)
    second.join(large.invite(), listen)
    large.shares(RESULTS)
    second.knows(large)
    processes = [large.daemon, second.daemon]
    until(
        lambda: max(used_by(processes, SETTLING_S)) < SETTLED,
        "both daemons are at rest",
    )
    shares = used_by(processes, REST_S)
    table(
        f"Daemons at rest, over {REST_S:.0f} s; multicast: "
        + large.status()["discovery"],
        ["", "memory MiB", "budget", "% of a core", "budget"],
        [
            [words, each.memory_info().rss / 2**20, MEMORY_MIB, 100 * of, CPU_PERCENT]
            for words, each, of in zip(
                (f"shares {RESULTS} results", "its neighbour, shares none"),
                processes,
                shares,
                strict=True,
            )
        ],
    )


def _multicast_host() -> str:
    """Return an address of an interface with multicast, or the loopback one's."""
    found = [each for each in find_places().multicast if ":" not in each]
    return found[0] if found else "127.0.0.1"


# ---- joining --------------------------------------------------------------------


def _join_and_fetch(made: Lab, giver: Machine, rounds: int) -> None:
    """From the command that joins to the first result that came."""
    _publish(giver, _SMOOTH + "".join(LEVELS))
    joins: list[float] = []
    runs: list[float] = []
    totals: list[float] = []
    for _ in range(rounds):
        with made.machine() as fresh:
            joined, tried = _first_fetch(fresh, giver.invite())
        joins.append(joined)
        runs.append(float(len(tried)))
        totals.append(joined + sum(tried))
    table(
        "From `voxpeer join TOKEN --detach` to the first result fetched by a run",
        ["join s", "runs until one fetched", "in all s", "budget"],
        [[*(statistics.median(each) for each in (joins, runs, totals)), JOIN_S]],
    )


def _first_fetch(fresh: Machine, token: str) -> tuple[float, list[float]]:
    """Return the seconds of joining, and of each run up to one that has fetched."""
    joined = fresh.join(token)
    tried: list[float] = []
    for level in LEVELS:
        measured, said = fresh.execute(_SMOOTH + level)
        tried.append(measured.wall_s)
        if said["stats"]["from_peers"]:
            return joined.wall_s, tried
    raise RuntimeError(f"{len(tried)} runs on a machine that joined fetched nothing")


# ---- a run and its neighbours ---------------------------------------------------


def _company(made: Lab, giver: Machine, large: Machine, rounds: int) -> None:
    """One program on an empty store, by what its neighbour is like."""
    alone: list[float] = []
    nothing: list[float] = []
    everything: list[float] = []
    frozen: list[float] = []
    there = _publish(giver, EXAMPLE)
    for _ in range(rounds):
        with made.machine() as fresh:
            measured, expected = fresh.execute(EXAMPLE)
        alone.append(measured.wall_s)
        for neighbour, freezes, seconds in (
            (giver, False, everything),
            (large, False, nothing),
            (giver, True, frozen),
        ):
            took, said = _beside(made, neighbour, freezes=freezes)
            seconds.append(took)
            assert said["goals"] == expected["goals"] == there["goals"]
            assert (said["stats"]["from_peers"] > 0) == (seconds is everything)
    base = statistics.median(alone)
    budget = PATIENCE_S + PATIENCE_SHARE * base
    rows: list[list[object]] = [["none: alone, without a daemon", base, 1, ""]]
    for words, each in (
        ("has everything", everything),
        (f"has {RESULTS} other results", nothing),
        ("has everything, is frozen", frozen),
    ):
        took_s = statistics.median(each)
        rows.append([words, took_s, took_s / base, budget])
    table(
        "The example, whole process on an empty store, by its one neighbour",
        ["neighbour", "s", "of alone", "budget s"],
        rows,
    )


def _beside(
    made: Lab, neighbour: Machine, *, freezes: bool
) -> tuple[float, dict[str, Any]]:
    """Run the example on a fresh member; return its seconds and what it said."""
    with made.machine() as fresh:
        fresh.join(neighbour.invite())
        fresh.knows(neighbour)
        if freezes:
            neighbour.freeze()
        try:
            measured, said = fresh.execute(EXAMPLE)
        finally:
            neighbour.thaw()
    return measured.wall_s, said


# ---- a large fetch --------------------------------------------------------------


def _large_fetch(made: Lab, giver: Machine, rounds: int) -> None:
    """One image through both daemons, beside the bare exchange."""
    _write_noise(giver.folder / "noise.nii", SHAPE)
    _publish(giver, BIG)
    speeds, walls, sizes = [], [], []
    for _ in range(rounds):
        with made.machine() as fresh:
            _write_noise(fresh.folder / "noise.nii", SHAPE)
            _write_noise(fresh.folder / "sample.nii", SMALL_SHAPE)
            fresh.execute(SMALL)
            fresh.join(giver.invite())
            fresh.knows(giver)
            measured, said = fresh.execute(BIG)
            assert said["stats"]["executed"] == 0
            size, seconds = _fetched(fresh)
        sizes.append(size)
        speeds.append(size / 1e6 / seconds)
        walls.append(measured.wall_s)
    bare = exchange.measure(rounds)["stored"]
    speed = statistics.median(speeds)
    table(
        f"A run fetches an image of {sizes[0] / 2**20:.0f} MiB through both daemons",
        ["MB/s", "bare exchange MB/s", "of it", "whole run, with saving s"],
        [[speed, bare, speed / bare, statistics.median(walls)]],
    )


def _write_noise(path: Path, shape: tuple[int, int, int]) -> None:
    """Write an image of bytes; as what is computed it takes eight times as much."""
    voxels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(voxels), str(path))


def _fetched(machine: Machine) -> tuple[int, float]:
    """Return bytes and seconds of the large result that came from a neighbour."""
    nodes = json.loads(machine.voxpeer("why", "calm.nii", "--json").stdout)["nodes"]
    for node in nodes:
        if node["how"] == "peer" and node["size_bytes"] >= BIG_BYTES:
            return node["size_bytes"], node["seconds"]
    raise RuntimeError("the large image was not fetched")


def _publish(machine: Machine, text: str) -> dict[str, Any]:
    """Run a program, wait until its goals are offered, and return what it said."""
    before = machine.status()["shared_results"]
    _, said = machine.execute(text)
    machine.shares(before + len(said["goals"]))
    return said
