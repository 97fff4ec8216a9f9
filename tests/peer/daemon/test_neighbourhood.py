"""The state machine of neighbours, under any order of events."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from peer.daemon.inventory import State
from peer.daemon.neighbour import Introduction, Task, Trouble
from peer.daemon.neighbourhood import (
    BANNED_S,
    GONE_S,
    HELLO_S,
    MAX_NEIGHBOURS,
    Neighbourhood,
)
from peer.identity import NodeId

ME, ANNA, BERT = (NodeId(name * 16) for name in "mab")
HERE = b"d" * 32


def said(node_id: NodeId = ANNA, **changes: object) -> Introduction:
    plain = Introduction(node_id, b"b" * 16, statements_digest=HERE)
    return replace(plain, **changes)  # type: ignore[arg-type]


def new() -> Neighbourhood:
    made = Neighbourhood(ME, b"m" * 16)
    made.statements_digest = HERE
    return made


def meet(it: Neighbourhood, now: float, who: Introduction) -> bool:
    return it.answered(now, who, address="10.0.0.1:1", route="seed", rtt_s=0.01)


def test_a_neighbour_is_asked_for_a_hello_every_five_seconds() -> None:
    it = new()
    meet(it, 0.0, said())
    hellos = []
    for tenth in range(300):
        now = tenth / 10
        for task, node_id in it.tick(now):
            if task is Task.HELLO:
                hellos.append(now)
                meet(it, now, said(node_id))
            else:
                it.done(now, node_id, task)
    gaps = [b - a for a, b in pairwise(hellos)]
    assert all(HELLO_S <= gap < HELLO_S + 0.2 for gap in gaps)
    assert len(gaps) >= 4


def test_after_a_machine_was_suspended_everybody_is_met_anew() -> None:
    it = new()
    for who in (ANNA, BERT):
        meet(it, 0.0, said(who))
    it.tick(0.0)  # asks, and then the machine sleeps
    woken = 3600.0
    assert it.live(woken) == {}, "nobody is asked for a run before it is met again"
    assert set(it.tick(woken)) == {(Task.PART, ANNA), (Task.PART, BERT)}
    assert it.is_dialable(woken, ANNA)
    assert meet(it, woken + 1, said())
    assert set(it.live(woken + 1)) == {ANNA}


def test_who_is_refused_knows_it_until_somebody_answers() -> None:
    it = new()
    it.troubled(0.0, ANNA, Trouble.SILENT)
    assert not it.is_turned_away
    it.troubled(0.0, ANNA, Trouble.REFUSED)
    assert it.is_turned_away
    meet(it, 1.0, said(BERT))
    assert not it.is_turned_away


def test_who_is_silent_is_suspect_and_after_fifteen_seconds_gone() -> None:
    it = new()
    meet(it, 0.0, said())
    parted = None
    for tenth in range(0, 400):
        now = tenth / 10
        for task, node_id in it.tick(now):
            if task is Task.PART:
                parted = now
            else:
                it.troubled(now, node_id, Trouble.SILENT, task)
        if 1.0 < now < GONE_S:
            assert it.live(now) == {}
    assert parted is not None
    assert GONE_S < parted < GONE_S + 0.3
    assert it.all() == {}


def test_one_good_hello_ends_suspicion() -> None:
    it = new()
    meet(it, 0.0, said())
    it.troubled(1.0, ANNA, Trouble.SILENT)
    assert it.live(1.0) == {}
    assert (Task.HELLO, ANNA) in it.tick(3.1)
    meet(it, 3.2, said())
    assert set(it.live(3.3)) == {ANNA}


def test_one_late_answer_is_forgiven_and_two_are_not() -> None:
    it = new()
    meet(it, 0.0, said())
    it.troubled(1.0, ANNA, Trouble.LATE)
    assert set(it.live(1.0)) == {ANNA}
    assert (Task.HELLO, ANNA) in it.tick(1.0)
    it.troubled(1.2, ANNA, Trouble.LATE)
    assert it.live(1.2) == {}


def test_a_busy_neighbour_is_not_suspect() -> None:
    it = new()
    meet(it, 0.0, said())
    it.troubled(1.0, ANNA, Trouble.BUSY, Task.PULL)
    assert set(it.live(1.0)) == {ANNA}


def test_who_refuses_us_is_left_alone_for_ten_minutes() -> None:
    for trouble in (Trouble.REFUSED, Trouble.MISMATCH):
        it = new()
        meet(it, 0.0, said())
        it.troubled(1.0, ANNA, trouble, Task.HELLO)
        assert it.tick(1.1) == [(Task.PART, ANNA)]
        assert not it.is_dialable(2.0, ANNA)
        assert it.is_dialable(2.0 + BANNED_S, ANNA)


def test_an_inventory_is_pulled_when_it_moved_on_and_once() -> None:
    it = new()
    there = State(b"i" * 8, 5, 5)
    meet(it, 0.0, said(inventory=there))
    assert (Task.PULL, ANNA) in it.tick(0.1)
    assert (Task.PULL, ANNA) not in it.tick(0.2)
    known = it.get(ANNA)
    assert known is not None
    known.hints.replace(0.3, there, [])
    it.done(0.3, ANNA, Task.PULL)
    assert (Task.PULL, ANNA) not in it.tick(5.0)
    it.told(6.0, ANNA, State(b"i" * 8, 6, 6), HERE, 0)
    assert (Task.PULL, ANNA) in it.tick(6.1)


def test_statements_are_asked_for_when_they_differ_and_once() -> None:
    it = new()
    other = b"o" * 32
    meet(it, 0.0, said(statements_digest=other))
    assert (Task.SYNC, ANNA) in it.tick(0.1)
    it.done(0.2, ANNA, Task.SYNC)
    assert (Task.SYNC, ANNA) not in it.tick(10.0)  # it lacks ours, and will ask
    it.statements_digest = b"n" * 32
    assert (Task.SYNC, ANNA) in it.tick(10.1)


def test_keys_of_a_new_epoch_are_asked_for_at_once() -> None:
    it = new()
    meet(it, 0.0, said())
    it.tick(0.7)
    meet(it, 0.8, said())
    it.told(1.0, ANNA, State(), HERE, 1)
    assert (Task.HELLO, ANNA) in it.tick(1.0)


def test_two_boot_ids_that_alternate_are_a_cloned_identity() -> None:
    it = new()
    meet(it, 0.0, said(boot_id=b"1" * 16))
    meet(it, 1.0, said(boot_id=b"2" * 16))
    assert it.clones() == frozenset()  # a restart
    meet(it, 2.0, said(boot_id=b"1" * 16))
    assert it.clones() == {ANNA}


def test_somebody_else_with_our_identity_is_a_clone_and_no_neighbour() -> None:
    it = new()
    assert not meet(it, 0.0, said(ME, boot_id=b"m" * 16))
    assert it.clones() == frozenset()
    assert not meet(it, 0.0, said(ME, boot_id=b"x" * 16))
    assert it.clones() == {ME}
    assert it.all() == {}


def test_there_are_never_more_neighbours_than_the_limit() -> None:
    it = new()
    for number in range(MAX_NEIGHBOURS + 10):
        meet(it, 0.0, said(NodeId(f"{number:016d}")))
    assert len(it.all()) == MAX_NEIGHBOURS
    assert not it.is_dialable(0.0, BERT)


def test_referrals_are_live_neighbours_but_not_the_asker() -> None:
    it = new()
    meet(it, 0.0, said(ANNA))
    meet(it, 0.0, said(BERT))
    assert it.referrals(1.0, ANNA) == [(BERT, ("10.0.0.1:1",))]


@dataclass
class World:
    """A neighbour that may or may not answer, and a machine that runs its tasks."""

    it: Neighbourhood = field(default_factory=new)
    now: float = 0.0
    running: list[tuple[Task, NodeId]] = field(default_factory=list)


events = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.floats(0.01, 20)),
        st.tuples(st.just("good"), st.integers(0, 5)),
        st.tuples(st.just("bad"), st.sampled_from(list(Trouble))),
        st.tuples(st.just("meet"), st.sampled_from([ANNA, BERT, ME])),
        st.tuples(st.just("told"), st.integers(0, 9)),
        st.tuples(st.just("drop"), st.sampled_from([ANNA, BERT])),
    ),
    max_size=60,
)


@given(events)
@settings(max_examples=100)
def test_any_order_of_events_keeps_the_invariants(
    schedule: list[tuple[str, object]],
) -> None:
    world = World()
    for name, detail in schedule:
        _happen(world, name, detail)
        for due in world.it.tick(world.now):
            assert due not in world.running or due[0] is Task.PART
            if due[0] is Task.PART:
                world.running = [each for each in world.running if each[1] != due[1]]
            else:
                world.running.append(due)
        live = world.it.live(world.now)
        assert ME not in world.it.all()
        assert set(live) <= set(world.it.all())
        assert all(world.now - each.answered <= GONE_S for each in live.values())
        assert all(not world.it.is_dialable(world.now, each) for each in live)
    # Left alone, and silent, everybody is gone in the end.
    for _ in range(60):
        world.now += 1.0
        for task, node_id in world.it.tick(world.now):
            if task is not Task.PART:
                world.it.troubled(world.now, node_id, Trouble.SILENT, task)
    assert world.it.all() == {}


def _happen(world: World, name: str, detail: object) -> None:
    it, now = world.it, world.now
    if name == "pass":
        assert isinstance(detail, float)
        world.now += detail
    elif name == "meet":
        meet(it, now, said(detail))  # type: ignore[arg-type]
        world.running = [each for each in world.running if each != (Task.HELLO, detail)]
    elif name == "told":
        assert isinstance(detail, int)
        it.told(now, ANNA, State(b"i" * 8, detail, detail), HERE, detail)
    elif name == "drop":
        it.drop(now, detail)  # type: ignore[arg-type]
    elif world.running:
        task, node_id = world.running.pop(0)
        if name == "bad":
            it.troubled(now, node_id, detail, task)  # type: ignore[arg-type]
        elif task is Task.HELLO:
            meet(it, now, said(node_id))
        else:
            it.done(now, node_id, task)
