"""Buckets, places and patience: without a clock or a network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.exchange.buckets import RATES, Buckets, Rate
from peer.exchange.pace import Patience, ReaderPace
from peer.exchange.slots import Slots


def test_a_bucket_gives_its_capacity_at_once_and_then_its_rate() -> None:
    buckets = Buckets({"ask": [Rate(3, 2)]})
    assert [buckets.take("a", "ask", 1, 10.0) for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a", "ask", 1, 10.0) == pytest.approx(0.5)
    assert buckets.take("a", "ask", 1, 10.5) == 0
    assert buckets.take("b", "ask", 1, 10.5) == 0, "everybody has buckets of its own"


def test_all_buckets_have_to_have_enough() -> None:
    buckets = Buckets()
    waits = [buckets.take("a", "Inventory", 1, now) for now in (0.0, 1.0, 2.0, 3.0)]
    assert waits == [0, 0, 0, 0]
    assert buckets.take("a", "Inventory", 1, 4.0) > 50
    assert buckets.take("a", "Inventory", 1, 61.0) == 0


def test_a_clock_that_stands_still_or_steps_back_gives_nothing() -> None:
    buckets = Buckets({"ask": [Rate(1, 1)]})
    assert buckets.take("a", "ask", 1, 5.0) == 0
    assert buckets.take("a", "ask", 1, 4.0) == 1
    assert buckets.take("a", "ask", 1, 5.0) == 0


def test_only_so_many_members_are_remembered() -> None:
    buckets = Buckets({"ask": [Rate(1, 1)]}, members=10)
    for number in range(1000):
        buckets.take(str(number), "ask", 1, 0.0)
    assert len(buckets) == 10
    assert buckets.take("999", "ask", 1, 0.0) > 0


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 3)), max_size=60))
def test_nobody_gets_more_than_capacity_and_rate_allow(
    asks: list[tuple[float, float]],
) -> None:
    buckets, now, taken = Buckets({"ask": [Rate(3, 2)]}), 0.0, 0.0
    for pause, amount in asks:
        now += pause
        if buckets.take("a", "ask", amount, now) == 0:
            taken += amount
        assert taken <= 3 + 2 * now + 1e-6


def test_every_method_has_a_rate() -> None:
    assert set(RATES) > {"Hello", "Locate", "Fetch", "Watch", "Renew"}


def test_places_are_limited_in_all_and_for_each() -> None:
    slots = Slots(3, 2)
    assert [slots.take("a") for _ in range(3)] == [True, True, False]
    assert [slots.take("b"), slots.take("b"), slots.take("c")] == [True, False, False]
    slots.free("a")
    assert slots.take("c")


def test_a_reader_may_take_ten_seconds_for_a_chunk() -> None:
    pace = ReaderPace()
    assert not pace.is_too_slow(1e9)
    pace.sending(1 << 20, 100.0)
    assert not pace.is_too_slow(110.0)
    assert pace.is_too_slow(110.1)


def test_a_reader_that_is_slow_for_half_a_minute_is_too_slow() -> None:
    pace, now = ReaderPace(), 0.0
    for _ in range(4):
        pace.sending(400_000, now)
        now += 8
        pace.sent(now)
    assert pace.is_too_slow(now)


def test_the_time_to_make_chunks_ready_is_not_the_readers() -> None:
    pace, now = ReaderPace(), 0.0
    for _ in range(100):
        pace.sending(100_000, now)
        pace.sent(now + 0.1)
        now += 60
        assert not pace.is_too_slow(now)


def test_one_slow_chunk_among_fast_ones_is_forgiven() -> None:
    pace, now = ReaderPace(), 0.0
    for seconds in [9.0, *[0.5] * 50, 9.0, *[0.5] * 50]:
        pace.sending(1 << 20, now)
        now += seconds
        pace.sent(now)
        assert not pace.is_too_slow(now)


def test_patience_lasts_only_while_somebody_waits() -> None:
    patience = Patience(2.0)
    assert not patience.is_over(1e9)
    patience.wait(10.0)
    assert not patience.is_over(12.0)
    assert patience.is_over(12.1)
    patience.rest()
    assert not patience.is_over(1e9)
