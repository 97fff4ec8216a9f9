"""Whom to dial."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peer.discovery import Candidates, Dial
from peer.discovery.addresses import is_address, join
from peer.discovery.candidates import MAX_CANDIDATES, MAX_PER_NODE, UNANSWERED_S

from .realms import node

OWN, ONE, TWO = node("own"), node("one"), node("two")
A, B = "10.0.0.1:47800", "10.0.0.2:47800"


def table() -> Candidates:
    return Candidates(OWN, Random(0))


def address(index: int) -> str:
    return f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}:47800"


def test_whoever_is_heard_is_dialled_by_its_id() -> None:
    candidates = table()
    candidates.heard(ONE, [A], 0.0)
    assert candidates.take(0.0) == [Dial(ONE, A, "mdns")]
    assert candidates.take(0.1) == []


def test_a_seed_is_dialled_without_knowing_who_it_is() -> None:
    candidates = table()
    candidates.seed("lab-7:47800", 0.0)
    (dial,) = candidates.take(0.0)
    assert dial == Dial(None, "lab-7:47800", "seed")
    candidates.verified(ONE, dial, 0.1)
    candidates.heard(ONE, [A], 0.2)
    assert candidates.take(10.0) == []
    assert candidates.good_addresses() == [(ONE, "lab-7:47800")]


def test_seeds_that_lead_to_one_member_are_not_dialled_again_and_again() -> None:
    candidates = table()
    candidates.seed("lab-7:47800", 0.0)
    candidates.seed(A, 0.0)
    dials = []
    for tenth in range(1200):
        now = tenth / 10
        for dial in candidates.take(now):
            dials.append(dial.address)
            candidates.verified(ONE, dial, now)
    assert dials == ["lab-7:47800", A]
    candidates.lost(ONE, 120.0)
    found = {dial.address for dial in candidates.take(125.0)}
    assert found == {"lab-7:47800", A}


def test_nobody_dials_itself() -> None:
    candidates = table()
    candidates.heard(OWN, [A], 0.0)
    candidates.referral(OWN, [A], 0.0)
    candidates.seed(B, 0.0)
    (dial,) = candidates.take(0.0)
    candidates.verified(OWN, dial, 0.0)
    assert candidates.take(100.0) == []
    assert candidates.good_addresses() == []


def test_of_several_addresses_one_is_dialled_at_a_time() -> None:
    candidates = table()
    candidates.heard(ONE, [A, B], 0.0)
    (first,) = candidates.take(0.0)
    candidates.failed(first, 0.1)
    (second,) = candidates.take(0.1)
    assert {first.address, second.address} == {A, B}


def test_failures_put_off_the_next_dial_ever_longer_up_to_five_minutes() -> None:
    candidates = table()
    candidates.seed(A, 0.0)
    now, failed_at = 0.0, 0.0
    gaps: list[float] = []
    while len(gaps) < 12:
        for dial in candidates.take(now):
            candidates.failed(dial, now)
            gaps.append(now - failed_at)
            failed_at = now
        now += 0.25
    del gaps[0]  # the first dial is at once
    assert 1 <= gaps[0] <= 2.25
    assert 150 <= gaps[-1] <= 300.25
    assert gaps[4] > gaps[0]


def test_a_new_announcement_ends_the_waiting() -> None:
    candidates = table()
    candidates.heard(ONE, [A], 0.0)
    for now in (0.0, 10.0, 30.0, 60.0):
        (dial,) = candidates.take(now)
        candidates.failed(dial, now)
    assert candidates.take(62.0) == []
    candidates.heard(ONE, [A], 62.0)
    assert candidates.take(63.0) == [Dial(ONE, A, "mdns")]


def test_a_lost_peer_is_dialled_again_where_it_was() -> None:
    for start in ("seed", "heard"):
        candidates = table()
        if start == "seed":
            candidates.seed(A, 0.0)
        else:
            candidates.heard(ONE, [A], 0.0)
        (dial,) = candidates.take(0.0)
        candidates.verified(ONE, dial, 0.5)
        assert candidates.take(50.0) == []
        candidates.lost(ONE, 60.0)
        assert candidates.take(60.5) == []
        assert candidates.take(61.0) == [dial]


def test_a_banned_node_is_never_dialled_again() -> None:
    candidates = table()
    candidates.heard(ONE, [A], 0.0)
    candidates.ban(ONE)
    candidates.referral(ONE, [B], 1.0)
    assert candidates.take(10.0) == []
    candidates.seed(A, 10.0)
    (dial,) = candidates.take(10.0)
    candidates.verified(ONE, dial, 10.0)
    assert candidates.good_addresses() == []


def test_a_dial_that_is_never_answered_has_failed() -> None:
    candidates = table()
    candidates.heard(ONE, [A], 0.0)
    candidates.take(0.0)
    assert candidates.take(UNANSWERED_S - 0.5) == []
    assert candidates.take(UNANSWERED_S) == []
    assert candidates.take(UNANSWERED_S + 2.0) == [Dial(ONE, A, "mdns")]


def test_there_are_at_most_four_dials_a_second() -> None:
    candidates = table()
    for index in range(100):
        candidates.referral(node(str(index)), [address(index)], 0.0)
    moments = [tick / 20 for tick in range(100)]
    dialled = [now for now in moments for _ in candidates.take(now)]
    for start in moments:
        assert sum(start <= now < start + 1 for now in dialled) <= 8
    assert 4 * moments[-1] <= len(dialled) <= 4 * moments[-1] + 4


@pytest.mark.slow
def test_the_table_is_bounded_and_keeps_who_proved_itself() -> None:
    candidates = table()
    candidates.seed("lab-7:47800", 0.0)
    candidates.heard(ONE, [A], 0.0)
    for dial in candidates.take(0.0):
        candidates.verified(ONE if dial.node_id else TWO, dial, 1.0)
    candidates.lost(ONE, 2.0)
    for index in range(10_000):
        candidates.heard(node(str(index)), [address(index + 1000)], 3.0)
    assert len(candidates) <= MAX_CANDIDATES
    assert (ONE, A) in candidates.good_addresses()
    assert candidates.take(5.0)[0] == Dial(ONE, A, "mdns")


def test_one_node_cannot_fill_the_table() -> None:
    candidates = table()
    candidates.referral(ONE, [address(index) for index in range(1000)], 0.0)
    assert len(candidates) == MAX_PER_NODE


def test_what_is_no_address_is_dropped_and_counted() -> None:
    candidates = table()
    candidates.referral(ONE, ["example.com:80", "10.0.0.1", "0.0.0.0:5"], 0.0)
    assert len(candidates) == 0
    assert candidates.dropped == 3


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("10.0.0.1:47800", True),
        ("[fd00::1]:47800", True),
        ("fd00::1:47800", False),
        ("[10.0.0.1]:47800", False),
        ("10.0.0.1:0", False),
        ("10.0.0.1:65536", False),
        ("10.0.0.1:٣", False),
        ("10.0.0.1:", False),
        ("224.0.0.251:5353", False),
        ("lab-7:47800", False),
        ("[fd00::1:47800", False),
        ("", False),
    ],
)
def test_addresses_are_told_from_other_texts(text: str, is_one: bool) -> None:
    assert is_address(text) == is_one


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_not(text: str) -> None:
    is_address(text)


@given(st.ip_addresses(), st.integers(1, 65535))
def test_joined_addresses_are_addresses(host: object, port: int) -> None:
    (joined,) = join([str(host)], port)
    assert joined.endswith(f":{port}")


events = st.one_of(
    st.tuples(st.just("heard"), st.integers(0, 5), st.integers(0, 5)),
    st.tuples(st.just("referral"), st.integers(0, 5), st.integers(0, 5)),
    st.tuples(st.just("seed"), st.just(0), st.integers(0, 5)),
    st.tuples(st.just("lost"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("ban"), st.integers(4, 5), st.just(0)),
    st.tuples(st.just("fail"), st.just(0), st.just(0)),
    st.tuples(st.just("verify"), st.integers(0, 5), st.just(0)),
)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(st.tuples(st.floats(0, 40), events), max_size=80))
def test_whatever_happens_everybody_who_is_not_reached_gets_a_turn(
    history: list[tuple[float, tuple[str, int, int]]],
) -> None:
    candidates = table()
    now = 0.0
    flying: list[Dial] = []
    known, live, banned = set[str](), set[str](), set[str]()
    for gap, (what, index, where) in history:
        now += gap
        flying += candidates.take(now)
        who = node(str(index))
        if what in ("heard", "referral"):
            getattr(candidates, what)(who, [address(where)], now)
            known.add(who)
        elif what == "seed":
            candidates.seed(address(where), now)
        elif what == "lost":
            candidates.lost(who, now)
            live.discard(who)
        elif what == "ban":
            candidates.ban(who)
            banned.add(who)
            live.discard(who)
        elif flying:
            dial = flying.pop()
            if what == "fail":
                candidates.failed(dial, now)
            elif (proven := dial.node_id or who) not in banned:
                candidates.verified(proven, dial, now)
                live.add(proven)
    dialled = {dial.node_id for dial in flying}
    for _ in range(400):
        now += 1.0
        for dial in candidates.take(now):
            dialled.add(dial.node_id)
            candidates.failed(dial, now)
    assert known - live - banned <= dialled | {None}
    assert not live & {dial.node_id for dial in candidates.take(now + 400)}
