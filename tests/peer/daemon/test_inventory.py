"""Inventories: differences and filters say the same as the set itself."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from peer.daemon.hints import TRUST_S, Hints
from peer.daemon.inventory import JOURNAL, Inventory, State, place_of, short_key
from peer.discovery import Filter
from store import NodeKey

ID = b"inventry"
shorts = st.integers(0, 2**64 - 1)
few = st.lists(shorts, max_size=30)
steps = st.lists(st.tuples(st.booleans(), few), max_size=20)


def key_of(short: int) -> NodeKey:
    return NodeKey(short.to_bytes(8, "big") + bytes(24))


def filters_of(inventory: Inventory) -> list[Filter]:
    return [
        Filter.decode(each.set, each.items, each.p, 65_536)
        for each in inventory.blocks()
    ]


def apply(inventory: Inventory, step: tuple[bool, list[int]]) -> None:
    is_added, changed = step
    (inventory.add if is_added else inventory.remove)(changed)


@given(before=steps, after=steps)
@settings(max_examples=40)
def test_a_difference_leads_from_any_state_to_the_present(
    before: list[tuple[bool, list[int]]], after: list[tuple[bool, list[int]]]
) -> None:
    inventory, mirror = Inventory(ID), set[int]()
    for step in before:
        apply(inventory, step)
        mirror = mirror | set(step[1]) if step[0] else mirror - set(step[1])
    then = inventory.state
    model = set(mirror)
    for step in after:
        apply(inventory, step)
        model = model | set(step[1]) if step[0] else model - set(step[1])
    changes = inventory.since(then)
    assert changes is not None
    added, removed = changes
    assert (mirror - set(removed)) | set(added) == model
    assert inventory.state.count == len(model)


@given(before=steps, after=steps, asked=few)
@settings(max_examples=40)
def test_hints_never_miss_what_the_neighbour_has(
    before: list[tuple[bool, list[int]]],
    after: list[tuple[bool, list[int]]],
    asked: list[int],
) -> None:
    inventory, hints = Inventory(ID), Hints()
    model: set[int] = set()
    for step in before:
        apply(inventory, step)
        model = model | set(step[1]) if step[0] else model - set(step[1])
    hints.replace(0.0, inventory.state, filters_of(inventory))
    for step in after:
        have = hints.state
        apply(inventory, step)
        model = model | set(step[1]) if step[0] else model - set(step[1])
        changes = inventory.since(have)
        assert changes is not None
        hints.change(0.0, inventory.state, *changes)
    keys = [key_of(short) for short in {*asked, *model}]
    found = {short_key(key) for key in hints.probable(1.0, keys)}
    assert model <= found


@given(st.sets(shorts, min_size=1, max_size=50), st.integers(1, 40))
@settings(max_examples=50)
def test_every_short_key_has_one_place_among_the_blocks(
    found: set[int], blocks: int
) -> None:
    places = {place_of(short, blocks) for short in found}
    assert len(places) == len(found)
    assert all(0 <= block < blocks and 0 <= item < 2**64 for block, item in places)


def test_a_state_of_another_history_has_no_difference() -> None:
    inventory = Inventory(ID)
    inventory.add([1])
    assert inventory.since(State(b"another!", 0, 0)) is None
    assert inventory.since(State(ID, 2, 0)) is None
    assert inventory.since(State(ID, 1, 1)) == ([], [])


def test_beyond_the_journal_there_is_no_difference() -> None:
    inventory = Inventory(ID)
    inventory.add(range(JOURNAL + 1))
    assert inventory.since(State(ID, 0, 0)) is None
    assert inventory.since(State(ID, 1, 1)) is not None


def test_a_long_inventory_has_several_blocks() -> None:
    inventory = Inventory(ID)
    step = 2**64 // 60_000
    inventory.add(range(0, 60_000 * step, step))
    blocks = list(inventory.blocks())
    assert [each.index for each in blocks] == [0, 1]
    assert sum(each.items for each in blocks) == 60_000
    assert all(len(each.set) <= 192 * 1024 for each in blocks)
    hints = Hints()
    hints.replace(0.0, inventory.state, filters_of(inventory))
    keys = [key_of(short) for short in range(0, 100 * step, step)]
    assert hints.probable(0.0, keys) == keys
    absent = [key_of(short + step // 2) for short in range(0, 10_000 * step, step)]
    assert len(hints.probable(0.0, absent)) < 50


def test_a_no_counts_only_for_a_while_after_it_was_confirmed() -> None:
    inventory, hints = Inventory(ID), Hints()
    inventory.add([1])
    hints.replace(0.0, inventory.state, filters_of(inventory))
    absent = [key_of(2**63)]
    assert hints.probable(TRUST_S, absent) == []
    assert hints.probable(TRUST_S + 1, absent) == absent
    assert hints.confirm(40.0, inventory.state)
    assert hints.probable(41.0, absent) == []
    inventory.add([2])
    assert not hints.confirm(80.0, inventory.state)
    assert hints.probable(81.0, absent) == absent


def test_whom_nothing_is_known_of_is_asked_for_everything() -> None:
    keys = [key_of(1), key_of(2)]
    assert Hints().probable(0.0, keys) == keys


def test_a_complete_announcement_is_as_good_as_an_inventory() -> None:
    hints = Hints()
    keys = [key_of(number * (2**64 // 100)) for number in range(100)]
    announced = Filter.of([short_key(key) for key in keys[:10]], 8)
    hints.announce(0.0, announced, is_complete=False, id_of=short_key)
    assert hints.probable(1.0, keys) == keys
    hints.announce(0.0, announced, is_complete=True, id_of=short_key)
    assert set(keys[:10]) <= set(hints.probable(1.0, keys)) < set(keys)
