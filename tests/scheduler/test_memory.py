"""What is in memory at a time when a run goes over more than there is room for."""

from __future__ import annotations

from typing import Literal

import pytest

from scheduler import Progress, RunOptions, run_plan
from scheduler.plan import Plan
from store import SqliteStore

from .sketch import GRID, Sketch, trial_registry, values

CASES = 60
IMAGE_BYTES = 4 * GRID.voxel_count


class Peak(Progress):
    """Counters that remember how much was in memory at most."""

    peak_bytes = 0

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "memory_bytes" and isinstance(value, int):
            super().__setattr__("peak_bytes", max(self.peak_bytes, value))


def study() -> Plan:
    """Two loops and a fold over the same images, which each of them wants once."""
    draw = Sketch()
    cases = draw("range", float(CASES))
    image = draw("trial.ramp", draw.variable())
    images = draw("map", cases, draw.function(image))
    bright = draw("trial.masked", draw("trial.at_least", image, 100.0), image)
    sizes = draw("map", cases, draw.function(draw("trial.total", bright)))
    totals = draw("map", cases, draw.function(draw("trial.total", image)))
    return draw.plan(
        draw("trial.total", draw.fold("+", images)),
        draw.fold("max", sizes),
        draw.fold("+", totals),
    )


@pytest.mark.parametrize("policy", ["none", "all"])
def test_a_study_needs_no_more_memory_than_it_is_given(
    store: SqliteStore, policy: Literal["none", "all"]
) -> None:
    room = 12 * IMAGE_BYTES
    found = {}
    for limit in (None, room):
        progress = Peak()
        report = run_plan(
            study(),
            store=store,
            registry=trial_registry(),
            options=RunOptions(
                jobs=2, memory_bytes=limit, store_policy=policy, use_cache=False
            ),
            progress=progress,
        )
        found[limit] = values(report)
        if limit is not None:
            assert progress.peak_bytes <= room + 4 * IMAGE_BYTES
    assert found[None] == found[room]
