"""What runs do that want the same nodes at the same time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from primitives.context import Context
from primitives.formats.write import write_value
from scheduler import (
    MIGRATIONS,
    Arrived,
    InterruptedRunError,
    Neighbours,
    OnArrived,
    Progress,
    RunOptions,
    RunReport,
    claiming,
    explain_result,
    run_plan,
)
from scheduler.cost import load_rates, save_rates
from scheduler.neighbours import Claim, Granted, Held, OnClaimed
from scheduler.plan import Plan
from scheduler.turns import AHEAD_S
from store import Found, NodeKey, SqliteStore, open_store

from .lab import Lab, Member
from .neighbourhood import StoreNeighbours, bring
from .rogues import ROGUES, Rogue, Tell, held_for_ever, silent
from .sketch import Sketch, _Node, ramp, run, trial_registry, values

SLACK_S = 3.0
"""What a busy machine may add to a measured time."""

LINGER_S = 0.1

Rates: TypeAlias = list[tuple[str, int, float, int]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "programs"
    made.mkdir()
    write_cases(made)
    return made


def write_cases(folder: Path) -> None:
    for number in (1, 2):
        write_value(ramp(Context(), float(number)), folder / f"case{number}.nii")


@pytest.fixture(scope="module")
def rates(tmp_path_factory: pytest.TempPathFactory) -> Rates:
    """What a run learns of how long lingering takes."""
    folder = tmp_path_factory.mktemp("learning")
    write_cases(folder)
    draw = Sketch()
    image = draw("load", "case2.nii")
    lingered = draw("trial.linger", image, LINGER_S)
    stumbled = draw("trial.stumble", image, LINGER_S)
    goals = (draw("trial.total", each) for each in (lingered, stumbled))
    store = open_store(folder / "store", migrations=[MIGRATIONS])
    run(draw.plan(*goals), store, directory=folder)
    with store.database.read() as connection:
        found = load_rates(connection)
    store.close()
    return found


@pytest.fixture
def stores(tmp_path: Path, rates: Rates) -> Iterator[list[SqliteStore]]:
    """Four stores whose runs know how long lingering takes."""
    with ExitStack() as stack:
        opened = []
        for number in range(4):
            path = tmp_path / f"store{number}"
            opened.append(open_store(path, migrations=[MIGRATIONS]))
            stack.callback(opened[-1].close)
            opened[-1].database.write(lambda c: save_rates(c, rates)).result()
        yield opened


@pytest.fixture
def lab() -> Iterator[Lab]:
    made = Lab()
    yield made
    made.join()


def lingering(draw: Sketch, seconds: float = LINGER_S) -> _Node:
    return draw("trial.linger", draw("load", "case1.nii"), seconds)


def wide(count: int = 8) -> Plan:
    """So many goals, each of a costly image that is no goal."""
    draw = Sketch()
    images = [lingering(draw, LINGER_S + at / 1000) for at in range(count)]
    return draw.plan(*(draw("trial.total", image) for image in images))


def deep(levels: int = 4) -> Plan:
    """Costly images, each of the one before."""
    draw = Sketch()
    image = lingering(draw)
    for _ in range(levels - 1):
        image = draw("trial.linger", image, LINGER_S)
    return draw.plan(draw("trial.total", image))


class Machine:
    """A store and a folder to run plans in."""

    def __init__(self, store: SqliteStore, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.progress = Progress()

    def run(
        self,
        plan: Plan,
        neighbours: Neighbours | None = None,
        options: RunOptions | None = None,
    ) -> RunReport:
        return run_plan(
            plan,
            store=self.store,
            registry=trial_registry(),
            options=options or RunOptions(jobs=1),
            directory=self.folder,
            neighbours=neighbours,
            progress=self.progress,
            program="trial",
        )

    def executed(self, primitive: str = "trial.linger") -> Counter[bytes]:
        """Return how often each node of a primitive was computed."""
        with self.store.database.read() as connection:
            rows = connection.execute(
                "SELECT key FROM node_runs JOIN runs USING (run_id)"
                " WHERE how = 'computed' AND primitive = ? AND program = 'trial'",
                (primitive,),
            ).fetchall()
        return Counter(key for (key,) in rows)


@pytest.fixture
def machines(stores: list[SqliteStore], folder: Path) -> list[Machine]:
    return [Machine(store, folder) for store in stores]


def together(calls: Sequence[Callable[[], RunReport]]) -> list[RunReport]:
    """Make calls at the same time, each in a thread of its own."""
    reports: dict[int, RunReport] = {}

    def make(number: int) -> None:
        reports[number] = calls[number]()

    threads = [threading.Thread(target=make, args=(at,)) for at in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [reports[at] for at in range(len(calls))]


def run_together(lab: Lab, machines: Sequence[Machine], plan: Plan) -> list[RunReport]:
    members = [
        lab.member(f"m{at}", machine.store) for at, machine in enumerate(machines)
    ]
    return together(
        [
            lambda machine=machine, member=member: machine.run(plan, member)  # type: ignore[misc]
            for machine, member in zip(machines, members, strict=True)
        ]
    )


def executions(machines: Sequence[Machine]) -> Counter[bytes]:
    return sum((machine.executed() for machine in machines), Counter())


# ---- honest neighbours ------------------------------------------------------


def looping(count: int = 8) -> Plan:
    draw = Sketch()
    body = draw.function(
        draw(
            "trial.total",
            draw("trial.linger", draw("load", "case1.nii"), draw.variable()),
        )
    )
    items = draw("sequence", *(LINGER_S + at / 1000 for at in range(count)))
    return draw.plan(draw.fold("+", draw("map", items, body)))


@pytest.mark.slow
@pytest.mark.parametrize("plan", [wide(), looping()], ids=["wide", "loop"])
@pytest.mark.parametrize("count", [2, 4])
def test_runs_at_the_same_time_execute_every_node_once(
    count: int, plan: Plan, lab: Lab, machines: list[Machine]
) -> None:
    reports = run_together(lab, machines[:count], plan)
    expected = values(machines[0].run(plan))
    assert all(values(report) == expected for report in reports)
    counts = executions(machines[:count])
    assert (len(counts), set(counts.values())) == (8, {1})
    assert all(not report.progress.held_elsewhere for report in reports)
    assert not lab.held
    assert [each for member in lab.members for each in member.begun] == []


@pytest.mark.slow
def test_a_chain_is_computed_once_however_many_want_it(
    lab: Lab, machines: list[Machine]
) -> None:
    reports = run_together(lab, machines[:2], deep())
    assert values(reports[0]) == values(reports[1])
    assert set(executions(machines[:2]).values()) == {1}
    assert sum(report.progress.waited_s for report in reports) > 0


def test_what_is_granted_is_kept_whatever_the_policy(
    lab: Lab, machines: list[Machine]
) -> None:
    member = lab.member("m0", machines[0].store)
    lab.member("m1", machines[1].store)
    machines[0].run(wide(1), member, RunOptions(jobs=1, store_policy="goals"))
    (key,) = machines[0].executed()
    assert machines[0].store.lookup([NodeKey(key)])
    assert not lab.held


def test_cheap_nodes_files_and_loops_are_not_claimed(
    lab: Lab, machines: list[Machine]
) -> None:
    draw = Sketch()
    image = draw("load", "case1.nii")
    body = draw.function(draw("trial.linger", image, draw.variable()))
    loop = draw("map", draw("sequence", 0.1, 0.12), body)
    mask = draw("trial.at_least", image, 3.0)
    draw_total = draw("trial.total", draw("trial.masked", mask, image))
    member = lab.member("m0", machines[0].store)
    machines[0].run(draw.plan(draw("length", loop), draw_total), member)
    claimed = {claim.key for batch in member.claimed for claim in batch}
    assert claimed == machines[0].executed().keys()
    assert len(claimed) == 2


def test_nothing_is_claimed_without_cache(lab: Lab, machines: list[Machine]) -> None:
    member = lab.member("m0", machines[0].store)
    machines[0].run(wide(1), member, RunOptions(jobs=1, use_cache=False))
    assert member.claimed == []


def test_little_is_claimed_ahead(lab: Lab, machines: list[Machine]) -> None:
    member = lab.member("m0", machines[0].store)
    machines[0].run(wide(4), member)
    assert max(len(batch) for batch in member.claimed) <= 3
    assert sum(len(batch) for batch in member.claimed) == 4


# ---- failures ---------------------------------------------------------------


def stumbling() -> Plan:
    draw = Sketch()
    stumbled = draw("trial.stumble", draw("load", "case1.nii"), -LINGER_S)
    return draw.plan(draw("trial.total", stumbled))


class Finishing(Member):
    """Somebody else finishes everything as soon as the first node is claimed.

    Attributes:
        finished: what that is.
        fetched: what was fetched without having been claimed.
    """

    finished: Collection[bytes] = ()
    fetched: Sequence[NodeKey] = ()

    def fetch(
        self, keys: Sequence[NodeKey], answer: OnArrived, spares_s: Sequence[float] = ()
    ) -> None:
        self.fetched = [*self.fetched, *keys]
        super().fetch(keys, answer, spares_s)

    def claim(self, claims: Sequence[Claim], answer: OnClaimed) -> None:
        super().claim(claims, answer)
        others = [each for each in self.lab.members if each is not self]
        for other in others:
            keys = [NodeKey(key) for key in self.finished if key != claims[0].key]
            other.publish(keys)


@pytest.mark.slow
def test_what_others_finish_meanwhile_is_fetched_before_its_turn_comes(
    lab: Lab, machines: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming, "AGAIN_S", 0.02)
    monkeypatch.setattr(claiming, "AHEAD_S", 0.0)
    plan = wide(30)
    machines[1].run(plan)
    lab.member("other", machines[1].store)
    member = Finishing(lab, "here", machines[0].store)
    lab.members.append(member)
    member.finished = machines[1].executed()
    report = machines[0].run(plan, member)
    assert values(report) == values(machines[1].run(plan))
    claimed = {claim.key for batch in member.claimed for claim in batch}
    assert set(member.fetched) - claimed


@pytest.mark.slow
def test_a_failure_is_found_out_by_everybody_alone(
    lab: Lab, machines: list[Machine]
) -> None:
    reports = run_together(lab, machines[:2], stumbling())
    for report in reports:
        failure = report.goals[0].failure
        assert failure is not None
        assert "stumbled" in failure.message
        assert report.progress.failed == 1
    assert not lab.held


def test_a_run_that_is_stopped_holds_nothing(lab: Lab, machines: list[Machine]) -> None:
    member = lab.member("m0", machines[0].store)
    with pytest.raises(InterruptedRunError):
        machines[0].run(wide(8), member, RunOptions(jobs=1, timeout_s=0.15))
    assert not lab.held


# ---- neighbours of whom nothing can be expected ------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("plan", [wide(6), deep(6)], ids=["wide", "deep"])
@pytest.mark.parametrize("say", ROGUES)
def test_a_rogue_costs_a_bounded_moment_and_no_truth(
    say: Callable[[Claim, Tell], None], plan: Plan, machines: list[Machine]
) -> None:
    started = time.monotonic()
    alone = machines[0].run(plan)
    alone_s = time.monotonic() - started
    rogue = Rogue(machines[1].store, say)
    started = time.monotonic()
    report = machines[1].run(plan, rogue)
    took_s = time.monotonic() - started
    rogue.join()
    assert values(report) == values(alone)
    assert took_s <= 1.2 * alone_s + 0.5 + LINGER_S + SLACK_S
    assert len(machines[1].executed()) == 6


def test_answers_after_a_release_are_no_matter(machines: list[Machine]) -> None:
    rogue = Rogue(
        machines[0].store,
        held_for_ever,
        after_release=lambda key: (
            Granted(key),
            Held(key, "eve", 1.0),
            Arrived(key, "eve", 0.0),
        ),
    )
    with pytest.raises(InterruptedRunError):
        machines[0].run(wide(20), rogue, RunOptions(jobs=1, timeout_s=0.5))
    rogue.join()
    assert len(rogue.released) >= 1


# ---- why nodes are computed all the same -------------------------------------


@pytest.mark.slow
def test_what_was_not_waited_for_says_why(machines: list[Machine]) -> None:
    for machine, say, reason in (
        (machines[0], silent, "no_answer"),
        (machines[1], held_for_ever, "held_too_long"),
    ):
        rogue = Rogue(machine.store, say)
        progress = machine.run(wide(1), rogue).progress
        rogue.join()
        assert progress.executed_because[reason] == 1
        assert rogue.begun == list(machine.executed())
        assert sum(progress.executed_because.values()) == progress.executed


def test_a_hedge_says_so(machines: list[Machine]) -> None:
    rogue = Rogue(
        machines[0].store, lambda claim, tell: tell(Granted(claim.key, is_hedge=True))
    )
    progress = machines[0].run(wide(1), rogue).progress
    rogue.join()
    assert progress.executed_because["hedge"] == 1


@pytest.mark.slow
def test_it_is_told_who_was_waited_for(lab: Lab, machines: list[Machine]) -> None:
    run_together(lab, machines[:2], deep())
    told = []
    for machine in machines[:2]:
        explained = explain_result(machine.store, "0")
        assert explained is not None
        told += [
            (node.how, node.waited_for) for node in explained.nodes if node.waited_for
        ]
    assert told
    assert {how for how, _ in told} == {"peer"}
    assert {name for _, name in told} <= {"m0", "m1"}


# ---- the order of work -------------------------------------------------------


class Ranking(StoreNeighbours):
    """Places this machine last for the nodes that come first, and so on."""

    def ranks(self, keys: Sequence[NodeKey]) -> list[int]:
        return [len(keys) - at for at in range(len(keys))]


@pytest.mark.slow
def test_work_begins_with_what_this_machine_comes_first_for(
    machines: list[Machine],
) -> None:
    ranking = Ranking(machines[0].store, machines[0].store)
    machines[0].run(wide(6), ranking)
    ranking.join()
    keys = [claim.key for batch in ranking.claimed for claim in batch]
    in_order = StoreNeighbours(machines[1].store, machines[1].store)
    machines[1].run(wide(6), in_order)
    in_order.join()
    expected = [claim.key for batch in in_order.claimed for claim in batch]
    assert keys == expected[::-1]


@pytest.mark.slow
def test_a_sequential_run_keeps_to_the_program(machines: list[Machine]) -> None:
    ranking = Ranking(machines[0].store, machines[0].store)
    options = RunOptions(execution_engine="sequential")
    machines[0].run(wide(3), ranking, options)
    ranking.join()
    plain = StoreNeighbours(machines[1].store, machines[1].store)
    machines[1].run(wide(3), plain)
    plain.join()
    orders = [
        [claim.key for batch in each.claimed for claim in batch]
        for each in (ranking, plain)
    ]
    assert orders[0] == orders[1]


@pytest.mark.slow
def test_other_work_is_done_while_somebody_is_at_it(machines: list[Machine]) -> None:
    first: list[NodeKey] = []

    def say(claim: Claim, tell: Tell) -> None:
        if not first:
            first.append(claim.key)
            tell(Held(claim.key, "eve", 0.3))
        else:
            tell(Granted(claim.key))

    rogue = Rogue(machines[0].store, say)
    progress = machines[0].run(wide(4), rogue).progress
    rogue.join()
    assert progress.executed_because["held_too_long"] == 1
    assert rogue.begun == first
    # While the others were computed nobody was waited for.
    assert progress.waited_s < 0.5 + LINGER_S + AHEAD_S


@pytest.mark.slow
def test_a_result_that_comes_stops_the_job(machines: list[Machine]) -> None:
    machines[1].run(wide(1))

    class Late(Rogue):
        def begin(self, keys: Sequence[NodeKey]) -> None:
            super().begin(keys)
            for key in keys:
                hit = machines[1].store.lookup([key])[key]
                self._later(0.02, self._bringing(key, hit))

        def _bringing(self, key: NodeKey, hit: Found) -> Callable[[bool], None]:
            def bring_it(_is_closed: bool) -> None:
                bring(hit, machines[1].store, machines[0].store)
                self._answers[key](Arrived(key, "ada", 0.01))

            return bring_it

    late = Late(machines[0].store, silent)
    progress = machines[0].run(wide(1), late).progress
    late.join()
    assert progress.from_peers == 1
    assert late.begun
    assert not machines[0].executed()
