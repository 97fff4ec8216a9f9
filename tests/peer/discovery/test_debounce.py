"""How often announcements change."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from peer.discovery import Debounce
from peer.discovery.debounce import APART_S, interval_s

changes = st.lists(
    st.tuples(st.floats(0, 30), st.booleans(), st.integers(0, 2000)), max_size=60
)


@given(changes)
def test_there_are_at_most_six_a_minute_and_none_is_forgotten(
    moments: list[tuple[float, bool, int]],
) -> None:
    debounce = Debounce()
    now = 0.0
    sent: list[float] = []
    waiting_since: float | None = None
    for gap, urgent, peers in moments:
        now += gap
        debounce.changed(now, peers, urgent=urgent)
        waiting_since = now if waiting_since is None else waiting_since
        due = debounce.due
        assert due is not None
        assert due - waiting_since <= 300 + 60
        if debounce.take(now):
            sent.append(now)
            waiting_since = None
    if debounce.due is not None:
        assert debounce.take(debounce.due)
    for index, moment in enumerate(sent):
        assert sum(moment <= other < moment + 60 for other in sent[index:]) <= 6
    for earlier, later in pairwise(sent):
        assert later - earlier >= APART_S


def test_changes_are_gathered_from_the_first_on() -> None:
    debounce = Debounce()
    debounce.changed(100.0)
    debounce.changed(109.0)
    assert not debounce.take(109.9)
    assert debounce.take(110.0)
    assert debounce.due is None
    assert not debounce.take(1000.0)


def test_what_is_urgent_goes_out_at_once_but_not_into_another_sending() -> None:
    debounce = Debounce()
    debounce.changed(0.0, urgent=True)
    assert debounce.take(0.0)
    debounce.changed(0.2, urgent=True)
    assert not debounce.take(0.9)
    assert debounce.take(1.0)


def test_what_is_urgent_takes_along_what_waits() -> None:
    debounce = Debounce()
    debounce.changed(0.0, 1000)
    debounce.changed(1.0, urgent=True)
    assert debounce.take(1.0)
    assert debounce.due is None


def test_the_time_grows_with_the_peers() -> None:
    assert interval_s(0) == interval_s(40) == 10.0
    assert interval_s(100) == 25.0
    assert interval_s(10**6) == 300.0
