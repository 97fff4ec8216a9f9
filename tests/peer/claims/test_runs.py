"""Several runs of one machine."""

from __future__ import annotations

from peer.claims.messages import TellArrived, TellGranted, TellHeld

from .realm import Realm, key_ranked


def _two_runs() -> tuple[Realm, bytes]:
    realm = Realm("A", "B")
    key = key_ranked("B", "A")
    realm["A"].want(key, run=1)
    realm["A"].want(key, run=2)
    realm.settle()
    return realm, key


def test_of_two_runs_one_is_granted_and_the_other_waits_for_this_machine() -> None:
    realm, key = _two_runs()
    assert realm["A"].last(key, run=1) == TellGranted(1, key, False)
    assert realm["A"].last(key, run=2) == TellHeld(2, key, "", 1.0)
    assert len(realm["A"].asked(key)) == 1


def test_a_run_that_comes_later_waits_for_the_one_that_computes() -> None:
    realm, key = _two_runs()
    realm.pass_time(0.75)
    realm["A"].want(key, run=3)
    assert realm["A"].last(key, run=3) == TellHeld(3, key, "", 0.25)


def test_all_runs_but_the_one_that_computed_are_told_of_the_result() -> None:
    realm, key = _two_runs()
    realm["A"].finish(key, run=1)
    assert realm["A"].state(key, run=1) == "granted"
    said = realm["A"].last(key, run=2)
    assert isinstance(said, TellArrived)
    assert said.fetched.source == ""


def test_the_run_that_computed_need_not_be_named_if_there_is_only_one() -> None:
    realm, key = _two_runs()
    realm["A"].finish(key)
    assert realm["A"].state(key, run=1) == "granted"
    assert realm["A"].state(key, run=2) == "arrived"


def test_when_the_run_that_computes_gives_up_the_next_is_granted() -> None:
    realm, key = _two_runs()
    realm["A"].give_up(key, run=1)
    assert realm["A"].state(key, run=2) == "granted"
    realm["B"].want(key)
    realm.settle()
    assert realm["B"].holder(key) == "A"


def test_when_the_run_that_computes_dies_the_next_is_granted() -> None:
    realm, key = _two_runs()
    realm["A"].end_run(1)
    assert realm["A"].state(key, run=2) == "granted"


def test_when_all_runs_die_the_node_is_released() -> None:
    realm, key = _two_runs()
    realm["A"].end_run(1)
    realm["A"].end_run(2)
    realm["B"].want(key)
    assert realm["B"].state(key) == "granted"


def test_when_a_node_fails_the_other_runs_find_out_for_themselves() -> None:
    realm, key = _two_runs()
    realm["A"].give_up(key, run=1, has_failed=True)
    assert realm["A"].state(key, run=2) == "free"
    realm["A"].want(key, run=3)
    assert realm["A"].state(key, run=3) == "free"


def test_a_run_that_asks_just_after_the_end_is_told_that_the_result_is_here() -> None:
    realm, key = _two_runs()
    realm["A"].finish(key, run=1)
    realm["A"].want(key, run=3)
    assert realm["A"].state(key, run=3) == "arrived"


def test_a_run_that_was_told_and_finds_no_result_may_compute() -> None:
    realm, key = _two_runs()
    realm["A"].finish(key, run=1)
    realm["A"].want(key, run=2)
    realm.settle()
    assert realm["A"].state(key, run=2) == "granted"


def test_runs_that_wait_for_a_peer_share_one_claim() -> None:
    realm = Realm("A", "B")
    key = key_ranked("B", "A")
    realm["B"].want(key)
    realm["A"].want(key, run=1)
    realm.settle()
    realm["A"].want(key, run=2)
    assert realm["A"].holder(key, run=1) == "B"
    assert realm["A"].holder(key, run=2) == "B"
    realm["B"].finish(key)
    realm["A"].hear("B", key)
    realm.settle()
    assert realm["A"].state(key, run=1) == "arrived"
    assert realm["A"].state(key, run=2) == "arrived"


def test_when_one_of_two_that_wait_ends_the_other_still_gets_the_result() -> None:
    realm = Realm("A", "B")
    key = key_ranked("B", "A")
    realm["B"].want(key)
    realm["A"].want(key, run=1)
    realm["A"].want(key, run=2)
    realm.settle()
    realm["A"].end_run(1)
    realm["B"].finish(key)
    realm.pass_time(3.0)
    assert realm["A"].state(key, run=1) == "held"
    assert realm["A"].state(key, run=2) == "arrived"


def test_a_run_that_begins_makes_the_others_of_its_machine_wait_for_it() -> None:
    realm = Realm("A", "B")
    key = key_ranked("B", "A")
    realm.kill("B")
    realm["A"].want(key, run=1)
    realm["A"].want(key, run=2)
    realm["A"].begin(key, run=1)
    assert realm["A"].holder(key, run=2) == ""


def test_a_claim_that_is_made_again_is_answered_again() -> None:
    realm, key = _two_runs()
    realm["A"].told.clear()
    realm["A"].want(key, run=1)
    realm["A"].want(key, run=2)
    assert realm["A"].state(key, run=1) == "granted"
    assert realm["A"].state(key, run=2) == "held"
