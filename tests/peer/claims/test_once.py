"""Without faults, of all who want a node one computes it."""

from __future__ import annotations

from peer.claims.messages import (
    Ask,
    TellArrived,
    TellFree,
    TellGranted,
    TellHeld,
)

from .realm import Realm, key_ranked


def test_of_two_peers_that_want_a_node_one_computes_it_and_the_other_gets_it() -> None:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm["A"].want(key)
    realm["B"].want(key)
    realm.settle()

    assert realm["A"].state(key) == "granted"
    assert realm["B"].state(key) == "held"
    assert realm["B"].holder(key) == "A"

    realm.pass_time(0.5)
    realm["A"].finish(key)
    realm.pass_time(1.0)
    said = realm["B"].last(key)
    assert isinstance(said, TellArrived)
    assert said.fetched.source == "A"
    assert key in realm["B"].store


def test_the_first_to_ask_is_granted_whoever_the_arbiter_is() -> None:
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    realm["C"].want(key)
    realm.settle()
    assert realm["C"].last(key) == TellGranted(1, key, False)
    realm["A"].want(key)
    realm["B"].want(key)
    realm.settle()
    assert realm["A"].holder(key) == "C"
    assert realm["B"].holder(key) == "C"


def test_what_is_waited_for_is_told_with_the_time_that_is_left() -> None:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm["A"].want(key, estimate_s=10.0)
    realm.pass_time(4.0)
    realm["B"].want(key, estimate_s=12.0)
    realm.settle()
    said = realm["B"].last(key)
    assert isinstance(said, TellHeld)
    assert 5.9 < said.left_s < 6.1


def test_nodes_for_one_arbiter_go_out_in_one_call() -> None:
    realm = Realm("A", "B")
    keys = [key_ranked("A", "B", start=number * 1000) for number in range(20)]
    realm["B"].want(*keys)
    asks = [each for each in realm["B"].sent if isinstance(each, Ask)]
    assert [len(each.items) for each in asks] == [20]


def test_a_call_holds_no_more_than_256_nodes() -> None:
    realm = Realm("A", "B")
    keys = [key_ranked("A", "B", start=number * 1000) for number in range(300)]
    realm["B"].want(*keys)
    asks = [each for each in realm["B"].sent if isinstance(each, Ask)]
    assert [len(each.items) for each in asks] == [256, 44]
    realm.settle()
    assert all(realm["B"].state(key) == "granted" for key in keys)


def test_alone_every_node_is_free() -> None:
    realm = Realm("A")
    realm["A"].want(bytes(32))
    assert realm["A"].told == [TellFree(1, bytes(32))]
    assert realm["A"].claims.next_due(realm.now) is None


def test_a_result_that_is_offered_is_fetched_without_asking_again() -> None:
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    realm["A"].want(key)
    realm["C"].want(key)
    realm.settle()
    realm["A"].finish(key)
    realm["C"].hear("A", key)
    realm.settle()
    assert realm["C"].state(key) == "arrived"


def test_who_asks_after_the_end_is_sent_to_the_result() -> None:
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    realm["B"].want(key)
    realm.settle()
    realm["B"].finish(key)
    realm["C"].want(key)
    realm.settle()
    said = realm["C"].last(key)
    assert isinstance(said, TellArrived)
    assert said.fetched.source == "B"
    assert realm["C"].counts["claims_done"] == 1


def test_the_arbiter_hears_of_the_end_at_once_and_fetches_what_it_waits_for() -> None:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm["B"].want(key)
    realm.settle()
    realm["A"].want(key)
    assert realm["A"].holder(key) == "B"
    realm["B"].finish(key)
    realm.pass_time(0.0)
    assert realm["A"].state(key) == "arrived"


def test_when_a_holder_gives_up_another_is_granted() -> None:
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    realm["B"].want(key, estimate_s=5.0)
    realm["C"].want(key, estimate_s=5.0)
    realm.settle()
    assert realm["C"].holder(key) == "B"
    realm["B"].give_up(key)
    realm.pass_time(3.0)
    assert realm["C"].state(key) == "granted"


def test_a_node_that_fails_is_found_out_by_everybody_for_himself() -> None:
    realm = Realm("A", "B", "C")
    key = key_ranked("A", "B", "C")
    realm["B"].want(key)
    realm["C"].want(key)
    realm.settle()
    realm["B"].give_up(key, has_failed=True)
    realm.pass_time(3.0)
    assert realm["C"].state(key) == "free"
    realm["A"].want(key)
    assert realm["A"].state(key) == "free"


def test_a_failure_is_forgotten_after_a_minute() -> None:
    realm = Realm("A", "B")
    key = key_ranked("A", "B")
    realm["A"].want(key)
    realm["A"].give_up(key, has_failed=True)
    realm.pass_time(61.0)
    realm["B"].want(key)
    realm.settle()
    assert realm["B"].state(key) == "granted"
