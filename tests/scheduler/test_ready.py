"""Which ready node comes next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scheduler.plan import Ref
from scheduler.ready import LOOK_AT, ReadyNodes

BYTES = st.dictionaries(st.integers(0, 500), st.integers(0, 3), min_size=1)


class Memory:
    """What nodes free; counts how often it is asked."""

    def __init__(self, freed: dict[int, int]) -> None:
        self.freed = freed
        self.asked = 0

    def __call__(self, ref: Ref) -> float:
        self.asked += 1
        return self.freed[ref]


@given(BYTES)
def test_with_room_in_memory_nodes_come_in_the_order_they_were_made(
    freed: dict[int, int],
) -> None:
    ready = ReadyNodes(Memory(freed))
    for ref in freed:
        ready.add(ref)
    assert [ready.pop() for _ in freed] == sorted(freed)
    assert not ready


@given(BYTES, st.data())
def test_no_node_is_lost_or_taken_twice_when_memory_is_tight_now_and_then(
    freed: dict[int, int], data: st.DataObject
) -> None:
    ready = ReadyNodes(Memory(freed))
    for ref in freed:
        ready.add(ref)
    tight = data.draw(st.lists(st.booleans(), min_size=len(freed)))
    taken = [
        ready.pop_freeing() if is_tight else ready.pop()
        for _, is_tight in zip(freed, tight, strict=False)
    ]
    assert sorted(taken) == sorted(freed)
    assert len(ready) == 0


def test_what_frees_most_comes_first_however_many_files_are_still_to_be_read() -> None:
    files = 10_000
    ready = ReadyNodes(Memory({**dict.fromkeys(range(files), 0), files: 1, 20_000: 2}))
    for ref in (*range(files), files, 20_000):
        ready.add(ref)
    assert [ready.pop_freeing() for _ in range(4)] == [20_000, files, 0, 1]


def test_what_frees_most_is_found_as_things_are_now() -> None:
    memory = Memory({1: 5, 2: 5, 3: 5})
    ready = ReadyNodes(memory)
    for ref in (1, 2, 3):
        ready.add(ref)
    memory.freed = {1: 0, 2: 5, 3: 9}
    assert [ready.pop_freeing() for _ in range(3)] == [3, 2, 1]


def test_to_take_a_node_costs_the_same_however_many_are_ready() -> None:
    count = 20 * LOOK_AT
    memory = Memory(dict.fromkeys(range(count), 1))
    ready = ReadyNodes(memory)
    for ref in range(count):
        ready.add(ref)
    assert memory.asked == count
    for _ in range(10):
        ready.pop_freeing()
    assert memory.asked <= count + 10 * LOOK_AT
