"""Values depend on no claim, whatever is said of it.

A false memory of what kernels take makes nodes of a millisecond worth claiming.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler import MIGRATIONS, Neighbours, RunOptions, RunReport, run_plan
from scheduler.cost import save_rates
from scheduler.neighbours import Claim, Held
from scheduler.plan import Plan
from store import SqliteStore, open_store

from .lab import Lab
from .rogues import ROGUES, Rogue, Tell
from .sketch import run, trial_registry, trial_table
from .test_asking import random_plan

pytestmark = pytest.mark.slow

RATES = [
    (primitive.name, primitive.version, 4000.0, 100)
    for primitive in trial_table().values()
]
"""Nanoseconds per voxel: a tenth of a second for each image."""

STEPS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 9)),
    min_size=2,
    max_size=12,
)
POLICIES = st.sampled_from(["worth", "all", "goals", "none"])
FEW = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def mistaken_store(path: Path) -> SqliteStore:
    store = open_store(path, migrations=[MIGRATIONS])
    store.database.write(lambda c: save_rates(c, RATES)).result()
    return store


def digests(report: RunReport) -> list[object]:
    assert [goal.failure for goal in report.goals if goal.failure] == []
    return [goal.digest for goal in report.goals]


def run_with(
    plan: Plan, store: SqliteStore, neighbours: Neighbours, options: RunOptions
) -> RunReport:
    return run_plan(
        plan,
        store=store,
        registry=trial_registry(),
        options=options,
        neighbours=neighbours,
    )


@FEW
@given(STEPS, st.integers(0, 2**32), POLICIES, st.integers(1, 3))
def test_values_do_not_depend_on_what_is_said_of_claims(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, int, int]],
    seed: int,
    policy: str,
    jobs: int,
) -> None:
    folder = tmp_path_factory.mktemp("rogue")
    alone, store = (mistaken_store(folder / name) for name in ("alone", "ours"))
    options = RunOptions(jobs=jobs, store_policy=policy)  # type: ignore[arg-type]
    plan = random_plan(steps)
    expected = digests(run(plan, alone, options=options))
    dice = random.Random(seed)

    def say(claim: Claim, tell: Tell) -> None:
        if dice.random() < 0.3:
            tell(Held(claim.key, "eve", dice.random()), dice.random() / 10)
        dice.choice(ROGUES)(claim, tell)

    rogue = Rogue(store, say)
    report = run_with(plan, store, rogue, options)
    rogue.join()
    alone.close()
    store.close()
    assert digests(report) == expected
    assert sum(report.progress.executed_because.values()) == report.progress.executed


@FEW
@given(STEPS, POLICIES, st.lists(st.integers(1, 2), min_size=2, max_size=4))
def test_runs_that_divide_their_work_agree(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, int, int]],
    policy: str,
    jobs: Sequence[int],
) -> None:
    folder = tmp_path_factory.mktemp("lab")
    plan = random_plan(steps)
    lab = Lab()
    stores = [mistaken_store(folder / f"m{at}") for at in range(len(jobs))]
    members = [lab.member(f"m{at}", store) for at, store in enumerate(stores)]
    reports: dict[int, RunReport] = {}

    def play(at: int) -> None:
        options = RunOptions(jobs=jobs[at], store_policy=policy)  # type: ignore[arg-type]
        reports[at] = run_with(plan, stores[at], members[at], options)

    threads = [threading.Thread(target=play, args=(at,)) for at in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = lab.held
    lab.join()
    alone = mistaken_store(folder / "alone")
    expected = digests(run(plan, alone))
    for store in (alone, *stores):
        store.close()
    assert all(digests(report) == expected for report in reports.values())
    assert not held
