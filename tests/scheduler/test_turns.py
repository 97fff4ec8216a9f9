"""Whose turn it is, and how long a run waits; times are made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.neighbours import Arrived, ClaimAnswer, Free, Granted, Held
from scheduler.patience import LEAST_S, PATIENCE_S, PATIENCE_SHARE, Patience
from scheduler.turns import AHEAD_S, MORE, SLOW_S, Move, Turns
from store import NodeKey


def key(number: int) -> NodeKey:
    return NodeKey(number.to_bytes(32))


A, B, C = key(1), key(2), key(3)


@pytest.fixture
def patience() -> Patience:
    return Patience(0.0)


@pytest.fixture
def turns(patience: Patience) -> Turns:
    return Turns(patience, slots=1)


def held(node: NodeKey, left_s: float = 1.0) -> Held:
    return Held(node, "ada", left_s)


# ---- what goes out ----------------------------------------------------------


def test_nothing_is_claimed_before_a_slot_is_near(turns: Turns) -> None:
    assert not turns.may_ask(0, 0.0)
    assert turns.may_ask(1, 0.0)


def test_one_claim_is_enough_for_a_slot_that_it_fills(turns: Turns) -> None:
    turns.ask(A, AHEAD_S, 0.0)
    assert not turns.may_ask(1, 0.0)


def test_of_short_nodes_some_more_are_claimed(turns: Turns) -> None:
    for number in range(1 + MORE):
        assert turns.may_ask(1, 0.0)
        turns.ask(key(number), 0.02, 0.0)
    assert not turns.may_ask(1, 0.0)


def test_a_slow_answer_keeps_nothing_else_from_being_claimed(turns: Turns) -> None:
    turns.ask(A, 1.0, 0.0)
    assert turns.next_slow(0.0) == SLOW_S
    assert turns.may_ask(1, SLOW_S)
    turns.ask(B, 1.0, SLOW_S)
    turns.ask(C, 1.0, SLOW_S)
    assert not turns.may_ask(1, 10.0)  # never more than slots and two


def test_what_others_are_at_does_not_count(turns: Turns) -> None:
    turns.ask(A, 1.0, 0.0)
    turns.answer(held(A), 0.0)
    assert turns.may_ask(1, 0.0)


def test_what_was_granted_and_not_started_counts(turns: Turns) -> None:
    turns.ask(A, 1.0, 0.0)
    turns.answer(Granted(A), 0.0)
    assert not turns.may_ask(1, 10.0)
    turns.start(A, 10.0)
    assert turns.may_ask(1, 10.0)


# ---- what is answered -------------------------------------------------------


@pytest.mark.parametrize("answer", [Granted(A), Free(A)])
def test_what_is_granted_or_free_starts(turns: Turns, answer: ClaimAnswer) -> None:
    turns.ask(A, 1.0, 0.0)
    assert turns.answer(answer, 0.0) is Move.START
    assert turns.answer(answer, 0.0) in (Move.GO_ON, Move.IGNORE)


def test_what_nobody_claimed_is_ignored(turns: Turns) -> None:
    for answer in (Granted(A), held(A), Free(A), Arrived(A, "ada", 0.0)):
        assert turns.answer(answer, 0.0) is Move.IGNORE
    turns.start(A, 0.0)
    turns.took(A, 0.0)
    assert turns.missed(A, 0.0) is Move.IGNORE
    assert not turns.end(A)
    assert len(turns) == 0


def test_what_was_granted_and_not_begun_may_go_to_somebody_else(turns: Turns) -> None:
    turns.ask(A, 1.0, 0.0)
    assert turns.answer(Granted(A), 0.1) is Move.START
    assert turns.answer(held(A), 0.2) is Move.WAIT
    assert not turns.may_start(A)
    assert turns.answer(Granted(A), 0.3) is Move.START
    turns.start(A, 0.4)
    assert turns.answer(held(A), 0.5) is Move.GO_ON


def test_a_holder_is_waited_for(turns: Turns) -> None:
    turns.ask(A, 1.0, 0.0)
    assert turns.answer(held(A), 0.0) is Move.WAIT
    assert turns.is_waiting
    assert turns.waited(A, 0.5) == ("ada", 0.5)
    assert turns.answer(Granted(A), 0.7) is Move.START
    assert turns.waited(A, 9.0) == ("ada", 0.7)


def test_a_result_is_used_in_whatever_state(turns: Turns) -> None:
    for number in range(4):
        turns.ask(key(number), 1.0, 0.0)
    turns.answer(held(key(1)), 0.0)
    turns.answer(Granted(key(2)), 0.0)
    turns.start(key(3), 0.0)
    for number in range(4):
        assert turns.answer(Arrived(key(number), "ada", 0.0), 0.1) is Move.USE
        turns.took(key(number), 0.1)
    assert len(turns) == 0


def test_a_result_that_is_not_there_is_computed(turns: Turns) -> None:
    turns.ask(A, 1.0, 0.0)
    assert turns.answer(Arrived(A, "ada", 0.0), 0.0) is Move.USE
    assert turns.missed(A, 0.0) is Move.START
    turns.ask(B, 1.0, 0.0)
    assert turns.answer(Arrived(B, "", 0.0), 0.0) is Move.START


def test_a_hedge_is_known_as_one(turns: Turns) -> None:
    turns.ask(A, 1.0, 0.0)
    turns.answer(Granted(A, is_hedge=True), 0.0)
    assert turns.cause(A) == "hedge"


# ---- waiting ----------------------------------------------------------------


def test_silence_costs_patience_and_then_the_node_begins(
    turns: Turns, patience: Patience
) -> None:
    turns.ask(A, 1.0, 0.0)
    assert turns.is_silent(0.0)
    assert turns.wait_s(0.0) == PATIENCE_S
    assert turns.overdue(0.4, 1) == []
    turns.spend(0.6, 0.6)
    assert patience.left_s(0.6) < 0
    assert turns.overdue(0.6, 0) == []
    assert turns.overdue(0.6, 1) == [A]
    assert turns.cause(A) == "no_answer"
    assert not turns.is_waiting
    assert turns.answer(Granted(A), 0.7) is Move.GO_ON


def test_a_holder_is_believed_as_long_as_it_first_said(
    turns: Turns, patience: Patience
) -> None:
    turns.ask(A, 10.0, 0.0)
    turns.answer(held(A, 1.0), 0.0)
    turns.answer(held(A, 5.0), 0.5)
    over = 1.0 + AHEAD_S
    assert turns.wait_s(0.5) == over - 0.5
    turns.spend(over, over)
    assert patience.left_s(0.0) == PATIENCE_S
    assert turns.is_silent(over)
    assert turns.wait_s(over) == patience.left_s(over)


def test_nobody_is_believed_longer_than_the_node_takes_here(turns: Turns) -> None:
    turns.ask(A, 2.0, 0.0)
    turns.answer(held(A, 3600.0), 0.0)
    assert turns.wait_s(0.0) == 2.0 + AHEAD_S


def test_a_wait_that_ends_with_the_result_costs_nothing(
    turns: Turns, patience: Patience
) -> None:
    turns.ask(A, 2.0, 0.0)
    turns.answer(held(A, 2.0), 0.0)
    turns.spend(1.9, 1.9)
    turns.answer(Arrived(A, "ada", 0.0), 1.9)
    turns.took(A, 1.9)
    assert patience.left_s(0.0) == PATIENCE_S


def test_a_result_makes_good_no_more_than_it_spares(
    turns: Turns, patience: Patience
) -> None:
    """Else every short node that a slow machine holds would cost a moment for free."""
    turns.ask(A, 0.1, 0.0)
    turns.answer(held(A, 0.5), 0.0)
    over = 0.1 + AHEAD_S
    turns.spend(over, over)
    turns.answer(Arrived(A, "ada", 0.0), over)
    turns.took(A, over)
    assert patience.left_s(0.0) == pytest.approx(PATIENCE_S - AHEAD_S)


def test_results_that_come_together_make_one_wait_good(
    turns: Turns, patience: Patience
) -> None:
    for node in (A, B):
        turns.ask(node, 1.0, 0.0)
        turns.answer(held(node, 2.0), 0.0)
    turns.spend(1.2, 1.2)
    for node in (A, B):
        turns.took(node, 1.2)
    assert patience.left_s(0.0) == PATIENCE_S


@pytest.mark.parametrize("end", [Granted(A), Free(A), None])
def test_a_wait_in_vain_is_paid_afterwards(
    turns: Turns, patience: Patience, end: ClaimAnswer | None
) -> None:
    turns.ask(A, 2.0, 0.0)
    turns.answer(held(A, 2.0), 0.0)
    turns.spend(2.0, 2.0)
    if end is None:
        turns.spend(AHEAD_S, 2.0 + AHEAD_S)
        turns.spend(0.7, 3.0)
        assert turns.overdue(3.0, 1) == [A]
        assert turns.cause(A) == "held_too_long"
    else:
        turns.answer(end, 2.0)
    assert patience.left_s(0.0) <= PATIENCE_S - 2.0


def test_with_less_than_nothing_nobody_is_waited_for(
    turns: Turns, patience: Patience
) -> None:
    patience.spend(3.0, is_promised=False)
    turns.ask(A, 2.0, 0.0)
    turns.answer(held(A, 2.0), 0.0)
    turns.ask(B, 2.0, 0.0)
    assert turns.wait_s(0.0) == 0
    assert turns.overdue(0.0, 1) == [B]  # nobody is known to be at it
    assert turns.overdue(0.0, 5) == [A]


def test_one_idle_time_is_paid_once(turns: Turns, patience: Patience) -> None:
    for node in (A, B):
        turns.ask(node, 2.0, 0.0)
        turns.answer(held(node, 2.0), 0.0)
    turns.spend(2.0, 2.0)
    turns.answer(Granted(A), 2.0)
    turns.answer(Granted(B), 2.0)
    assert patience.left_s(0.0) == pytest.approx(PATIENCE_S - 2.0)


def test_without_patience_what_should_have_come_begins_and_the_rest_is_believed(
    turns: Turns,
) -> None:
    for node, estimate_s, left_s in ((A, 9.0, 9.0), (B, 2.0, 0.1), (C, 1.0, 0.1)):
        turns.ask(node, estimate_s, 0.0)
        turns.answer(held(node, left_s), 0.0)
    turns.spend(0.4, 0.4)
    turns.spend(0.56, 0.97)
    assert turns.overdue(0.97, 0) == []
    assert turns.overdue(0.97, 1) == [C]  # the cheaper one


def test_with_clearly_less_than_none_nobody_is_believed(
    turns: Turns, patience: Patience
) -> None:
    patience.spend(3.0, is_promised=False)
    for node, left_s in ((A, 1.0), (B, 9.0), (C, 5.0)):
        turns.ask(node, 10.0, 0.0)
        turns.answer(held(node, left_s), 0.0)
    assert turns.overdue(0.0, 2) == [B, C]  # what takes others longest


def test_a_grant_without_a_slot_in_sight_is_handed_back(turns: Turns) -> None:
    turns.ask(A, 2.0, 0.0)
    turns.ask(B, 0.1, 0.0, rank=1)
    turns.answer(Granted(A), 0.0)
    turns.answer(Granted(B), 0.0)
    turns.start(A, 0.0)
    assert turns.surplus(1) == []
    assert turns.surplus(0) == [B]
    assert B not in turns
    assert turns.surplus(0) == []


def test_of_equal_waits_that_begins_which_this_machine_comes_first_for(
    turns: Turns, patience: Patience
) -> None:
    patience.spend(3.0, is_promised=False)
    for node, rank in ((A, 2), (B, 0), (C, 1)):
        turns.ask(node, 1.0, 0.0, rank)
        turns.answer(held(node), 0.0)
    assert turns.overdue(0.0, 3) == [B, C, A]


# ---- what was begun without a grant ------------------------------------------


def begun(turns: Turns, patience: Patience, estimate_s: float = 10.0) -> None:
    patience.spend(PATIENCE_S, is_promised=False)
    turns.ask(A, estimate_s, 0.0)
    assert turns.overdue(0.0, 1) == [A]


def test_it_is_left_to_a_holder_if_the_run_can_afford_it(
    turns: Turns, patience: Patience
) -> None:
    begun(turns, patience)
    patience.pay_back(PATIENCE_S)
    assert turns.answer(held(A), 0.2) is Move.ABANDON
    assert patience.left_s(0.0) == pytest.approx(PATIENCE_S - 0.2)
    assert turns.is_waiting
    patience.spend(9.0, is_promised=False)
    assert turns.overdue(0.3, 1) == [A]
    assert turns.answer(held(A), 0.4) is Move.GO_ON  # once is enough


def test_without_patience_it_goes_on(turns: Turns, patience: Patience) -> None:
    begun(turns, patience)
    assert turns.answer(held(A), 0.2) is Move.GO_ON


def test_well_on_its_way_it_goes_on(turns: Turns, patience: Patience) -> None:
    begun(turns, patience, 1.0)
    patience.pay_back(PATIENCE_S)
    assert turns.answer(held(A), 0.31) is Move.GO_ON


# ---- whatever others say ------------------------------------------------------

KEYS = [key(number) for number in range(6)]
ESTIMATE_S = 2.0
SAID = st.one_of(
    st.builds(Granted, st.sampled_from(KEYS), st.booleans()),
    st.builds(Free, st.sampled_from(KEYS)),
    st.builds(
        Held,
        st.sampled_from(KEYS),
        st.just("eve"),
        st.floats(allow_nan=True, allow_infinity=True),
    ),
    st.builds(
        Arrived, st.sampled_from(KEYS), st.sampled_from(["", "eve"]), st.just(0.0)
    ),
)


@given(st.lists(st.tuples(st.floats(0.0, 1.0), SAID), max_size=60), st.integers(1, 3))
def test_whatever_is_said_costs_patience_and_one_wait(
    said: list[tuple[float, ClaimAnswer]], slots: int
) -> None:
    """A run with nothing to do but six nodes, and neighbours who only talk."""
    patience = Patience(0.0)
    turns = Turns(patience, slots)
    now = idle_s = 0.0
    running: dict[NodeKey, float] = {}
    todo = list(KEYS)
    ready: list[NodeKey] = []
    done: set[NodeKey] = set()
    events = iter(said)
    wait_s, answer = next(events, (1.0, None))
    next_s = now + wait_s
    for _ in range(2000):
        if len(done) == len(KEYS):
            break
        while todo and turns.may_ask(slots - len(running), now):
            turns.ask(todo.pop(0), ESTIMATE_S, now)
        while ready and len(running) < slots:
            node = ready.pop(0)
            if node not in turns or turns.may_start(node):
                turns.start(node, now)
                running[node] = now + ESTIMATE_S
        for node in turns.surplus(slots - len(running)):
            ready.remove(node)
            todo.append(node)
        is_starved = len(running) < slots and not ready
        due = min([next_s, *running.values()])
        if is_starved and turns.is_waiting:
            due = min(due, now + turns.wait_s(now))
        if is_starved and todo and (slow := turns.next_slow(now)) is not None:
            due = min(due, now + slow)
        span = max(0.0, due - now)
        now = max(due, now)
        if is_starved and turns.is_waiting:
            turns.spend(span, now, slots - len(running))
            idle_s += span if not running else 0.0
        for node in [node for node, end in running.items() if end <= now]:
            del running[node]
            turns.end(node)
            done.add(node)
        if now >= next_s:
            if answer is not None:
                move = turns.answer(answer, now)
                if move is Move.USE:
                    move = turns.missed(answer.key, now)
                if move is Move.START:
                    ready.append(answer.key)
                elif move is Move.ABANDON:
                    running.pop(answer.key, None)
            wait_s, answer = next(events, (1.0, None))
            next_s = now + wait_s
        if len(running) < slots and not ready:
            ready += turns.overdue(now, slots - len(running))
    assert done == set(KEYS)
    assert not turns.is_waiting
    most_s = PATIENCE_S + PATIENCE_SHARE * now + ESTIMATE_S + AHEAD_S + LEAST_S
    assert idle_s <= most_s + 1e-6
