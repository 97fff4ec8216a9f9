"""Which results are computed here as well: rates, with a source that repeats itself."""

from __future__ import annotations

from random import Random

import pytest

from peer.identity import NodeId
from peer.trust.drawing import NEW_RESULTS, Draw

ADA, BOB = NodeId("a" * 16), NodeId("b" * 16)
DRAWS = 20_000


def new_draw(seen: dict[NodeId, int] | None = None) -> Draw:
    return Draw(Random(7), seen or {})


def share(draw: Draw, signer: NodeId = ADA) -> float:
    return sum(draw.wants_audit(signer) for _ in range(DRAWS)) / DRAWS


def test_one_result_in_a_hundred_of_a_known_signer_is_drawn() -> None:
    assert share(new_draw({ADA: NEW_RESULTS})) == pytest.approx(0.01, rel=0.25)


def test_one_result_in_five_of_somebody_accused_is_drawn() -> None:
    draw = new_draw({ADA: NEW_RESULTS, BOB: NEW_RESULTS})
    draw.accuse([ADA])
    assert share(draw, ADA) == pytest.approx(0.2, rel=0.05)
    assert share(draw, BOB) == pytest.approx(0.01, rel=0.25)
    draw.accuse([])
    assert share(draw, ADA) == pytest.approx(0.01, rel=0.25)


def test_one_in_five_of_the_first_results_of_a_signer_is_drawn() -> None:
    draw = new_draw()
    drawn = total = 0
    for number in range(2000):
        signer = NodeId(f"{number:016d}")
        drawn += sum(draw.wants_audit(signer) for _ in range(NEW_RESULTS))
        total += NEW_RESULTS
    assert drawn / total == pytest.approx(0.2, rel=0.05)


def test_what_was_accepted_before_counts_for_each_signer_alone() -> None:
    draw = new_draw({ADA: NEW_RESULTS})
    assert share(draw, ADA) == pytest.approx(0.01, rel=0.25)
    first = sum(draw.wants_audit(BOB) for _ in range(NEW_RESULTS))
    assert first > 0
    assert share(draw, BOB) == pytest.approx(0.01, rel=0.25)
