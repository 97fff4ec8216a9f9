"""In which order ready nodes are claimed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from scheduler import Claim
from scheduler.work_order import ORDERED_S, WorkOrder
from store import NodeKey

from .neighbourhood import Unclaiming


class Ranking(Unclaiming):
    """The last byte of a key is its rank; counts what it was asked."""

    is_alone = False

    def __init__(self) -> None:
        self.asked: list[int] = []

    def ranks(self, keys: Sequence[NodeKey]) -> list[int]:
        self.asked.append(len(keys))
        return [key[-1] for key in keys]


def claim(rank: int, estimate_s: float = 1.0) -> Claim:
    return Claim(NodeKey(bytes(31) + bytes([rank])), estimate_s)


def refs(order: WorkOrder) -> list[int]:
    return [order.pop().ref for _ in range(len(order))]


def order_of(neighbours: Ranking, *, keeps_order: bool = False) -> WorkOrder:
    return WorkOrder(neighbours, keeps_order=keeps_order)  # type: ignore[arg-type]


def test_what_a_machine_comes_first_for_comes_first() -> None:
    neighbours = Ranking()
    order = order_of(neighbours)
    for ref, rank in ((1, 2), (2, 0), (3, 1), (4, 0)):
        order.add(ref, claim(rank))
    assert refs(order) == [2, 4, 3, 1]
    assert neighbours.asked == [4]


def test_short_nodes_come_in_the_order_of_the_program() -> None:
    neighbours = Ranking()
    order = order_of(neighbours)
    for ref in (3, 1, 2):
        order.add(ref, claim(9 - ref, ORDERED_S / 2))
    assert refs(order) == [1, 2, 3]
    assert neighbours.asked == []


def test_the_order_of_the_program_can_be_kept() -> None:
    order = order_of(Ranking(), keeps_order=True)
    for ref in (3, 1, 2):
        order.add(ref, claim(9 - ref))
    assert refs(order) == [1, 2, 3]


def test_a_rank_is_asked_once() -> None:
    neighbours = Ranking()
    order = order_of(neighbours)
    order.add(1, claim(5))
    order.put_back(order.pop())
    order.add(1, claim(5))  # wanted anew, while the old one is still in the queue
    assert refs(order) == [1, 1]
    assert neighbours.asked == [1, 1]


def test_what_is_let_go_of_is_gone() -> None:
    order = order_of(Ranking())
    order.add(1, claim(5))
    order.discard(1)
    assert len(order) == 0
    with pytest.raises(IndexError):
        order.pop()


def test_some_at_a_time_until_all_had_their_turn() -> None:
    order = order_of(Ranking())
    for ref in range(1, 6):
        order.add(ref, claim(ref))
    parts = [order.some(2) for _ in range(3)]
    assert [len(part) for part in parts] == [2, 2, 1]
    assert sorted(ref for part in parts for ref in part) == [1, 2, 3, 4, 5]
    assert order.some(9) == order.some(9)
    assert len(order) == 5
