"""Whatever happened, nothing is left when nobody wants anything any more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peer.claims.messages import Ask, Release, Renew

from .realm import Realm, key_ranked

NAMES = ("A", "B", "C")
KEYS = [key_ranked(*order) for order in (("A", "B", "C"), ("B", "C", "A"))]
RUNS = (1, 2)
LOST = (Ask, Renew, Release)

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "want",
                "begin",
                "finish",
                "give up",
                "fail",
                "end run",
                "hear",
                "lose",
                "heal",
                "cut",
                "gone",
                "restart",
                "hold fetches",
                "let fetch",
            ]
        ),
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
        st.sampled_from(KEYS),
        st.sampled_from(RUNS),
        st.sampled_from([0.0, 0.01, 0.3, 1.0, 5.0]),
    ),
    max_size=40,
)

Step = tuple[str, str, str, bytes, int, float]


def _play(realm: Realm, step: Step) -> None:
    what, name, other, key, run, pause_s = step
    peer = realm[name]
    if what == "want":
        peer.want(key, run=run)
    elif what == "begin":
        peer.begin(key, run=run)
    elif what == "finish" and peer.state(key, run) in ("granted", "free"):
        peer.finish(key, run=run)
    elif what in ("give up", "fail"):
        peer.give_up(key, run=run, has_failed=what == "fail")
    elif what == "end run":
        peer.end_run(run)
    elif what == "hear":
        peer.hear(other, key)
    elif what == "lose":
        realm.lost.add(LOST[run])
    elif what == "heal":
        realm.lost.clear()
        realm.cut.clear()
    elif what == "cut" and name != other:
        realm.separate(name, other)
    elif what == "gone" and name != other:
        realm.kill(name)
        realm.miss(name)
        realm.restart(name)
        realm.miss(name)
    elif what == "restart":
        realm.kill(name)
        realm.restart(name)
    elif what == "hold fetches":
        realm.holds_fetches = True
    elif what == "let fetch":
        realm.holds_fetches = False
        realm.let_fetch()
    realm.pass_time(pause_s)


@pytest.mark.slow
@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_all_tables_are_empty_soon_after_the_last_run(steps: list[Step]) -> None:
    realm = Realm(*NAMES)
    for step in steps:
        _play(realm, step)
    for name in NAMES:
        for run in RUNS:
            realm[name].end_run(run)
    realm.holds_fetches = False
    realm.let_fetch()
    realm.pass_time(30.0)
    for name in NAMES:
        states = realm[name].claims.states()
        for kept in ("done", "failed", "released", "suspected", "struck"):
            states.pop(kept)
        assert not any(states.values()), (name, states)
    realm.pass_time(60.0)
    for name in NAMES:
        states = realm[name].claims.states()
        assert states["done"] == states["failed"] == states["released"] == 0


@pytest.mark.slow
@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_whatever_happened_all_who_want_a_node_get_it_when_the_network_is_whole(
    steps: list[Step],
) -> None:
    realm = Realm(*NAMES)
    for step in steps:
        _play(realm, step)
    realm.lost.clear()
    realm.cut.clear()
    realm.holds_fetches = False
    realm.let_fetch()
    for name in NAMES:
        for run in RUNS:
            realm[name].end_run(run)
        realm[name].store.clear()
        realm[name].told.clear()
        realm[name].want(*KEYS, run=3)
    for _ in range(3):
        realm.pass_time(12.0)
        for name in NAMES:
            for key in KEYS:
                if realm[name].state(key, run=3) in ("granted", "free"):
                    realm[name].finish(key, run=3)
    realm.pass_time(3.0)
    for name in NAMES:
        for key in KEYS:
            assert realm[name].state(key, run=3) in ("granted", "free", "arrived")
