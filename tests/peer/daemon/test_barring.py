"""Servers that send wrong bytes are not asked for a while."""

from __future__ import annotations

from peer.identity import NodeId
from peer.trust.barring import DAY_S, STRIKES, Barring
from store import Digest

ANNA, BERT = NodeId("anna"), NodeId("bert")


def artifact(number: int) -> Digest:
    return Digest(bytes([number]) * 32)


def test_three_artifacts_in_a_day_bar_a_server_for_a_day() -> None:
    barring = Barring()
    struck = [barring.strike(ANNA, artifact(it), float(it)) for it in range(STRIKES)]
    assert struck == [False] * (STRIKES - 1) + [True]
    assert barring.barred(10.0) == {ANNA}
    assert not barring.is_barred(BERT, 10.0)
    assert not barring.strike(ANNA, artifact(9), 11.0)  # it is barred already
    assert barring.is_barred(ANNA, DAY_S)
    assert barring.barred(STRIKES - 1 + DAY_S) == frozenset()
    assert not barring.strike(ANNA, artifact(1), 2 * DAY_S)


def test_one_artifact_counts_once() -> None:
    barring = Barring()
    assert not any(barring.strike(ANNA, artifact(1), float(it)) for it in range(9))


def test_strikes_are_forgotten_after_a_day() -> None:
    barring = Barring()
    times = [number * DAY_S / 2 for number in range(20)]
    assert not any(
        barring.strike(ANNA, artifact(number), at) for number, at in enumerate(times)
    )


def test_a_pardoned_server_is_asked_again() -> None:
    barring = Barring()
    for number in range(STRIKES):
        barring.strike(ANNA, artifact(number), 0.0)
    barring.pardon(ANNA)
    assert not barring.is_barred(ANNA, 0.0)
