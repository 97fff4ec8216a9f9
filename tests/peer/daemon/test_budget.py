"""The CPU time of what runs in the background; times are made up."""

from __future__ import annotations

import pytest

from peer.daemon.budget import CpuBudget


def test_a_budget_grows_with_time_and_cores_from_nothing() -> None:
    budget = CpuBudget(8, now=100.0, share=0.02, most_s=60.0)
    assert budget.left_s(100.0) == 0
    assert budget.left_s(110.0) == pytest.approx(1.6)


def test_a_budget_saves_no_more_than_it_may() -> None:
    budget = CpuBudget(8, now=0.0, share=0.02, most_s=60.0)
    assert budget.left_s(1e6) == 60.0


def test_what_was_taken_too_much_has_to_grow_again() -> None:
    budget = CpuBudget(2, now=0.0, share=0.02, most_s=60.0)
    budget.spend(10.0, now=100.0)
    assert budget.left_s(100.0) == pytest.approx(-6.0)
    assert budget.left_s(250.0) == pytest.approx(0.0)


def test_a_clock_that_goes_back_gives_nothing() -> None:
    budget = CpuBudget(2, now=100.0, share=0.02, most_s=60.0)
    assert budget.left_s(50.0) == 0
    assert budget.left_s(100.0) == 0
