"""The simulator finds mistakes: machines that have one are caught in the act."""

from __future__ import annotations

import pytest

from peer.claims import Claims
from scheduler.turns import Turns

from . import broken
from .auditing import Auditor
from .invariants import Violation
from .machine import Makers
from .playing import play
from .run import Run
from .shelf import Kept

MOST_SEEDS = 200


def is_caught(scenario: str, makers: Makers, *invariants: str) -> bool:
    """Return whether one of the first few worlds breaks one of these invariants."""
    for seed in range(MOST_SEEDS):
        try:
            play(scenario, seed, makers=makers)
        except Violation as violation:
            if violation.invariant in invariants:
                return True
    return False


@pytest.mark.parametrize(
    ("claims", "scenario", "invariant"),
    [
        (broken.GrantsTwice, "calm", "I8"),
        (broken.TokensStandStill, "calm", "I8"),
        (broken.ForgetsLeases, "calm", "I8"),
        (broken.TellsToWaitForOneself, "calm", "I8"),
        (broken.ForgetsAnAnswer, "calm", "wire"),
        (broken.SeesNobody, "calm", "I5"),
        (broken.NeverReleases, "calm", "I9"),
        (broken.ForgetsToTell, "calm", "I5"),
        (broken.NeverRenews, "long", "I5"),
        (broken.Unbounded, "flood", "I20"),
    ],
)
def test_a_broken_claim_machine_is_caught(
    claims: type[Claims], scenario: str, invariant: str
) -> None:
    assert is_caught(scenario, Makers(claims=claims), invariant)


@pytest.mark.parametrize(
    ("turns", "scenario", "invariants"),
    [
        (broken.WaitsForEver, "frozen", {"I3", "I6"}),
        (broken.TrustsAgain, "squatters", {"I6"}),
        pytest.param(
            *(broken.BelievesForFree, "laggards", {"I6"}), marks=pytest.mark.slow
        ),
        (broken.WaitsForNobody, "calm", {"I5"}),
    ],
)
def test_a_run_that_waits_wrongly_is_caught(
    turns: type[Turns], scenario: str, invariants: set[str]
) -> None:
    assert is_caught(scenario, Makers(turns=turns), *invariants)


def test_a_lie_that_survives_its_liar_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def distrust(self: Auditor, member: str, sequence: int) -> None:
        self._machine.shelf.distrusted[member] = sequence

    monkeypatch.setattr(Auditor, "_distrust", distrust)
    assert is_caught("liars", Makers(), "I2")


def test_a_wrong_value_of_an_honest_machine_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Run, "_value", lambda *_: Kept(7))
    assert is_caught("calm", Makers(), "I1")
