"""The parts of the daemon that decide by themselves."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from peer.daemon.inventory import State
from peer.daemon.libraries import difference
from peer.daemon.listening import announced_on
from peer.daemon.locating import FIRST_BYTES_PER_S, Speeds
from peer.daemon.options import DaemonOptions
from peer.daemon.quota import MOST_BYTES, Quota, default_limit_bytes
from peer.daemon.shared import MAX_ADVERTISED, Row, Rule, Shared
from peer.identity import NodeId
from tests.peer.daemon.harness import key_of

ANNA, BERT = NodeId("a" * 16), NodeId("b" * 16)


def row(number: int, total: int = 100, cost_s: float = 1.0, **flags: bool) -> Row:
    return Row(
        key_of(number),
        total,
        cost_s,
        cost_s,
        is_ours=flags.get("is_ours", True),
        reveals_input=flags.get("reveals_input", False),
    )


def test_the_rule_lets_goals_out_whatever_they_cost() -> None:
    cheap = row(1, cost_s=0.0)
    for share in ("worth", "goals", "all"):
        assert Rule(share, share_inputs=False).allows(cheap, is_goal=True)
    assert not Rule("none", share_inputs=False).allows(cheap, is_goal=True)
    assert not Rule("worth", share_inputs=False).allows(cheap, is_goal=False)


def test_the_rule_keeps_what_shows_an_input_even_if_it_is_a_goal() -> None:
    shown = row(1, reveals_input=True)
    assert not Rule("all", share_inputs=False).allows(shown, is_goal=True)
    assert Rule("all", share_inputs=True).allows(shown, is_goal=True)


@given(
    total=st.integers(0, 2**50),
    cost_s=st.floats(0, 1e9),
    is_goal=st.booleans(),
)
def test_what_is_shared_is_located_with_its_length_and_cost(
    total: int, cost_s: float, is_goal: bool
) -> None:
    shared = Shared(b"inventry")
    one = row(1, total, cost_s)
    shared.add([one], {one.key} if is_goal else set())
    expected = (total, min(2**32 - 1, round(1000 * cost_s)))
    assert shared.located([key_of(2), one.key]) == [None, expected]


def test_goals_are_announced_first_then_what_is_dear_for_its_length() -> None:
    shared = Shared(b"inventry")
    goal, dear, long, cheap = (
        row(1, 10**9, 1.0),
        row(2, 10, 10.0),
        row(3, 10**9, 10.0),
        row(4, 1, 0.04),
    )
    shared.add([long, cheap, dear, goal], {goal.key})
    assert shared.advertised() == [goal.key, dear.key, long.key]


def test_no_more_is_weighed_for_an_announcement_than_fits() -> None:
    shared = Shared(b"inventry")
    shared.add([row(number) for number in range(MAX_ADVERTISED + 10)], set())
    assert len(shared.advertised()) == MAX_ADVERTISED


def test_who_waits_is_told_of_a_change_at_once() -> None:
    shared = Shared(b"inventry")
    have = shared.state
    waiter = threading.Timer(0.05, lambda: shared.add([row(1)], set()))
    waiter.start()
    started = time.monotonic()
    state = shared.wait(have, started + 10, lambda: False)
    assert state == State(b"inventry", 1, 1)
    assert time.monotonic() - started < 5
    waiter.join()


def test_waiting_ends_in_time_and_when_it_is_over() -> None:
    shared = Shared(b"inventry")
    started = time.monotonic()
    shared.wait(shared.state, started + 0.05, lambda: False)
    shared.wait(shared.state, started + 60, lambda: True)
    assert time.monotonic() - started < 5


def test_one_signer_has_a_quarter_of_the_room() -> None:
    quota = Quota(1000)
    quota.add(ANNA, 200)
    assert quota.left(ANNA) == 50
    assert quota.left(BERT) == 250
    quota.replace({ANNA: 900})
    assert quota.left(ANNA) == 0
    assert quota.left(BERT) == 100


def test_room_for_others_is_bounded(tmp_path: Path) -> None:
    limit = default_limit_bytes(tmp_path, 0)
    assert 0 < limit <= MOST_BYTES
    assert default_limit_bytes(tmp_path, 10**18) == MOST_BYTES


def test_speeds_follow_what_was_measured_and_what_waits() -> None:
    speeds = Speeds()
    size = 40_000_000
    assert abs(speeds.estimate_s(ANNA, 0.0, size) - (1.0 + size / 900e6)) < 1e-6
    speeds.begin(ANNA, size)
    assert speeds.estimate_s(ANNA, 0.0, size) > 2.0
    speeds.end(ANNA, size)
    for _ in range(50):
        speeds.learn(ANNA, size, 0.1)
    assert speeds.estimate_s(ANNA, 0.0, size) < 0.2
    assert speeds.estimate_s(BERT, 0.0, size) > 1.0
    speeds.learn(BERT, 10, 10.0)  # too short to say anything
    expected = size / FIRST_BYTES_PER_S + size / 900e6
    assert abs(speeds.estimate_s(BERT, 0.0, size) - expected) < 1e-6


def test_differences_of_libraries_are_named() -> None:
    assert difference(["numpy-2.4"], ["numpy-2.4"]) == ""
    assert difference(["a", "numpy-2.4"], ["a", "numpy-2.3"]) == (
        "here numpy-2.4; there numpy-2.3"
    )


def test_what_only_this_machine_reaches_is_not_announced() -> None:
    for listen in ("127.0.0.1:47800", "[::1]:47800", "localhost:47800"):
        options = DaemonOptions(listen=listen)
        assert announced_on(options, [listen]) is None


def test_one_address_is_announced_as_that_alone() -> None:
    options = DaemonOptions(listen="10.0.0.7:47800")
    assert announced_on(options, ["10.0.0.7:47800"]) == ("10.0.0.7",)
    assert announced_on(DaemonOptions(listen=":0"), ["[::]:40000"]) == ()
    named = DaemonOptions(listen=":0", interfaces=("eth0",))
    assert announced_on(named, ["10.0.0.7:40000"]) == ("eth0",)
