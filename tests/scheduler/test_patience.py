"""How long neighbours are waited for; times are made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.patience import (
    LEAST_S,
    PATIENCE_S,
    PATIENCE_SHARE,
    TRUST_SHARE,
    Patience,
)


def test_half_a_second_may_be_lost_at_once() -> None:
    patience = Patience(100.0)
    assert patience.left_s(100.0) == PATIENCE_S
    patience.spend(PATIENCE_S, is_promised=False)
    assert patience.left_s(100.0) == 0
    assert not patience.may_ask(100.0)


def test_patience_grows_with_time() -> None:
    patience = Patience(0.0)
    patience.spend(PATIENCE_S, is_promised=False)
    assert patience.left_s(10.0) == pytest.approx(0.5)
    assert patience.may_ask(10.0)
    assert not patience.may_ask(LEAST_S / PATIENCE_SHARE / 2)


def test_a_fetch_is_trusted_with_a_share_of_what_it_saves() -> None:
    patience = Patience(0.0)
    patience.expect(10.0)
    patience.spend(TRUST_SHARE * 10.0, is_promised=True)
    assert patience.left_s(0.0) == PATIENCE_S
    assert patience.trust_s() == 0
    patience.spend(0.25, is_promised=True)
    assert patience.left_s(0.0) == pytest.approx(PATIENCE_S - 0.25)


def test_silence_is_not_trusted() -> None:
    patience = Patience(0.0)
    patience.expect(1000.0)
    patience.spend(0.25, is_promised=False)
    assert patience.left_s(0.0) == pytest.approx(PATIENCE_S - 0.25)


def test_what_comes_pays_back_what_it_saved() -> None:
    patience = Patience(0.0)
    patience.expect(10.0)
    patience.spend(TRUST_SHARE * 10.0, is_promised=True)
    patience.spend(0.25, is_promised=True)
    patience.pay_back(9.0)
    assert patience.trust_s() == pytest.approx(TRUST_SHARE * 10.0)
    assert patience.left_s(0.0) == PATIENCE_S


events = st.lists(
    st.tuples(
        st.sampled_from(["work", "silence", "promise", "expect"]),
        st.floats(0.0, 5.0),
    ),
    max_size=60,
)


@given(events)
def test_neighbours_that_bring_nothing_cost_a_fifth_and_half_a_second(
    steps: list[tuple[str, float]],
) -> None:
    patience = Patience(0.0)
    now = wasted = alone = 0.0
    for kind, seconds in steps:
        if kind == "expect":
            alone = max(alone, seconds)
            patience.expect(seconds)
            continue
        if kind == "work":
            now += seconds
            continue
        # Waits as the engine does: never longer than there is patience or trust.
        is_promised = kind == "promise"
        may_s = max(0.0, patience.left_s(now))
        may_s += patience.trust_s() if is_promised else 0.0
        waited = min(seconds, may_s)
        patience.spend(waited, is_promised=is_promised)
        now += waited
        wasted += waited
    limit = PATIENCE_S + PATIENCE_SHARE * now + TRUST_SHARE * alone
    assert wasted <= limit + 1e-9
