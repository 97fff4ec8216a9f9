"""Who waits is told when the result will be there, whatever the holder has to do."""

from __future__ import annotations

from peer.claims.messages import TellHeld

from .realm import Realm, key_ranked

KEYS = [key_ranked("A", "B", start=number * 1000) for number in range(4)]
LONG, SHORT = KEYS[:2]


def _left_s(realm: Realm, name: str, key: bytes, run: int = 1) -> float:
    said = realm[name].last(key, run)
    assert isinstance(said, TellHeld)
    return said.left_s


def test_what_a_run_holds_already_is_taken_to_come_first() -> None:
    realm = Realm("A", "B")
    realm["A"].want(LONG, estimate_s=10.0)
    realm.pass_time(4.0)
    realm["A"].want(SHORT, estimate_s=1.0)
    realm["B"].want(SHORT, estimate_s=1.0)
    realm.settle()
    assert 6.9 < _left_s(realm, "B", SHORT) < 7.1


def test_what_is_claimed_together_is_taken_to_be_computed_one_by_one() -> None:
    realm = Realm("A", "B")
    realm["A"].want_all((LONG, 2.0), (SHORT, 0.5))
    realm["B"].want(SHORT, estimate_s=0.5)
    realm.settle()
    assert 2.4 < _left_s(realm, "B", SHORT) < 2.6


def test_who_holds_many_nodes_must_have_slots_for_all_but_two() -> None:
    realm = Realm("A", "B")
    realm["A"].want(*KEYS, estimate_s=3.0)
    realm["B"].want(SHORT, estimate_s=3.0)
    realm.settle()
    assert 5.9 < _left_s(realm, "B", SHORT) < 6.1


def test_a_node_that_is_the_last_that_a_run_holds_has_begun() -> None:
    realm = Realm("A", "B")
    realm["A"].want_all((LONG, 2.0), (SHORT, 1.5))
    realm.pass_time(1.0)
    realm["A"].finish(LONG, run=1)
    realm.pass_time(1.25)  # one renewal tells how far it is
    realm["B"].want(SHORT, estimate_s=1.5)
    realm.settle()
    assert 0.2 < _left_s(realm, "B", SHORT) < 1.3


def test_no_hedge_runs_beside_a_node_that_stands_in_the_queue() -> None:
    realm = Realm("A", "B")
    realm["A"].want_all((LONG, 8.0), (SHORT, 0.2))
    realm["B"].want(SHORT, estimate_s=0.2)
    realm.pass_time(9.0)
    assert realm["B"].state(SHORT) == "held"


def test_another_run_of_the_machine_is_told_the_queue_as_well() -> None:
    realm = Realm("A", "B")
    realm["A"].want_all((LONG, 2.0), (SHORT, 0.5))
    realm["A"].want(SHORT, run=2, estimate_s=0.5)
    assert 2.4 < _left_s(realm, "A", SHORT, run=2) < 2.6
