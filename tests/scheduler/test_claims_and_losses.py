"""Claims of nodes that cannot start, whose values are lost, or whose keys change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from primitives.context import Context
from primitives.formats.write import write_value
from scheduler import MIGRATIONS, Arrived, RunOptions, RunReport, run_plan
from scheduler.cost import load_rates, save_rates
from scheduler.neighbours import Claim, Free, Granted, Held, OnClaimed
from scheduler.plan import Plan
from store import NodeKey, SqliteStore, open_store

from .neighbourhood import NEVER_S, Manner, StoreNeighbours, bring
from .rogues import Rogue, Tell
from .sketch import Sketch, ramp, run, trial_registry, values
from .test_lies import lie

LINGER_S = 0.1


class Remembering(StoreNeighbours):
    """Says of what is claimed that it came, if it is in the store, else grants it."""

    def claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
        self.claimed.append(list(claims))
        for claim in claims:
            is_here = bool(self._ours.lookup([claim.key]))
            said = Arrived(claim.key, self.name, 0.0) if is_here else Granted(claim.key)
            self._later(0.0, lambda _, said=said: answer(said))  # type: ignore[misc]


class Counting(StoreNeighbours):
    """Grants everything, and counts how much is held at the same time."""

    most_held = 0

    def __init__(self, store: SqliteStore) -> None:
        super().__init__(store, store)
        self._held: set[NodeKey] = set()

    def claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
        self._held |= {claim.key for claim in claims}
        self.most_held = max(self.most_held, len(self._held))
        super().claim(claims, answer)

    def release(self, keys: Sequence[NodeKey], *, has_failed: bool = False) -> None:
        self._held -= set(keys)
        super().release(keys, has_failed=has_failed)

    def publish(self, keys: Sequence[NodeKey]) -> None:
        self._held -= set(keys)
        super().publish(keys)


def run_beside(
    plan: Plan, neighbours: StoreNeighbours, store: SqliteStore, options: RunOptions
) -> RunReport:
    try:
        return run_plan(
            plan,
            store=store,
            registry=trial_registry(),
            options=options,
            neighbours=neighbours,
        )
    finally:
        neighbours.join()


@pytest.mark.slow
def test_what_is_doubted_is_not_taken_from_others_again(
    store: SqliteStore, tmp_path: Path
) -> None:
    draw = Sketch()
    image = draw("trial.linger", draw("trial.ramp", 0.0), LINGER_S)
    source = draw("trial.linger", image, LINGER_S + 0.01)
    total = draw("trial.total", source)
    plan = draw.plan(draw("index", draw("sequence", 10.0, 11.0, 12.0), total))
    with open_store(tmp_path / "theirs", migrations=[MIGRATIONS]) as theirs:
        lie(theirs, draw, source, draw("trial.ramp", 3.0))
        options = RunOptions(jobs=2, store_policy="all", timeout_s=20)
        report = run_beside(plan, Remembering(theirs, store), store, options)
    assert values(report) == [10.0]


@pytest.mark.slow
def test_no_more_is_held_than_memory_has_room_for(
    store: SqliteStore, tmp_path: Path
) -> None:
    draw = Sketch()
    images = [
        draw("trial.linger", draw("trial.ramp", 1.0), 3 * LINGER_S + at / 1000)
        for at in range(6)
    ]
    plan = draw.plan(*(draw("trial.total", image) for image in images))
    learn(store, draw, tmp_path, 4 * LINGER_S)
    neighbours = Counting(store)
    report = run_beside(plan, neighbours, store, RunOptions(jobs=4, memory_bytes=1))
    assert values(report)
    assert len({claim.key for batch in neighbours.claimed for claim in batch}) == 6
    # One that is computed, one that is just being committed, and the next.
    assert neighbours.most_held <= 3


def learn(store: SqliteStore, draw: Sketch, folder: Path, seconds: float) -> None:
    """Let runs of a store know how long lingering takes."""
    goal = draw("trial.total", draw("trial.linger", draw("trial.ramp", 9.0), seconds))
    with open_store(folder / "learning", migrations=[MIGRATIONS]) as other:
        run(draw.plan(goal), other)
        with other.database.read() as connection:
            rates = load_rates(connection)
    store.database.write(lambda c: save_rates(c, rates)).result()


@pytest.mark.slow
def test_a_result_of_another_process_is_published_under_the_grant(
    store: SqliteStore, tmp_path: Path
) -> None:
    draw = Sketch()
    image = draw("trial.linger", draw("trial.ramp", 1.0), LINGER_S)
    plan = draw.plan(draw("trial.total", image))

    class Beside(StoreNeighbours):
        """Another process computes what this one is granted."""

        def claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
            keys = [claim.key for claim in claims]
            assert set(beside.lease(keys).granted) == set(keys)
            super().claim(claims, answer)
            for key in keys:
                hit = self._theirs.lookup([key])[key]
                self._later(0.3, lambda _, hit=hit: bring(hit, self._theirs, beside))  # type: ignore[misc]

    learn(store, draw, tmp_path, LINGER_S)
    with (
        open_store(tmp_path / "theirs", migrations=[MIGRATIONS]) as theirs,
        open_store(tmp_path / "store", migrations=[MIGRATIONS]) as beside,
    ):
        run(draw.plan(image), theirs)
        neighbours = Beside(theirs, store)
        neighbours.manner = Manner(answer_s=NEVER_S)
        run_beside(plan, neighbours, store, RunOptions(jobs=1))
    (batch,) = neighbours.claimed
    assert [batch[0].key] in neighbours.published
    assert neighbours.released == []


@pytest.mark.slow
def test_what_came_under_the_key_of_a_file_that_has_changed_is_not_used(
    store: SqliteStore, tmp_path: Path
) -> None:
    draw = Sketch()
    path = tmp_path / "case.nii"
    write_value(ramp(Context(), 1.0), path)
    image = draw("trial.linger", draw("load", str(path)), 10 * LINGER_S)
    plan = draw.plan(draw("trial.total", image))

    class Changing(StoreNeighbours):
        """The file changes once a result is being fetched, which comes late."""

        def fetch(self, *args: Any) -> None:
            write_value(ramp(Context(), 2.0), path)
            super().fetch(*args)

    learn(store, draw, tmp_path, 3 * LINGER_S)
    with open_store(tmp_path / "theirs", migrations=[MIGRATIONS]) as theirs:
        run(draw.plan(image), theirs)
        manner = Manner(promise_s=0.01, arrive_s=1.2)
        report = run_beside(
            plan, Changing(theirs, store, manner), store, RunOptions(jobs=1)
        )
    with open_store(tmp_path / "alone", migrations=[MIGRATIONS]) as alone:
        assert values(report) == values(run(plan, alone))


def several(store: SqliteStore, folder: Path, count: int = 8) -> Plan:
    """So many goals that take a while, and a store that knows it."""
    draw = Sketch()
    images = [
        draw("trial.linger", draw("trial.ramp", 1.0), LINGER_S + at / 1000)
        for at in range(count)
    ]
    learn(store, draw, folder, LINGER_S)
    return draw.plan(*(draw("trial.total", image) for image in images))


@pytest.mark.slow
def test_what_is_free_for_the_moment_is_claimed_no_sooner_than_what_is_granted(
    store: SqliteStore, tmp_path: Path
) -> None:
    plan = several(store, tmp_path)
    claimed_at_first: list[int] = []

    class Unsharing(Rogue):
        def publish(self, keys: Sequence[NodeKey]) -> None:
            claimed_at_first.append(sum(len(batch) for batch in self.claimed))
            super().publish(keys)

    neighbours = Unsharing(store, lambda claim, tell: tell(Free(claim.key)))
    run_beside(plan, neighbours, store, RunOptions(jobs=1))
    assert sum(len(batch) for batch in neighbours.claimed) >= 8
    assert claimed_at_first[0] <= 5


@pytest.mark.slow
def test_what_others_were_at_is_claimed_again_when_the_way_to_them_broke(
    store: SqliteStore, tmp_path: Path
) -> None:
    plan = several(store, tmp_path)

    class Breaking(Rogue):
        """Seven are held when all that was claimed becomes free at once."""

        is_broken = False

        def claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
            super().claim(claims, answer)
            if sum(len(batch) for batch in self.claimed) == 8 and not self.is_broken:
                self.is_broken = True
                for batch in self.claimed[:]:
                    for claim in batch:
                        self._tell_free(claim.key)

        def _tell_free(self, key: NodeKey) -> None:
            self._later(0.02, lambda _: self._answers[key](Free(key)))

    def say(claim: Claim, tell: Tell) -> None:
        tell(Granted(claim.key) if made[0].is_broken else Held(claim.key, "eve", 9.0))

    made: list[Breaking] = []
    made.append(Breaking(store, say))
    run_beside(plan, made[0], store, RunOptions(jobs=1))
    again = Counter(claim.key for batch in made[0].claimed for claim in batch)
    assert sum(count > 1 for count in again.values()) >= 4
