"""Random programs against a plain evaluator, on stores that lose things."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from primitives.values import Image, Mask, Value
from scheduler import MIGRATIONS, RunOptions, RunReport
from scheduler.plan import Plan
from store import open_store

from .sketch import GRID, Sketch, run

LIMIT_S = 60
"""A run that takes longer hangs."""


class RefusedError(Exception):
    """The plain evaluator met a failing node."""


@dataclass
class Case:
    """A node of a random program and its value, or None where it fails."""

    node: object
    value: Value
    has_failed: bool = False


class Program:
    """Grows a plan and its plain evaluation side by side."""

    def __init__(self) -> None:
        self.draw = Sketch()
        self.cases: dict[str, list[Case]] = {"n": [], "i": [], "s": []}
        for number in (1.0, 2.5, 4.0):
            self.add("n", self.draw("+", number, 0.0), lambda number=number: number)

    def add(self, kind: str, node: object, compute: object, *below: Case) -> None:
        failed = any(case.has_failed for case in below)
        value: Value = None
        if not failed:
            try:
                value = compute()  # type: ignore[operator]
            except RefusedError:
                failed = True
        self.cases[kind].append(Case(node, value, failed))

    def pick(self, kind: str, at: int) -> Case | None:
        known = self.cases[kind]
        return known[at % len(known)] if known else None

    def step(self, what: str, left: int, right: int) -> None:
        draw = self.draw
        a, b = self.pick("n", left), self.pick("n", right)
        image = self.pick("i", left)
        items, other = self.pick("s", left), self.pick("s", right)
        assert a is not None
        assert b is not None
        x, y = a.node, b.node
        number = draw.variable()
        match what:
            case "add":
                self.add("n", draw("+", x, y), lambda: a.value + b.value, a, b)  # type: ignore[arg-type]
            case "subtract":
                self.add("n", draw("-", x, y), lambda: a.value - b.value, a, b)  # type: ignore[arg-type]
            case "refuse":
                self.add("n", draw("trial.refuse", x), _refuse, a)  # type: ignore[arg-type]
            case "ramp":
                self.add("i", draw("trial.ramp", x), lambda: _ramp(a.value), a)  # type: ignore[arg-type]
            case "total" if image:
                node = draw("trial.total", image.node)  # type: ignore[arg-type]
                self.add("n", node, lambda: _total(image.value), image)
            case "at_least" if image:
                node = draw("trial.at_least", image.node, y)  # type: ignore[arg-type]
                node = draw("trial.masked", node, image.node)  # type: ignore[arg-type]
                self.add("i", node, lambda: _masked(image.value, b.value), image, b)
            case "range":
                node = draw("range", float(left % 5))
                self.add("s", node, lambda: tuple(range(left % 5)))
            case "sequence":
                node = draw("sequence", x, y, x)  # type: ignore[arg-type]
                self.add("s", node, lambda: (a.value, b.value, a.value), a, b)
            case "map" if items:
                body = draw.function(draw("+", draw("*", number, 2.0), y))  # type: ignore[arg-type]
                # An item's failure is the loop's; a captured one, only of any item.
                node = draw("map", items.node, body)  # type: ignore[arg-type]
                if b.has_failed and not items.has_failed and not items.value:
                    return
                self.add(
                    "s",
                    node,
                    lambda: tuple(item * 2.0 + b.value for item in items.value),
                    *(items, b),
                )
            case "map_images" if items:
                body = draw.function(draw("trial.total", draw("trial.ramp", number)))
                node = draw("map", items.node, body)  # type: ignore[arg-type]
                self.add(
                    "s",
                    node,
                    lambda: tuple(_total(_ramp(item)) for item in items.value),
                    items,
                )
            case "filter" if items:
                body = draw.function(draw(">", number, float(right % 4)))
                node = draw("filter", items.node, body)  # type: ignore[arg-type]
                self.add(
                    "s",
                    node,
                    lambda: tuple(v for v in items.value if v > right % 4),
                    items,
                )
            case "fold" if other:
                self.add(
                    "n",
                    draw.fold("+", other.node),  # type: ignore[arg-type]
                    lambda: sum(other.value, 0),
                    other,
                )
            case "sum_images" if items and not items.has_failed and items.value:
                body = draw.function(draw("trial.ramp", number))
                images = draw("map", items.node, body)  # type: ignore[arg-type]
                node = draw("index", images, float(right % len(items.value)))
                self.add(
                    "i", node, lambda: _ramp(items.value[right % len(items.value)])
                )
            case "index" if items and not items.has_failed and items.value:
                at = right % len(items.value)
                node = draw("index", items.node, float(at))  # type: ignore[arg-type]
                self.add("n", node, lambda: items.value[at])
            case _:
                pass

    def everything(self) -> list[Case]:
        return [case for cases in self.cases.values() for case in cases]


def _refuse() -> Value:
    raise RefusedError


def _ramp(seed: float) -> np.ndarray:
    count = GRID.voxel_count
    return (np.arange(count, dtype=np.float32) * float(seed)) % 251


def _total(image: np.ndarray) -> float:
    return float(image.sum(dtype=np.float64))


def _masked(image: np.ndarray, level: float) -> np.ndarray:
    return np.where(image >= level, image, np.float32(0))


def plain(value: Value) -> object:
    if isinstance(value, (Image, Mask)):
        return value.array.ravel().tobytes()
    return value.tobytes() if isinstance(value, np.ndarray) else value


def timed(plan: Plan, place: Path, cap: int | None, options: RunOptions) -> RunReport:
    """Run in a thread, so that a run that hangs fails the test."""
    reports: list[RunReport] = []

    def work() -> None:
        with open_store(place, migrations=[MIGRATIONS], cap_bytes=cap) as store:
            reports.append(run(plan, store, options=options))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(LIMIT_S)
    assert not thread.is_alive(), "the run hangs"
    assert reports, "the run raised"
    return reports[0]


def lose(place: Path, choices: list[int]) -> None:
    """Damage or remove some files of a store."""
    blobs = sorted(path for path in (place / "blobs").rglob("*") if path.is_file())
    for choice in choices if blobs else ():
        path = blobs[choice % len(blobs)]
        if not path.exists():
            continue
        path.chmod(0o600)
        if choice % 2:
            path.unlink()
        else:
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)


def check(report: RunReport, wanted: list[Case]) -> list[bytes | None]:
    for goal, case in zip(report.goals, wanted, strict=True):
        assert (goal.failure is not None) == case.has_failed, (goal, case)
        if goal.failure is None:
            assert plain(goal.value) == plain(case.value)
    return [goal.digest for goal in report.goals]


KINDS = (
    *("add", "subtract", "refuse", "ramp", "total", "at_least", "range", "sequence"),
    *("map", "map_images", "filter", "fold", "sum_images", "index"),
    *("ramp", "total", "range", "map", "fold"),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(0, 12),
        st.integers(0, 12),
    ),
    min_size=1,
    max_size=14,
)
OPTIONS = st.builds(
    RunOptions,
    jobs=st.integers(1, 4),
    store_policy=st.sampled_from(["worth", "all", "goals", "none"]),
    execution_engine=st.sampled_from(["dynamic", "sequential"]),
    memory_bytes=st.sampled_from([None, 100_000]),
    use_cache=st.sampled_from([True, True, True, False]),
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    STEPS,
    st.lists(OPTIONS, min_size=2, max_size=3),
    st.lists(st.integers(0, 30), max_size=4),
    st.sets(st.integers(0, 20), max_size=6),
    st.sampled_from([None, None, 400_000]),
)
def test_random_programs_agree_with_a_plain_evaluator_on_stores_that_lose_things(
    steps: list[tuple[str, int, int]],
    options: list[RunOptions],
    losses: list[int],
    goals: set[int],
    cap: int | None,
) -> None:
    program = Program()
    for step in steps:
        program.step(*step)
    cases = program.everything()
    wanted = [cases[at % len(cases)] for at in goals] + cases[-1:]
    plan = program.draw.plan(*[case.node for case in wanted])  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "store"
        digests = set()
        for choice in options:
            digests.add(tuple(check(timed(plan, place, cap, choice), wanted)))
            lose(place, losses)
        assert len(digests) == 1
        keeping = RunOptions(jobs=2, store_policy="all")
        check(timed(plan, place, None, keeping), wanted)
        check(timed(plan, place, None, keeping), wanted)
        again = timed(plan, place, None, keeping)
        if not any(case.has_failed for case in wanted):
            assert again.progress.executed == 0
        with open_store(place, migrations=[MIGRATIONS]) as store:
            assert list(store.check()) == []
