"""Every member finds the same order of arbiters, and the nodes spread evenly."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from peer.claims import position, rank
from peer.claims.ranking import MAX_ARBITERS, arbiters
from peer.claims.view import View

NAMES = st.text("abcdefghijklmnop234567", min_size=16, max_size=16)
MEMBERS = st.sets(NAMES, min_size=1, max_size=20)
KEYS = st.binary(min_size=32, max_size=32)


def _many(count: int) -> list[str]:
    return [f"{number:016d}" for number in range(count)]


@given(KEYS, MEMBERS, st.randoms(use_true_random=False))
def test_all_members_agree_however_they_list_each_other(
    key: bytes, members: set[str], random: Random
) -> None:
    listed = sorted(members)
    random.shuffle(listed)
    assert rank(key, listed) == rank(key, members)
    assert sorted(rank(key, members)) == sorted(members)


@given(KEYS, MEMBERS)
def test_who_leaves_moves_only_the_nodes_that_it_came_first_for(
    key: bytes, members: set[str]
) -> None:
    order = rank(key, members)
    for leaver in order:
        rest = rank(key, members - {leaver})
        assert rest == [member for member in order if member != leaver]


def test_each_of_ten_members_comes_first_for_about_a_tenth_of_the_nodes() -> None:
    members = _many(10)
    firsts = Counter(
        rank(number.to_bytes(32, "big"), members)[0] for number in range(5000)
    )
    assert set(firsts) == set(members)
    # The standard deviation of each is 21.
    assert all(400 < count < 600 for count in firsts.values())


@given(KEYS, MEMBERS)
def test_a_position_is_the_place_in_the_order(key: bytes, members: set[str]) -> None:
    for place, member in enumerate(rank(key, members)):
        assert position(key, member, members) == place


@given(KEYS, MEMBERS, NAMES)
def test_who_is_no_arbiter_has_a_position_between_them(
    key: bytes, members: set[str], stranger: str
) -> None:
    others = members - {stranger}
    assert position(key, stranger, others) == rank(key, {*others, stranger}).index(
        stranger
    )


def test_of_many_members_the_same_64_decide_about_everything() -> None:
    members = _many(200)
    deciding = set(arbiters(members))
    assert len(deciding) == MAX_ARBITERS
    assert set(arbiters(members[::-1])) == deciding
    for number in range(5):
        assert set(rank(number.to_bytes(32, "big"), members)) == deciding


@given(KEYS, st.sets(NAMES, min_size=1, max_size=12))
def test_the_best_that_comes_before_me_is_the_first_of_the_order(
    key: bytes, members: set[str]
) -> None:
    for me in members:
        view = View(me)
        view.update(frozenset(members))
        order = view.rank(key)
        assert order == rank(key, members)
        before = order[: order.index(me)]
        assert view.better(key, ()) == (before[0] if before else None)
        assert view.better(key, before[:1]) == (before[1] if before[1:] else None)


def test_who_is_not_among_the_arbiters_comes_last_for_itself() -> None:
    members = _many(100)
    deciding = set(arbiters(members))
    outsider = next(member for member in members if member not in deciding)
    view = View(outsider)
    view.update(frozenset(members))
    order = view.rank(bytes(32))
    assert order[-1] == outsider
    assert set(order[:-1]) == deciding
