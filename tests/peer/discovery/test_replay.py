"""Recordings of old announcements."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.discovery import AnnouncementRefused
from peer.discovery.replay import MAX_PEERS, Replays

from .realms import announcement, node


def is_taken(replays: Replays, **fields: Any) -> bool:
    """Return whether an announcement is taken for new."""
    try:
        replays.check(announcement(**fields))
    except AnnouncementRefused as error:
        return error.reason != "replay"
    return True


@given(st.lists(st.integers(0, 30)))
def test_generations_only_grow(generations: list[int]) -> None:
    replays = Replays()
    newest = -1
    for generation in generations:
        assert is_taken(replays, generation=generation) == (generation >= newest)
        newest = max(newest, generation)


def test_a_new_inventory_begins_anew_and_the_old_one_never_comes_back() -> None:
    replays = Replays()
    old, new = b"inventor", b"another!"
    assert is_taken(replays, inventory_id=old, generation=50)
    assert is_taken(replays, inventory_id=new, generation=1)
    assert not is_taken(replays, inventory_id=old, generation=51)
    assert is_taken(replays, inventory_id=new, generation=2)


def test_nodes_do_not_stand_in_each_others_way() -> None:
    replays = Replays()
    assert is_taken(replays, generation=50)
    assert is_taken(replays, node_id=node("two"), generation=1)


def test_memory_is_bounded() -> None:
    replays = Replays()
    for index in range(MAX_PEERS + 100):
        assert is_taken(replays, node_id=node(str(index)), generation=5)
    assert not is_taken(replays, node_id=node(str(MAX_PEERS + 99)), generation=4)
    with pytest.raises(AnnouncementRefused):
        replays.check(announcement(node_id=node(str(MAX_PEERS)), generation=4))
    assert is_taken(replays, node_id=node("0"), generation=4)
